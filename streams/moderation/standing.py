"""How users stand in shows: as what, with which rights, and under which restraints. One query."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.db import connection

from commerce import errors
from streams import queries
from streams.models import Restraint, Right

ALL: frozenset[str] = frozenset(Right.values)

_SQL = """
SELECT s.status, s.chat_slow_seconds, s.followers_only, s.host_id, h.user_id, h.name, s.slug,
       u.name, u.is_staff, u.is_active, m.rights,
       EXISTS (SELECT 1 FROM streams_follow f WHERE f.user_id = u.id AND f.host_id = s.host_id),
       mute.until, mute.reason, ban.id IS NOT NULL, ban.until, ban.reason, s.id, u.id
  FROM unnest(%(streams)s::uuid[], %(users)s::uuid[]) AS asked (stream_id, user_id)
  JOIN streams_stream s ON s.id = asked.stream_id
  JOIN commerce_host h ON h.id = s.host_id
  JOIN commerce_user u ON u.id = asked.user_id
  LEFT JOIN streams_showmoderator m ON m.stream_id = s.id AND m.user_id = u.id
  LEFT JOIN streams_restraint mute ON mute.stream_id = s.id AND mute.user_id = u.id AND mute.kind = 'mute'
       AND mute.lifted_at IS NULL AND mute.until > %(now)s
  LEFT JOIN streams_restraint ban ON ban.stream_id = s.id AND ban.user_id = u.id AND ban.kind = 'ban'
       AND ban.lifted_at IS NULL AND (ban.until IS NULL OR ban.until > %(now)s)
"""


class MissingRight(errors.Forbidden):
    message = "You may not do this in this show."


class Muted(errors.Forbidden):
    code = "MUTED"
    message = "You are muted in this show for a while."


class Banned(errors.Forbidden):
    code = "BANNED"
    message = "You are banned from this show."


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A user in a show, with what matters of the show."""

    stream_id: UUID
    stream_slug: str
    status: str
    slow_s: int
    followers_only: bool
    host_id: UUID
    host_user_id: UUID
    user_id: UUID
    name: str
    role: Literal["host", "mod", "viewer"]
    rights: frozenset[str]
    active: bool
    follows: bool
    muted_until: datetime | None
    mute_reason: str
    banned: bool
    banned_until: datetime | None
    ban_reason: str

    @property
    def keeps_order(self) -> bool:
        """Whether this is the host or somebody she or the platform trusts."""
        return self.role != "viewer"

    def check_free(self) -> None:
        """Raise Banned or Muted when this user may not take part now."""
        if self.banned:
            raise Banned(until=_ms(self.banned_until), reason=self.ban_reason)
        if self.muted_until is not None:
            raise Muted(until=_ms(self.muted_until), reason=self.mute_reason)

    def check_right(self, *any_of: str) -> None:
        """Raise UnknownShow for whoever has no rights here, MissingRight unless one of these is there."""
        if not self.rights:
            raise queries.UnknownShow
        if not self.rights.intersection(any_of):
            raise MissingRight(rights=sorted(any_of))


def of(*, stream_id: UUID, user_id: UUID, now: datetime) -> Standing:
    """Return how a user stands in a show; raises UnknownShow when there is no such show or user."""
    found = of_all([(stream_id, user_id)], now=now)
    if not found:
        raise queries.UnknownShow
    return found[stream_id, user_id]


def of_all(asked: Sequence[tuple[UUID, UUID]], *, now: datetime) -> dict[tuple[UUID, UUID], Standing]:
    """Return how users stand in shows, by (show, user); those that there are not are left out."""
    streams, users = [str(stream) for stream, _ in asked], [str(user) for _, user in asked]
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"streams": streams, "users": users, "now": now})
        return {row[17:19]: _standing(row) for row in cursor.fetchall()}


def _standing(row: Sequence[Any]) -> Standing:
    user_id = row[18]
    role = _role(is_host=row[4] == user_id, is_staff=row[8], rights=row[10])
    return Standing(
        stream_id=row[17],
        status=row[0],
        slow_s=row[1],
        followers_only=row[2],
        host_id=row[3],
        host_user_id=row[4],
        stream_slug=row[6],
        user_id=user_id,
        name=row[5] if role == "host" else row[7],
        role=role,
        rights=_rights(role, is_staff=row[8], given=row[10]),
        active=row[9],
        follows=row[11],
        muted_until=row[12],
        mute_reason=row[13] or "",
        banned=row[14],
        banned_until=row[15],
        ban_reason=row[16] or "",
    )


def ban(*, stream_id: UUID, user_id: UUID, now: datetime) -> Banned | None:
    """Return what keeps a user out of a show at that moment, None if nothing does; one query."""
    bans = Restraint.objects.filter(
        stream_id=stream_id, user_id=user_id, kind=Restraint.Kind.BAN, lifted_at=None
    )
    found = bans.exclude(until__lte=now).values_list("until", "reason").first()
    return Banned(until=_ms(found[0]), reason=found[1]) if found else None


def check_not_banned(*, stream_id: UUID, user_id: UUID, now: datetime) -> None:
    """Raise Banned if a user is kept out of a show at that moment; one query."""
    if refusal := ban(stream_id=stream_id, user_id=user_id, now=now):
        raise refusal


def allowed(*, stream_id: UUID, user_id: UUID, now: datetime, rights: Collection[str]) -> Standing:
    """Return the standing of somebody with one of these rights.

    Raises UnknownShow for whoever has none in this show, MissingRight for whoever has others.
    """
    standing = of(stream_id=stream_id, user_id=user_id, now=now)
    standing.check_right(*rights)
    return standing


def _role(*, is_host: bool, is_staff: bool, rights: list[str] | None) -> Literal["host", "mod", "viewer"]:
    if is_host:
        return "host"
    return "mod" if is_staff or rights else "viewer"


def _rights(role: str, *, is_staff: bool, given: list[str] | None) -> frozenset[str]:
    if role == "host" or is_staff:
        return ALL
    return frozenset(given or ())


def _ms(at: datetime | None) -> int | None:
    return int(at.timestamp() * 1000) if at else None
