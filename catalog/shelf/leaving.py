"""Sold units leave a location in a parcel, and lie there again if the parcel did not go.

What can be promised stays as it is: it went down when they were sold. What lies at the main location is
derived, so nothing is written of what leaves it. Callers have locked whom the units are for before.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from catalog.models import Location
from catalog.shelf import locations, onhand, stock
from catalog.shelf.movements import SOMEBODY, Reason, Who
from catalog.shelf.places import NotEnoughThere


@dataclass(frozen=True, slots=True)
class Units:
    """Units of a variant, with what its movement says of them."""

    variant_id: UUID
    units: int
    note: str


def origin(*, merchant_id: UUID, code: str) -> Location:
    """Return a location by its code, and keep it from being closed while the transaction lasts.

    Raises UnknownLocation.
    """
    return locations.called(locations.shared(merchant_id, [code]), code)


def keep_open(places: Collection[tuple[UUID, UUID]]) -> None:
    """Keep locations, each named with its merchant, from being closed while the transaction lasts."""
    for merchant_id, location_id in sorted(places):
        locations.kept(merchant_id, location_id)


def take_away(*, place: Location, going: Sequence[Units], now: datetime, by: Who = SOMEBODY) -> None:
    """Have positive units leave a location that `origin` returned, all or none, each a movement of its own.

    Raises LocationClosed, places.NotEnoughThere.
    """
    if not place.is_active:
        raise locations.LocationClosed(
            "This location is closed. Nothing is sent from it.", location=place.code
        )
    if place.is_main:
        return
    with transaction.atomic():
        total = _total(going)
        stock.locked(place.merchant_id, total)
        lying = onhand.lying(total)
        for pk in sorted(total):
            here = lying.get((pk, place.pk), 0)
            if here < total[pk]:
                raise NotEnoughThere(variant=pk, location=place.code, left=here)
            lying[pk, place.pk] = here - total[pk]
        moves = [onhand.Move(each.variant_id, place, 0, -each.units, each.note) for each in going]
        onhand.write(place.merchant_id, moves, lying, reason=Reason.SENT, note="", by=by, now=now)
        stock.touch_locked(variant_ids=total.keys(), now=now)


def lay_back(
    *, merchant_id: UUID, location_id: UUID, coming: Sequence[Units], now: datetime, by: Who = SOMEBODY
) -> None:
    """Have units that left a location lie there again, though what can be promised stays as it is.

    At one that was closed meanwhile nothing may lie: they count as lying at the main one.
    """
    with transaction.atomic():
        place = locations.kept(merchant_id, location_id)
        if place.is_main or not place.is_active:
            return
        total = _total(coming)
        rows = stock.locked(merchant_id, total)
        lying = onhand.lying(rows)
        for pk in rows:
            lying[pk, place.pk] = lying.get((pk, place.pk), 0) + total[pk]
        moves = [
            onhand.Move(each.variant_id, place, 0, each.units, each.note)
            for each in coming
            if each.variant_id in rows
        ]
        onhand.write(merchant_id, moves, lying, reason=Reason.SENT, note="", by=by, now=now)
        stock.touch_locked(variant_ids=rows.keys(), now=now)


def _total(units: Sequence[Units]) -> Counter[UUID]:
    total: Counter[UUID] = Counter()
    for each in units:
        total[each.variant_id] += each.units
    return total
