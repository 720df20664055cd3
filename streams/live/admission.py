"""Who comes in by the socket: by ticket, by session cookie from our own pages, or only to watch; and whether
they may still be there."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib import auth
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from redis.exceptions import RedisError

from commerce import errors
from commerce.models import User
from streams import passes, queries, snapshot
from streams.live.room import Show
from streams.models import Stream
from streams.moderation import restraints, standing
from streams.passes import Pass

log = structlog.get_logger(__name__)

OVER_AFTER = timedelta(hours=24)  # Until then a show that has ended still shows its end and one's orders.

_session_key = re.compile(r"[0-9a-z]{8,64}")  # A quoted cookie may hold anything, NUL included.


class ForeignOrigin(errors.Forbidden):
    message = "Pages of other sites need a ticket."


class SignedOut(errors.Unauthenticated):
    message = "You have been signed out."


class LongOver(queries.ShowOver):
    message = "The show is over."


def find(slug: str) -> Show:
    """Return the show of that address; raises UnknownShow, LongOver."""
    row = (
        Stream.objects.filter(slug=slug, host__is_active=True)
        .values_list("id", "slug", "host__user_id", "status", "ended_at")
        .first()
    )
    if row is None:
        raise queries.UnknownShow
    status, ended_at = row[3:]
    if status == Stream.Status.CANCELLED or (ended_at and ended_at < timezone.now() - OVER_AFTER):
        raise LongOver(status=status)
    return Show(*row[:3])


def session_of(*, cookie: str | None, origin: str | None) -> str | None:
    """Return the session by which somebody comes in, None for an anonymous viewer; raises ForeignOrigin.

    A cookie counts only from our own pages: the browser sends it from anybody's.
    """
    if origin is not None and origin not in settings.CSRF_TRUSTED_ORIGINS:
        raise ForeignOrigin
    if cookie is None or origin is None or not _session_key.fullmatch(cookie):
        return None
    return cookie


def look_up(asked: Sequence[tuple[str, UUID]]) -> list[Pass | errors.Refusal | None]:
    """Return whose each session is, as a pass into a show, why it has none, or None: nobody's.

    Three queries, however many there are. The passes are kept for those who come back. Raises Unavailable.
    """
    before, now = passes.mark(), timezone.now()
    users = _signed_in({session for session, _ in asked}, now)
    coming = [(session, stream_id) for session, stream_id in asked if session in users]
    found = passes.of_all([(users[session], stream_id, session) for session, stream_id in coming], now=now)
    passes.keep(*(each for each in found if isinstance(each, Pass)), since=before)
    known = dict(zip(coming, found, strict=True))
    return [known.get(each) for each in asked]


def recheck(held: Sequence[Pass]) -> list[errors.Refusal | None]:
    """Return for each pass why it lets its user act no more, None while it does.

    Signed out, password changed, account closed, banned. Three queries, however many there are.
    """
    now = timezone.now()
    users = {
        user.id: passes.seal_of(user)
        for user in User.objects.filter(pk__in={each.person.id for each in held}, is_active=True)
    }
    sessions = set(
        Session.objects.filter(
            session_key__in={each.session for each in held if each.session}, expire_date__gt=now
        ).values_list("session_key", flat=True)
    )
    banned = set(
        restraints.bans(now)
        .filter(user_id__in={each.person.id for each in held}, stream_id__in={each.stream for each in held})
        .values_list("user_id", "stream_id")
    )

    def why(one: Pass) -> errors.Refusal | None:
        signed_in = one.session is None or one.session in sessions
        if users.get(one.person.id) != one.seal or not signed_in:
            return SignedOut()
        return standing.Banned() if (one.person.id, one.stream) in banned else None

    return [why(each) for each in held]


def require(held: Pass) -> None:
    """Raise SignedOut or Banned unless the user may still act; one query."""
    now = timezone.now()
    ban = restraints.bans(now).filter(user_id=OuterRef("pk"), stream_id=held.stream)
    session = Session.objects.filter(session_key=held.session, expire_date__gt=now)
    user = (
        User.objects.filter(pk=held.person.id, is_active=True)
        .annotate(banned=Exists(ban), in_session=Exists(session))
        .first()
    )
    if user is None or passes.seal_of(user) != held.seal or not (user.in_session or held.session is None):
        raise SignedOut
    if user.banned:
        raise standing.Banned


def renew(held: Sequence[Pass]) -> list[errors.Refusal | None]:
    """Do as `recheck`, and keep the good passes for those who come back.

    Without Redis nothing can be kept; who may not stay is known all the same.
    """
    try:
        before = passes.mark()
    except errors.Unavailable:
        before = None
    found = recheck(held)
    if before is None:
        return found
    try:
        good = [each for each, refusal in zip(held, found, strict=True) if refusal is None]
        passes.keep(*good, since=before)
        for each, refusal in zip(held, found, strict=True):
            if refusal is not None:
                passes.drop(user_id=each.person.id)
    except (errors.Unavailable, RedisError) as error:
        log.warning("passes.not_kept", error=str(error))
    return found


def anew(held: Pass) -> Pass:
    """Return the pass as it is now, role included; raises SignedOut or Banned."""
    require(held)
    user = User.objects.get(pk=held.person.id)
    return passes.of(user=user, stream_id=held.stream, session=held.session, now=timezone.now())


def everybodys(stream_id: UUID) -> dict[str, Any]:
    """Return the part of the snapshot that all viewers share."""
    return snapshot.public(stream=_stream(stream_id))


def _stream(stream_id: UUID) -> Stream:
    stream = Stream.objects.select_related("host").filter(pk=stream_id).first()
    if stream is None:
        raise queries.UnknownShow
    return stream


def _signed_in(sessions: Collection[str], now: datetime) -> dict[str, User]:
    """Return the active user of each session that has one; as `auth.get_user`, and two queries for all."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    rows = Session.objects.filter(session_key__in=sessions, expire_date__gt=now)
    said = {key: store.decode(data) for key, data in rows.values_list("session_key", "session_data")}
    ids = {
        key: User._meta.pk.to_python(each[auth.SESSION_KEY])
        for key, each in said.items()
        if each.get(auth.BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS
    }
    users = {user.id: user for user in User.objects.filter(pk__in=set(ids.values()), is_active=True)}
    return {
        key: users[user_id]
        for key, user_id in ids.items()
        if user_id in users and _sealed_by(users[user_id], said[key].get(auth.HASH_SESSION_KEY))
    }


def _sealed_by(user: User, seal: str | None) -> bool:
    """Say whether a session was begun with the password that the user has now."""
    if not seal:
        return False
    return constant_time_compare(seal, user.get_session_auth_hash()) or any(
        constant_time_compare(seal, each) for each in user.get_session_auth_fallback_hash()
    )
