"""The rules of a show's chat for all viewers, slow mode and followers only, and the comment above it."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from commerce import errors
from streams import announce, bodies
from streams.models import ChatMessage, Right, Stream
from streams.moderation import lines, standing

MAX_SLOW = 3600


class BadPace(errors.Invalid):
    message = f"Slow mode takes 0 to {MAX_SLOW} seconds."


class NotShown(errors.Conflict):
    code = "LINE_NOT_SHOWN"
    message = "Only a line that everybody sees can be pinned."


def change(
    *,
    stream_id: UUID,
    by_id: UUID,
    now: datetime,
    slow_s: int | None = None,
    followers_only: bool | None = None,
) -> Stream:
    """Change the pace of a show's chat, or whom it is for, and tell the room; None leaves a rule alone.

    Raises UnknownShow, MissingRight, BadPace.
    """
    standing.allowed(stream_id=stream_id, user_id=by_id, now=now, rights=[Right.PACE])
    with transaction.atomic():
        stream = Stream.objects.select_for_update(no_key=True, of=("self",)).get(pk=stream_id)
        return apply(stream, slow_s=slow_s, followers_only=followers_only)


def apply(stream: Stream, *, slow_s: int | None = None, followers_only: bool | None = None) -> Stream:
    """Change the rules of a show that the caller has locked; raises BadPace."""
    slow_s = stream.chat_slow_seconds if slow_s is None else slow_s
    followers_only = stream.followers_only if followers_only is None else followers_only
    if not 0 <= slow_s <= MAX_SLOW:
        raise BadPace(errors={"seconds": f"0 to {MAX_SLOW}"})
    if (stream.chat_slow_seconds, stream.followers_only) != (slow_s, followers_only):
        stream.chat_slow_seconds, stream.followers_only = slow_s, followers_only
        stream.save(update_fields=["chat_slow_seconds", "followers_only"])
        announce.tell_room(stream_id=stream.id, t="chat.mode", d=body(stream))
    return stream


def body(stream: Stream) -> dict[str, int | bool]:
    """Return what viewers are told of the chat's rules."""
    return {"slow_s": stream.chat_slow_seconds, "followers_only": stream.followers_only}


def pin(*, stream_id: UUID, message_id: UUID, by_id: UUID, now: datetime) -> ChatMessage:
    """Keep a line above the chat, in place of the one before, and tell the room; again is once.

    Raises UnknownShow, MissingRight, UnknownMessage, NotShown.
    """
    standing.allowed(stream_id=stream_id, user_id=by_id, now=now, rights=[Right.PIN])
    with transaction.atomic():
        message = lines.locked(stream_id=stream_id, message_id=message_id)
        if message.status != ChatMessage.Status.SHOWN:
            raise NotShown(status=message.status)
        pinned = Stream.objects.filter(pk=stream_id).exclude(pinned_line=message)
        if pinned.update(pinned_line=message):
            announce.tell_room(stream_id=stream_id, t="chat.pinned", d=bodies.said(message))
    return message


def unpin(*, stream_id: UUID, by_id: UUID, now: datetime) -> None:
    """Take the comment above the chat away, if there is one; raises UnknownShow, MissingRight."""
    standing.allowed(stream_id=stream_id, user_id=by_id, now=now, rights=[Right.PIN])
    with transaction.atomic():
        stream = Stream.objects.select_for_update(no_key=True, of=("self",)).get(pk=stream_id)
        if stream.pinned_line_id is not None:
            announce.tell_room(stream_id=stream_id, t="chat.unpinned", d={"id": str(stream.pinned_line_id)})
            stream.pinned_line = None
            stream.save(update_fields=["pinned_line"])


def pinned(stream: Stream) -> dict[str, object] | None:
    """Return the body of the comment above a show's chat."""
    if stream.pinned_line_id is None:
        return None
    found = (
        ChatMessage.objects.select_related("author", "stream__host", "question__item")
        .filter(pk=stream.pinned_line_id, status=ChatMessage.Status.SHOWN)
        .first()
    )
    return bodies.said(found) if found else None
