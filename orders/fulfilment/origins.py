"""From where a parcel leaves: what is in it lies there no more. A bundle leaves as its parts."""

from collections.abc import Sequence
from datetime import datetime

from catalog.models import Location
from catalog.shelf import leaving
from catalog.shelf.movements import Who
from orders.models import Hold, ShipmentLine


def take_away(place: Location, lines: Sequence[ShipmentLine], *, now: datetime, by: Who) -> None:
    """Have what is in a parcel leave a location; raises LocationClosed, places.NotEnoughThere."""
    leaving.take_away(place=place, going=_units(lines), now=now, by=by)


def keep_open(lines: Sequence[ShipmentLine]) -> None:
    """Keep the locations that parcels were to leave from being closed while the transaction lasts."""
    parcels = {each.shipment_id: each.shipment for each in lines}.values()
    leaving.keep_open({(each.merchant_id, each.location_id) for each in parcels if each.location_id})


def lay_back(lines: Sequence[ShipmentLine], *, now: datetime) -> None:
    """Have what was in parcels lie where they were to leave from, if that was said."""
    parcels = {each.shipment_id: each.shipment for each in lines}
    for pk, parcel in sorted(parcels.items()):
        if parcel.location_id is not None:
            leaving.lay_back(
                merchant_id=parcel.merchant_id,
                location_id=parcel.location_id,
                coming=_units([each for each in lines if each.shipment_id == pk]),
                now=now,
            )


def _units(lines: Sequence[ShipmentLine]) -> list[leaving.Units]:
    """Return what variants are in a parcel, line by line."""
    inside = {each.line_id: each for each in lines}
    held = Hold.objects.filter(line__in=list(inside)).order_by("line_id", "variant_id")
    found = []
    for line_id, variant_id, quantity in held.values_list("line_id", "variant_id", "quantity"):
        each = inside[line_id]
        found.append(
            leaving.Units(
                variant_id,
                # Of a bundle's part a line has several per unit.
                quantity // each.line.quantity * each.quantity,
                f"order {each.order_id}, parcel {each.shipment_id}",
            )
        )
    return found
