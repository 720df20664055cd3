"""What a socket may ask of the room itself, beside the frames that keep the connection."""

from datetime import datetime
from typing import Any
from uuid import UUID

from streams import bodies, chat
from streams.frames import Caller, up


def chat_send(caller: Caller, d: up.ChatSend, *, key: UUID, now: datetime) -> dict[str, Any]:
    """Say a line of chat."""
    said = chat.say(stream_id=caller.stream_id, author_id=caller.signed_in(), key=key, text=d.text, now=now)
    return {"id": str(said.message.id), "at": bodies.unix_ms(said.message.at), "replayed": said.replayed}
