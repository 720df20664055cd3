"""What is promised over time, and how it may change: raised at once, lowered once announced."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Piece:
    """A rate in basis points from one moment until another, or without an end."""

    rate: int
    since: datetime
    until: datetime | None


def change(
    pieces: Iterable[Piece], *, rate: int | None, now: datetime, announced: datetime, at_once: bool = True
) -> list[Piece]:
    """Return what is promised from `now` on when the rate becomes another, or None, which ends it.

    Until `announced` nothing that is promised gets less: what is less than the new rate becomes it at once.
    Where nothing is promised yet the new rate counts at once too, or from `announced` on.
    """
    found: list[Piece] = []
    at = now
    for each in sorted(pieces, key=lambda one: one.since):
        since, until = max(each.since, now), min(each.until or announced, announced)
        if since >= until:
            continue
        if at_once and rate is not None and at < since:
            found.append(Piece(rate, at, since))
        found.append(Piece(max(each.rate, rate or 0), since, until))
        at = until
    if rate is not None:
        found.append(Piece(rate, at if at_once else announced, None))
    return _joined(found)


def _joined(pieces: list[Piece]) -> list[Piece]:
    joined: list[Piece] = []
    for each in pieces:
        last = joined[-1] if joined else None
        if last is not None and last.until == each.since and last.rate == each.rate:
            joined[-1] = Piece(last.rate, last.since, each.until)
        else:
            joined.append(each)
    return joined
