"""Chat: saying a line and reading the last ones. With `moderation.lines`, the only writer of ChatMessage.

A line is stored first and published after its commit: what the room heard is always in the database, and
what a crash kept from being published is in the next snapshot. A line that a filter finds something in is
stored as held, told to its author and to the moderators, and to nobody else.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction
from redis.exceptions import RedisError

from commerce import errors, throttles
from streams import bodies, people, queries, showlog
from streams.models import ChatMessage, Question, ShowcaseItem, Stream
from streams.moderation import checks, decisions, lines, mode, personal, standing

log = structlog.get_logger(__name__)

LINES, SECONDS = 5, 10  # A viewer may say so many lines in so many seconds.
MAX_LENGTH = 200
HISTORY = 50
MARKS = 4  # Accents that one letter may bear.
AT_DESK = "Taken down at the desk."
OPEN = (Stream.Status.SCHEDULED, Stream.Status.LIVE)

# What is not seen but does something to others' screens: control and direction-changing characters.
# Controls, direction overrides and what takes no space; joiners stay, because scripts and emoji need them.
_unseen = re.compile(
    r"[\u0000-\u001f\u007f-\u009f\u00ad\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]+"
)
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"  # Letters and symbols that look like nothing.
_blanks = re.compile(r"\s+")


class NothingSaid(errors.Invalid):
    message = f"A chat line has 1 to {MAX_LENGTH} characters."


class ChatClosed(errors.Conflict):
    code = "STREAM_NOT_LIVE"
    message = "The show is over; the chat is closed."


class SlowMode(errors.TooMany):
    code = "SLOW_MODE"
    message = "The chat is in slow mode. Wait a little."


class FollowersOnly(errors.Forbidden):
    code = "FOLLOWERS_ONLY"
    message = "Only followers of the host may chat now."


class TooFast(errors.TooMany):
    message = "You are writing too fast. Wait a little."


class KeyReused(errors.Conflict):
    code = "IDEMPOTENCY_MISMATCH"
    message = "This key was used for another line."


class UnknownProduct(errors.NotFound):
    message = "This product is not in the showcase."


@dataclass(frozen=True, slots=True)
class Said:
    """A line that was said; `replayed`: by an earlier call with the same key."""

    message: ChatMessage
    replayed: bool

    @property
    def held(self) -> bool:
        """Whether a human has to look at it before the room sees it."""
        return self.message.status == ChatMessage.Status.HELD


def say(
    *,
    stream_id: UUID,
    author_id: UUID,
    key: UUID,
    text: str,
    now: datetime,
    question: bool = False,
    product_id: UUID | None = None,
) -> Said:
    """Say a line in a show, once per author and key; a question may name a product of the showcase.

    Raises NothingSaid, UnknownShow, ChatClosed, Banned, Muted, FollowersOnly, SlowMode, TooFast,
    UnknownProduct, KeyReused, Unavailable (Redis, which counts, is down).
    """
    text, has_card = personal.masked(cleaned(text))
    if not 1 <= len(text) <= MAX_LENGTH:
        raise NothingSaid(errors={"text": f"1 to {MAX_LENGTH} characters"})
    earlier = _earlier(author_id, key)
    if earlier is not None:
        return _again(earlier, stream_id=stream_id, text=text)
    author = standing.of(stream_id=stream_id, user_id=author_id, now=now)
    _let_in(author)
    item = _item(stream_id, product_id) if product_id else None
    message = ChatMessage(stream_id=stream_id, author_id=author_id, key=key, text=text, at=now)
    asked = Question(message=message, stream_id=stream_id, item=item) if question else None
    finding = None if author.keeps_order else checks.look(text, author=author, has_card=has_card)
    try:
        if finding is None and asked is None:
            message.save(force_insert=True)
        else:
            with transaction.atomic():
                if finding is None:
                    message.save(force_insert=True)
                else:
                    lines.hold(message, finding=finding, now=now)
                if asked is not None:
                    asked.save(force_insert=True)
                    decisions.work_changed(stream_id)
    except IntegrityError as error:
        if "chat_author_is_free" in str(error):
            # A moderator was faster than this line.
            standing.of(stream_id=stream_id, user_id=author_id, now=now).check_free()
            raise standing.Muted from None
        if "chat_key_once" not in str(error):
            raise
        # The same key on another connection was faster.
        return _again(ChatMessage.objects.get(author_id=author_id, key=key), stream_id=stream_id, text=text)
    if finding is None:
        _publish(message, person=people.Person(author_id, author.name, author.role), asked=asked)
    return Said(message, replayed=False)


def latest(*, stream_id: UUID) -> list[bodies.Body]:
    """Return the bodies of the last HISTORY lines that stand, oldest first."""
    shown = (
        ChatMessage.objects.filter(stream_id=stream_id, status=ChatMessage.Status.SHOWN)
        .select_related("author", "stream__host", "question__item")
        .order_by("-id")[:HISTORY]
    )
    moderators = people.moderators(stream_id)
    return [
        _body(each, people.among(each.author, each.stream, moderators=moderators)) for each in reversed(shown)
    ]


def cleaned(text: str) -> str:
    """Return the line as it is stored: one line, without unseen characters, not padded; "" shows nothing."""
    line = _blanks.sub(" ", _unseen.sub(" ", text)).strip()
    kept, marks = [], 0
    for character in line:
        kind = unicodedata.category(character)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        # More than this belongs to no script and only covers the lines of others.
        if marks <= MARKS:
            kept.append(character)
    return "".join(kept) if any(map(_shows, kept)) else ""


def _shows(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNPS" and character not in _BLANK


def remove(*, host_id: UUID, message_id: UUID, by_id: UUID, now: datetime) -> ChatMessage:
    """Take a line of the host's show down, as the host or an operator; raises UnknownMessage."""
    found = ChatMessage.objects.filter(pk=message_id, stream__host_id=host_id).only("stream_id").first()
    if found is None:
        raise queries.UnknownMessage
    return lines.remove(
        stream_id=found.stream_id,
        message_id=message_id,
        by_id=by_id,
        reason=AT_DESK,
        now=now,
    )


