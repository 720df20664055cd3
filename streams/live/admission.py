"""Who comes in by the socket: by ticket, by session cookie from our own pages, or only to watch."""

import re
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest

from commerce import errors
from commerce.models import User
from streams import people, queries, snapshot, tickets
from streams.live.room import Show
from streams.models import Stream

_session_key = re.compile(r"[0-9a-z]{8,64}")  # A quoted cookie may hold anything, NUL included.


class ForeignOrigin(errors.Forbidden):
    message = "Pages of other sites need a ticket."


class SignedOut(errors.Unauthenticated):
    message = "You have been signed out."


@dataclass(frozen=True, slots=True)
class Pass:
    """What lets a connection act for a user, looked at again before every command."""

    person: people.Person
    session: str | None  # The session's key, where it came by cookie.


def find(slug: str) -> Show:
    """Return the show of that address; raises UnknownShow."""
    row = (
        Stream.objects.filter(slug=slug, host__is_active=True)
        .values_list("id", "slug", "host__user_id")
        .first()
    )
    if row is None:
        raise queries.UnknownShow
    return Show(*row)


def admit(*, show: Show, ticket: str | None, cookie: str | None, origin: str | None) -> Pass | None:
    """Return the pass of whoever comes in, None for an anonymous viewer.

    A cookie counts only from our own pages: the browser sends it from anybody's. Raises BadTicket,
    ForeignOrigin, Unavailable.
    """
    if ticket is not None:
        held = tickets.redeem(token=ticket, stream_id=show.id)
        return Pass(people.Person(held.user, held.name, held.role), None)
    if origin is not None and origin not in settings.CSRF_TRUSTED_ORIGINS:
        raise ForeignOrigin
    if cookie is None or origin is None:
        return None
    user = _signed_in(cookie)
    if user is None:
        return None
    return Pass(people.in_show(user, _stream(show.id)), cookie)


def recheck(held: Pass) -> None:
    """Raise SignedOut unless the user may still act: not banned, not signed out since."""
    if held.session is None:
        welcome = User.objects.filter(pk=held.person.id, is_active=True).exists()
    else:
        user = _signed_in(held.session)
        welcome = user is not None and user.id == held.person.id
    if not welcome:
        raise SignedOut


def everybodys(stream_id: UUID) -> dict[str, Any]:
    """Return the part of the snapshot that all viewers share."""
    return snapshot.public(stream=_stream(stream_id))


def own(stream_id: UUID, user_id: UUID) -> dict[str, Any]:
    """Return a shopper's own part of the snapshot."""
    return snapshot.own(stream=_stream(stream_id), user_id=user_id)


def _stream(stream_id: UUID) -> Stream:
    stream = Stream.objects.select_related("host").filter(pk=stream_id).first()
    if stream is None:
        raise queries.UnknownShow
    return stream


def _signed_in(session_key: str) -> User | None:
    if not _session_key.fullmatch(session_key):
        return None
    engine = import_module(settings.SESSION_ENGINE)
    request = HttpRequest()
    request.session = engine.SessionStore(session_key)
    user = auth.get_user(request)
    return user if isinstance(user, User) and user.is_active else None
