"""Several hosts on one show: invited by its host, agreed to by each herself. The only writer of CoHost.

A share is of the commission that the show earns, and counts for what is bought from the moment she agrees
until she leaves. Published in docs/commission.md.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max, QuerySet, Sum

from commerce import clock, errors, ids
from commerce.models import Host
from streams import announce, queries, states
from streams.models import CoHost, Stream
from streams.models.cohosts import MOST_BP

MOST = 8  # Hosts beside the show's own, invited ones too.
Status = CoHost.Status
OPEN = (Status.INVITED, Status.ACCEPTED)

# Shared by who books sales of these shows, alone for who changes their hosts: see the trigger cohost_guard.
_LOCK = """
    SELECT pg_advisory_xact_lock{shared}(hashtextextended(s::text, 9))
      FROM (SELECT DISTINCT unnest(%(streams)s::uuid[]) AS s ORDER BY 1) x;
"""
_ALONE, _SHARED = _LOCK.format(shared=""), _LOCK.format(shared="_shared")
_AGREED = """
    SELECT stream_id, host_id, share_bp, agreed_at, ended_at
      FROM streams_cohost WHERE stream_id = ANY(%(streams)s::uuid[]) AND agreed_at IS NOT NULL
     ORDER BY agreed_at, id
"""


class UnknownHost(errors.NotFound):
    message = "There is no host of this name or address."


class SeveralHosts(errors.Conflict):
    """Several hosts have this name; one's address is hers alone."""

    code = "SEVERAL_HOSTS"
    message = "Several hosts have this name. Use the address of the one you mean."


class OwnShow(errors.Conflict):
    code = "OWN_SHOW"
    message = "It is your own show: what is left of the commission is yours."


class BadShare(errors.Invalid):
    """A share is in basis points; `most` is the greatest."""

    code = "BAD_COHOST_SHARE"
    message = f"A share is more than nothing and at most {MOST_BP / 100:g} %."


class NothingLeft(errors.Conflict):
    """With those invited already it is more than may be shared; `left` may be, in basis points."""

    code = "COHOST_SHARES_EXCEEDED"
    message = f"Co-hosts together have at most {MOST_BP / 100:g} % of the commission."


class InvitedAlready(errors.Conflict):
    code = "COHOST_INVITED"
    message = "She is invited to this show already."


class TooManyCoHosts(errors.Conflict):
    """As many as a show may have, invited ones too."""

    code = "TOO_MANY_COHOSTS"
    message = f"A show has {MOST} co-hosts at most."


class UnknownInvitation(errors.NotFound):
    message = "There is no such invitation."


class InvitationOver(errors.Conflict):
    """Whatever becomes of it has been said; `status` tells what."""

    code = "INVITATION_OVER"
    message = "This invitation is over."


class Promised(errors.Conflict):
    """What she agreed to host live for is hers; she may leave by herself."""

    code = "COHOST_PROMISED"
    message = "The show is live: what she agreed to stays hers. She may leave it herself."


@dataclass(frozen=True, slots=True)
class Part:
    """What of a show's commission is a co-host's, in basis points."""

    host_id: UUID
    share_bp: int


# --- the show's host ---


def invite(
    *, host_id: UUID, stream_id: UUID, whom: str, share_bp: int, now: datetime | None = None
) -> CoHost:
    """Invite a host, by her name or the end of her address, to have a share (basis points) of the commission.

    `now` is the database's clock unless given, here and below. Raises UnknownShow, ShowOver, UnknownHost,
    SeveralHosts, OwnShow, BadShare, InvitedAlready, TooManyCoHosts, NothingLeft.
    """
    if not 0 < share_bp <= MOST_BP:
        raise BadShare(most=MOST_BP)
    with transaction.atomic():
        _alone(stream_id)
        queries.editable_show(host_id=host_id, stream_id=stream_id)
        guest = _named(whom)
        if guest.id == host_id:
            raise OwnShow
        there = CoHost.objects.filter(stream_id=stream_id, status__in=OPEN)
        if there.filter(host=guest).exists():
            raise InvitedAlready
        if there.count() >= MOST:
            raise TooManyCoHosts(limit=MOST)
        _check_left(stream_id, share_bp)
        return CoHost.objects.create(
            id=ids.new(),
            stream_id=stream_id,
            inviter_id=host_id,
            host=guest,
            share_bp=share_bp,
            invited_at=now or clock.database_now(),
        )


def withdraw(*, host_id: UUID, stream_id: UUID, cohost_id: UUID, now: datetime | None = None) -> CoHost:
    """Take back an invitation; until the show is live also one that was accepted. Withdrawn stays withdrawn.

    Raises UnknownShow, ShowOver, UnknownInvitation, InvitationOver, Promised.
    """
    with transaction.atomic():
        _alone(stream_id)
        stream = queries.editable_show(host_id=host_id, stream_id=stream_id)
        row = CoHost.objects.filter(stream_id=stream_id, pk=cohost_id).first()
        if row is None:
            raise UnknownInvitation
        if row.status == Status.ACCEPTED and stream.status != Stream.Status.SCHEDULED:
            raise Promised
        return _end(row, Status.WITHDRAWN, OPEN, now)


# --- the invited host ---


