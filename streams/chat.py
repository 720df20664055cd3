"""Chat: saying a line, taking one down, slowing it all down. The only writer of ChatMessage.

A line is stored first and published after its commit: what the room heard is always in the database, and
what a crash kept from being published is in the next snapshot.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction
from redis.exceptions import RedisError

from commerce import errors, throttles
from streams import announce, bodies, people, queries, showlog
from streams.models import ChatMessage, Stream

log = structlog.get_logger(__name__)

LINES, SECONDS = 5, 10  # A viewer may say so many lines in so many seconds.
MAX_LENGTH = 200
MAX_SLOW = 3600
HISTORY = 50
OPEN = (Stream.Status.SCHEDULED, Stream.Status.LIVE)

# What is not seen but does something to others' screens: control and direction-changing characters.
# Controls, direction overrides and what takes no space; joiners stay, because scripts and emoji need them.
_unseen = re.compile(
    r"[\u0000-\u001f\u007f-\u009f\u00ad\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]+"
)
_blanks = re.compile(r"\s+")


class NothingSaid(errors.Invalid):
    message = f"A chat line has 1 to {MAX_LENGTH} characters."


class ChatClosed(errors.Conflict):
    code = "STREAM_NOT_LIVE"
    message = "The show is over; the chat is closed."


class SlowMode(errors.TooMany):
    code = "SLOW_MODE"
    message = "The chat is in slow mode. Wait a little."


class TooFast(errors.TooMany):
    message = "You are writing too fast. Wait a little."


class KeyReused(errors.Conflict):
    code = "IDEMPOTENCY_MISMATCH"
    message = "This key was used for another line."


class UnknownMessage(errors.NotFound):
    message = "There is no such chat line."


class BadPace(errors.Invalid):
    message = f"Slow mode takes 0 to {MAX_SLOW} seconds."


@dataclass(frozen=True, slots=True)
class Said:
    """A line that was said; `replayed`: by an earlier call with the same key."""

    message: ChatMessage
    replayed: bool


def say(*, stream_id: UUID, author_id: UUID, key: UUID, text: str, now: datetime) -> Said:
    """Say a line in a show, once per author and key.

    Raises NothingSaid, UnknownShow, ChatClosed, SlowMode, TooFast, KeyReused, Unavailable (Redis, which
    counts, is down).
    """
    text = cleaned(text)
    if not 1 <= len(text) <= MAX_LENGTH:
        raise NothingSaid(errors={"text": f"1 to {MAX_LENGTH} characters"})
    earlier = _earlier(author_id, key)
    if earlier is not None:
        return _again(earlier, stream_id=stream_id, text=text)
    stream = Stream.objects.select_related("host").filter(pk=stream_id).first()
    if stream is None:
        raise queries.UnknownShow
    if stream.status not in OPEN:
        raise ChatClosed(status=stream.status)
    if author_id != stream.host.user_id:
        _pace(stream, author_id)
    try:
        with transaction.atomic():
            message = ChatMessage.objects.create(
                stream=stream, author_id=author_id, key=key, text=text, at=now
            )
            transaction.on_commit(_publisher(message.id))
    except IntegrityError as error:
        if "chat_key_once" not in str(error):
            raise
        # The same key on another connection was faster.
        return _again(ChatMessage.objects.get(author_id=author_id, key=key), stream_id=stream_id, text=text)
    return Said(message, replayed=False)


def remove(*, host_id: UUID, message_id: UUID, by_id: UUID, now: datetime) -> ChatMessage:
    """Take a line of the host's show down and tell the room; the row stays. Raises UnknownMessage."""
    with transaction.atomic():
        message = (
            ChatMessage.objects.select_for_update(of=("self",))
            .filter(pk=message_id, stream__host_id=host_id)
            .first()
        )
        if message is None:
            raise UnknownMessage
        if message.removed_at is None:
            message.removed_at, message.removed_by_id = now, by_id
            message.save(update_fields=["removed_at", "removed_by"])
            announce.tell_room(
                stream_id=message.stream_id,
                t="chat.removed",
                d={"id": str(message.id)},
                key=f"chat.removed:{message.id}",
            )
    return message


def slow(*, host_id: UUID, stream_id: UUID, seconds: int) -> Stream:
    """Let each viewer say one line in `seconds` (0: any), tell the room; raises UnknownShow, BadPace."""
    if not 0 <= seconds <= MAX_SLOW:
        raise BadPace(errors={"seconds": f"0 to {MAX_SLOW}"})
    with transaction.atomic():
        stream = queries.locked_show(host_id=host_id, stream_id=stream_id)
        if stream.chat_slow_seconds != seconds:
            stream.chat_slow_seconds = seconds
            stream.save(update_fields=["chat_slow_seconds"])
            announce.tell_room(stream_id=stream.id, t="chat.mode", d={"slow_s": seconds})
    return stream


def latest(*, stream_id: UUID) -> list[bodies.Body]:
    """Return the bodies of the last HISTORY lines that stand, oldest first."""
    lines = (
        ChatMessage.objects.filter(stream_id=stream_id, removed_at=None)
        .select_related("author", "stream__host")
        .order_by("-id")[:HISTORY]
    )
    return [body(line) for line in reversed(lines)]


def body(message: ChatMessage) -> bodies.Body:
    """Return what viewers are told of a line."""
    return {
        "id": str(message.id),
        "user": people.in_show(message.author, message.stream).as_dict(),
        "text": message.text,
        "at": bodies.unix_ms(message.at),
    }


def cleaned(text: str) -> str:
    """Return the line as it is stored: one line, without unseen characters, not padded."""
    return _blanks.sub(" ", _unseen.sub(" ", text)).strip()


def publish(message: ChatMessage) -> None:
    """Send a stored line to the room; when Redis is down it is left to the next snapshot."""
    try:
        showlog.tell_chat(
            stream_id=message.stream_id,
            message_id=message.id,
            d=body(message),
            ts=bodies.unix_ms(message.at),
        )
    except RedisError:
        log.warning("chat.unpublished", message=str(message.id), exc_info=True)


def _publisher(message_id: UUID) -> Callable[[], Any]:
    def after_commit() -> None:
        publish(ChatMessage.objects.select_related("author", "stream__host").get(pk=message_id))

    return after_commit


def _earlier(author_id: UUID, key: UUID) -> ChatMessage | None:
    return ChatMessage.objects.filter(author_id=author_id, key=key).first()


def _again(message: ChatMessage, *, stream_id: UUID, text: str) -> Said:
    if message.stream_id != stream_id or message.text != text:
        raise KeyReused
    if message.removed_at is None:
        # The process may have died before publishing it; viewers know a line they have by its id.
        publish(ChatMessage.objects.select_related("author", "stream__host").get(pk=message.pk))
    return Said(message, replayed=True)


def _pace(stream: Stream, author_id: UUID) -> None:
    who = str(author_id)
    _spend(TooFast, what="chat", who=who, limit=LINES, seconds=SECONDS)
    if stream.chat_slow_seconds:
        _spend(SlowMode, what=f"slow:{stream.id}", who=who, limit=1, seconds=stream.chat_slow_seconds)


def _spend(refusal: type[errors.TooMany], *, what: str, who: str, limit: int, seconds: int) -> None:
    try:
        throttles.spend(what=what, who=who, limit=limit, seconds=seconds)
    except throttles.TooOften as often:
        raised = refusal()
        raised.retry_ms = often.retry_ms  # type: ignore[misc]  # the wait of this one refusal
        raise raised from None
