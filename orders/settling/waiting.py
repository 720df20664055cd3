"""Whose purchases wait to be charged: each one's place in line, and in how many seconds it is her turn."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from uuid import UUID

from django.db import connection

TOLD_FROM = 3  # Seconds; who waits for less is told how it ended.
SOON = 15  # Who waits for less is told at each look, others at each FEWER-th, a part of them at a time.
FEWER = 5
MOST = 2_000  # Told at one look.
WINDOW_SECONDS = 10

# A payment is made when it is asked for, and its id begins with the time it was made: so the last ones are
# found by the primary key.
_SQL = """
    WITH waiting AS (
        SELECT p.id, p.buyer_id, p.updated_at, row_number() OVER (ORDER BY p.updated_at, p.id) AS place
          FROM orders_purchase p
         WHERE p.status = 'accepted' AND NOT EXISTS (
               SELECT FROM orders_payment y WHERE y.purchase_id = p.id
                  AND y.status NOT IN ('created', 'declined', 'cancelled', 'returned'))
    ), pace AS (
        SELECT count(*) / greatest(1, least(%(window)s, extract(epoch FROM clock_timestamp() - (
                   SELECT min(updated_at) FROM waiting)))) AS per_second
          FROM orders_payment
         WHERE id >= (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint - %(window)s * 1000),
                           12, '0') || '00000000000000000000')::uuid
           AND status <> 'created'
    )
    SELECT id, buyer_id, place, per_second FROM waiting, pace ORDER BY place
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A purchase in line; 1 is next. The seconds are None while nobody is charged."""

    purchase_id: UUID
    buyer_id: UUID
    place: int
    about_seconds: int | None


def line() -> list[Waiting]:
    """Return everybody who waits to be charged, next first, by the pace of the last seconds."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"window": WINDOW_SECONDS})
        rows = cursor.fetchall()
    return [
        Waiting(purchase_id, buyer_id, place, ceil(place / float(pace)) if pace else None)
        for purchase_id, buyer_id, place, pace in rows
    ]


def to_tell(all_: Sequence[Waiting], *, look: int) -> list[Waiting]:
    """Return those who are to be told at the n-th look: who waits long, less often."""
    told = [each for each in all_ if _is_told(each, look)]
    return told[:MOST]


def _is_told(one: Waiting, look: int) -> bool:
    if one.about_seconds is not None and one.about_seconds <= SOON:
        return one.about_seconds > TOLD_FROM
    return one.place % FEWER == look % FEWER
