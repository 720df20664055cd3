"""Moderators of a show: whom the host trusts, with which rights. The only writer of ShowModerator."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from commerce import errors, outbox
from commerce.models import User
from streams import announce, queries
from streams.models import Right, ShowModerator, Stream
from streams.moderation import restraints, standing

MOST = 50


class BadRights(errors.Invalid):
    message = "Name at least one right."


class TooManyModerators(errors.Conflict):
    code = "TOO_MANY_MODERATORS"
    message = f"A show has {MOST} moderators at most."


class IsHost(errors.Conflict):
    code = "IS_HOST"
    message = "The host has all rights already."


class HostOnly(errors.Forbidden):
    message = "Only the host chooses moderators."


class Restrained(errors.Conflict):
    code = "RESTRAINED"
    message = "This user is muted or banned in the show. Lift that first."


class UnknownModerator(errors.NotFound):
    message = "This is no moderator of the show."


def appoint(
    *,
    stream_id: UUID,
    by_id: UUID,
    rights: Collection[str],
    now: datetime,
    user_id: UUID | None = None,
    email: str | None = None,
) -> ShowModerator:
    """Make a user, named by id or by e-mail address, a moderator with these rights, or change the rights.

    Only the host or the platform's staff may. Raises UnknownShow, HostOnly, UnknownUser, IsHost, BadRights,
    TooManyModerators, Restrained.
    """
    chosen = sorted(set(rights))
    if not chosen or not set(chosen) <= set(Right.values):
        raise BadRights(errors={"rights": f"some of {', '.join(Right.values)}"})
    _check_may(stream_id=stream_id, by_id=by_id, now=now)
    user = _user(user_id, email)
    theirs = standing.of(stream_id=stream_id, user_id=user.id, now=now)
    if theirs.role == "host":
        raise IsHost
    if theirs.banned or theirs.muted_until is not None:
        raise Restrained
    with transaction.atomic():
        _lock(stream_id)
        held = ShowModerator.objects.filter(stream_id=stream_id, user=user).first()
        if held is not None and held.rights == chosen:
            return held
        if held is None:
            if ShowModerator.objects.filter(stream_id=stream_id).count() >= MOST:
                raise TooManyModerators
            held = ShowModerator(stream_id=stream_id, user=user)
        held.rights, held.given_by_id, held.at = chosen, by_id, now
        held.save()
        _tell(stream_id=stream_id, user_id=user.id, role="mod", rights=chosen)
    return held


def dismiss(*, stream_id: UUID, by_id: UUID, user_id: UUID, now: datetime) -> None:
    """Take a moderator's rights away; raises UnknownShow, HostOnly, UnknownModerator."""
    _check_may(stream_id=stream_id, by_id=by_id, now=now)
    with transaction.atomic():
        _lock(stream_id)
        held = of_show(stream_id=stream_id).filter(user_id=user_id).first()
        if held is None:
            raise UnknownModerator
        held.delete()
        if held.user.is_staff:
            _tell(stream_id=stream_id, user_id=user_id, role="mod", rights=sorted(standing.ALL))
        else:
            _tell(stream_id=stream_id, user_id=user_id, role="viewer", rights=[])


def of_show(*, stream_id: UUID) -> QuerySet[ShowModerator]:
    """Return the moderators of a show, the first to be appointed first."""
    return ShowModerator.objects.filter(stream_id=stream_id).select_related("user", "given_by").order_by("id")


def _check_may(*, stream_id: UUID, by_id: UUID, now: datetime) -> None:
    by = standing.of(stream_id=stream_id, user_id=by_id, now=now)
    if not by.rights:
        raise queries.UnknownShow
    if by.role != "host" and not User.objects.filter(pk=by_id, is_staff=True).exists():
        raise HostOnly


def _user(user_id: UUID | None, email: str | None) -> User:
    named = {"pk": user_id} if user_id is not None else {"email": (email or "").strip().lower()}
    user = User.objects.filter(is_active=True, **named).first()
    if user is None:
        raise restraints.UnknownUser
    return user


def _lock(stream_id: UUID) -> None:
    # The show's row queues changes of its moderators, so that their number holds.
    Stream.objects.select_for_update(no_key=True, of=("self",)).get(pk=stream_id)


def _tell(*, stream_id: UUID, user_id: UUID, role: str, rights: list[str]) -> None:
    d = {"stream": str(stream_id), "role": role, "rights": rights}
    announce.tell_user(user_id=user_id, t="user.rights", d=d)
    outbox.record(name="access.changed", payload={"user": str(user_id), "stream": str(stream_id)})
