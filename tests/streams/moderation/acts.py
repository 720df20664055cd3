"""What people do in a show's chat, as plainly as it can be said."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from commerce.models import Event, User
from streams import chat
from streams.models import ChatMessage, Decision, Right, ShowModerator, Stream
from streams.moderation import lines, moderators
from tests.streams import make

RUDE = "what a bunch of bullshit"


def say(stream: Stream, author: User, text: str = "Hi", **more: Any) -> chat.Said:
    """Say a line."""
    given: dict[str, Any] = {
        "stream_id": stream.id,
        "author_id": author.id,
        "key": uuid4(),
        "text": text,
        "now": make.NOW,
    }
    return chat.say(**(given | more))


def line(stream: Stream, author: User | None = None, text: str = "Hi") -> ChatMessage:
    """Return a line that everybody sees."""
    said = say(stream, author or make.user(), text)
    assert not said.held
    return said.message


def held(stream: Stream, author: User | None = None, text: str = RUDE) -> ChatMessage:
    """Return a line that a filter holds."""
    said = say(stream, author or make.user(), text)
    assert said.held
    return said.message


def mod(stream: Stream, *rights: str, user: User | None = None) -> User:
    """Return a moderator of the show with these rights, or with all."""
    user = user or make.user("Max")
    host = stream.host.user_id
    moderators.appoint(
        stream_id=stream.id, by_id=host, user_id=user.id, rights=rights or Right.values, now=make.NOW
    )
    return user


def removed(stream: Stream, author: User | None = None, by: User | None = None) -> ChatMessage:
    """Return a line that was taken down."""
    found = line(stream, author)
    return lines.remove(
        stream_id=stream.id,
        message_id=found.id,
        by_id=by.id if by else stream.host.user_id,
        rule="spam",
        reason="Third time",
        now=make.NOW,
    )


def told_user(user: User) -> list[tuple[str, dict[str, Any]]]:
    """Return what a user was told privately so far, in order: frame type and body."""
    events = Event.objects.filter(name="user.told", payload__user=str(user.id)).order_by("id")
    return [(event.payload["t"], event.payload["d"]) for event in events]


def decisions_of(message: ChatMessage) -> list[str]:
    """Return what was decided about a line, in order."""
    return list(Decision.objects.filter(message=message).order_by("id").values_list("action", flat=True))


def rights_of(stream: Stream, user: User) -> list[str]:
    """Return a moderator's rights."""
    return ShowModerator.objects.get(stream=stream, user=user).rights