def slow(*, host_id: UUID, stream_id: UUID, seconds: int) -> Stream:
    """Let each viewer of the host's show say one line in `seconds` (0: any); raises UnknownShow, BadPace."""
    with transaction.atomic():
        return mode.apply(queries.locked_show(host_id=host_id, stream_id=stream_id), slow_s=seconds)


def _publish(message: ChatMessage, *, person: people.Person, asked: Question | None) -> None:
    # When Redis is down the line is left to the next snapshot.
    try:
        showlog.tell_chat(
            stream_id=message.stream_id,
            message_id=message.id,
            d=bodies.line(message, person.as_dict(), asked=asked),
            ts=bodies.unix_ms(message.at),
        )
    except RedisError:
        log.warning("chat.unpublished", message=str(message.id), exc_info=True)


def _body(message: ChatMessage, author: people.Person) -> bodies.Body:
    return bodies.line(message, author.as_dict(), asked=getattr(message, "question", None))


def _earlier(author_id: UUID, key: UUID) -> ChatMessage | None:
    return ChatMessage.objects.filter(author_id=author_id, key=key).first()


def _again(message: ChatMessage, *, stream_id: UUID, text: str) -> Said:
    if message.stream_id != stream_id or message.text != text:
        raise KeyReused
    if message.status == ChatMessage.Status.SHOWN:
        # The process may have died before publishing it; viewers know a line they have by its id.
        found = ChatMessage.objects.select_related("author", "stream__host", "question__item")
        whole = found.get(pk=message.pk)
        person = people.among(whole.author, whole.stream, moderators=people.moderators(stream_id))
        _publish(whole, person=person, asked=getattr(whole, "question", None))
    return Said(message, replayed=True)


def _let_in(author: standing.Standing) -> None:
    author.check_free()
    if author.status not in OPEN:
        raise ChatClosed(status=author.status)
    if author.keeps_order:
        # The host's own lines are not even counted; her helpers are held to the pace of people.
        if author.role != "host":
            _spend(TooFast, what="chat", who=str(author.user_id), limit=LINES, seconds=SECONDS)
        return
    if author.followers_only and not author.follows:
        raise FollowersOnly
    _spend(TooFast, what="chat", who=str(author.user_id), limit=LINES, seconds=SECONDS)
    if author.slow_s:
        what = f"slow:{author.stream_id}"
        _spend(SlowMode, what=what, who=str(author.user_id), limit=1, seconds=author.slow_s)


def _spend(refusal: type[errors.TooMany], *, what: str, who: str, limit: int, seconds: int) -> None:
    try:
        throttles.spend(what=what, who=who, limit=limit, seconds=seconds)
    except throttles.TooOften as often:
        raised = refusal()
        raised.retry_ms = often.retry_ms  # type: ignore[misc]  # the wait of this one refusal
        raise raised from None


def _item(stream_id: UUID, product_id: UUID) -> ShowcaseItem:
    found = ShowcaseItem.objects.filter(stream_id=stream_id, product_id=product_id, removed_at=None).first()
    if found is None:
        raise UnknownProduct
    return found
