"""How much lies at a location other than the main one, and what is written down of it.

Its callers have locked the stock of the variants: whoever has that alone changes what lies anywhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from catalog.models import Location, LocationStock, StockMovement
from catalog.shelf.movements import Who

Spot = tuple[UUID, UUID]
"""A variant and a location."""


@dataclass(frozen=True, slots=True)
class Move:
    """What is written down of one variant at one location; `note` in place of what is said of all."""

    variant_id: UUID
    location: Location
    delta: int
    on_hand_delta: int
    note: str = ""


def lying(variant_ids: Iterable[UUID]) -> dict[Spot, int]:
    """Return what lies elsewhere of variants whose stock is locked."""
    rows = LocationStock.objects.filter(variant_id__in=list(variant_ids))
    return {(row.variant_id, row.location_id): row.on_hand for row in rows}


def write(
    merchant_id: UUID,
    moves: Sequence[Move],
    lying: Mapping[Spot, int],
    *,
    reason: StockMovement.Reason,
    note: str,
    by: Who,
    now: datetime,
) -> None:
    """Write what lies at the locations of the moves from now on, and the moves themselves."""
    touched = {(move.variant_id, move.location.pk) for move in moves if not move.location.is_main}
    LocationStock.objects.bulk_create(
        [
            LocationStock(
                merchant_id=merchant_id,
                variant_id=pk,
                location_id=location_id,
                on_hand=lying[pk, location_id],
                updated_at=now,
            )
            for pk, location_id in sorted(touched)
        ],
        update_conflicts=True,
        unique_fields=["variant", "location"],
        update_fields=["on_hand", "updated_at"],
    )
    StockMovement.objects.bulk_create(
        StockMovement(
            merchant_id=merchant_id,
            variant_id=move.variant_id,
            location=move.location,
            delta=move.delta,
            on_hand_delta=move.on_hand_delta,
            reason=reason,
            note=move.note or note,
            by=by.kind,
            by_name=by.name,
            at=now,
        )
        for move in moves
        if move.delta or move.on_hand_delta
    )