def accept(*, host_id: UUID, cohost_id: UUID, now: datetime | None = None) -> CoHost:
    """Agree to host a show for the share that was offered: it counts from now on. Accepted stays accepted.

    Raises UnknownInvitation, InvitationOver, ShowOver.
    """
    with transaction.atomic():
        row = _hers(host_id, cohost_id)
        if row.status == Status.ACCEPTED:
            return row
        if row.status != Status.INVITED:
            raise InvitationOver(status=row.status)
        ended = CoHost.objects.filter(stream_id=row.stream_id, agreed_at__isnull=False).aggregate(
            at=Max("ended_at")
        )
        # Also where the clock was put back: nobody's share began before that of who made room for it ended.
        at = now or clock.database_now()
        row.status, row.agreed_at = Status.ACCEPTED, max(at, ended["at"] or at)
        row.save(update_fields=["status", "agreed_at"])
        _tell(row.stream_id)
        return row


def decline(*, host_id: UUID, cohost_id: UUID, now: datetime | None = None) -> CoHost:
    """Say no to an invitation; declined stays declined. Raises as `accept` does."""
    with transaction.atomic():
        return _end(_hers(host_id, cohost_id), Status.DECLINED, (Status.INVITED,), now)


def leave(*, host_id: UUID, cohost_id: UUID, now: datetime | None = None) -> CoHost:
    """Host a show no longer; what was bought until now stays shared. Raises as `accept` does."""
    with transaction.atomic():
        return _end(_hers(host_id, cohost_id), Status.LEFT, (Status.ACCEPTED,), now)


# --- reads ---


def of_show(*, stream_id: UUID) -> QuerySet[CoHost]:
    """Return whoever was invited to a show, the first first."""
    return CoHost.objects.filter(stream_id=stream_id).select_related("host").order_by("id")


def of_host(*, host_id: UUID) -> QuerySet[CoHost]:
    """Return a host's invitations, the latest first."""
    rows = CoHost.objects.filter(host_id=host_id)
    return rows.select_related("stream", "inviter").order_by("-id")


def waiting(*, host_id: UUID) -> QuerySet[CoHost]:
    """Return invitations that a host may still answer, the latest first."""
    return of_host(host_id=host_id).filter(status=Status.INVITED, stream__status__in=states.EDITABLE)


def left_bp(*, stream_id: UUID) -> int:
    """Return what of a show's commission may still be offered, in basis points."""
    rows = CoHost.objects.filter(stream_id=stream_id, status__in=OPEN)
    return MOST_BP - (rows.aggregate(sum=Sum("share_bp"))["sum"] or 0)


def shown(*, stream_id: UUID) -> list[dict[str, Any]]:
    """Return the co-hosts of a show as viewers see them."""
    rows = of_show(stream_id=stream_id).filter(status=Status.ACCEPTED).order_by("agreed_at", "id")
    return [{"id": str(row.host_id), "name": row.host.name, "avatar": row.host.avatar_url} for row in rows]


def of_sales(sales: Collection[tuple[UUID, datetime]]) -> dict[tuple[UUID, datetime], list[Part]]:
    """Return the co-hosts' parts of what was bought in a show at a moment, for each of these.

    Until the caller's transaction ends none of the shows' hosts change, so that it does not matter when a
    sale is booked: who agrees or leaves afterwards does so after that moment.
    """
    if not sales:
        return {}
    with connection.cursor() as cursor:
        # Two statements: what is read is what was committed once the lock is held.
        cursor.execute(_SHARED + _AGREED, {"streams": sorted({stream_id for stream_id, _ in sales})})
        rows = cursor.fetchall()
    return {
        (stream_id, at): [
            Part(host_id, share_bp)
            for of, host_id, share_bp, agreed_at, ended_at in rows
            if of == stream_id and agreed_at <= at and (ended_at is None or at < ended_at)
        ]
        for stream_id, at in sales
    }


# --- inside ---


def _alone(stream_id: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ALONE, {"streams": [stream_id]})


def _named(whom: str) -> Host:
    name = whom.strip().removeprefix("@")
    hosts = Host.objects.filter(is_active=True)
    found = hosts.filter(slug=name.lower()).first()
    if found is None:
        called = list(hosts.filter(name__iexact=name)[:2])
        if len(called) > 1:
            raise SeveralHosts
        found = called[0] if called else None
    if found is None:
        raise UnknownHost
    return found


def _check_left(stream_id: UUID, share_bp: int) -> None:
    left = left_bp(stream_id=stream_id)
    if share_bp > left:
        raise NothingLeft(left=left)


def _hers(host_id: UUID, cohost_id: UUID) -> CoHost:
    """Return a host's own invitation to a show that is not over, with the show's hosts to oneself."""
    hers = CoHost.objects.filter(host_id=host_id, pk=cohost_id)
    row = hers.first()
    if row is None:
        raise UnknownInvitation
    _alone(row.stream_id)
    queries.editable_show(host_id=row.inviter_id, stream_id=row.stream_id)
    return hers.get()


def _end(row: CoHost, new: Status, of: Collection[str], now: datetime | None) -> CoHost:
    if row.status == new:
        return row
    if row.status not in of:
        raise InvitationOver(status=row.status)
    at = now or clock.database_now()
    row.status, row.ended_at = new, max(at, row.agreed_at or at)
    row.save(update_fields=["status", "ended_at"])
    if row.agreed_at is not None:
        _tell(row.stream_id)
    return row


def _tell(stream_id: UUID) -> None:
    announce.tell_room(stream_id=stream_id, t="stream.cohosts", d={"cohosts": shown(stream_id=stream_id)})
