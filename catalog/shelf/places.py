"""What lies where. What can be promised is `catalog.shelf.stock`'s, which knows no places.

Rows are kept of places other than the main one. What lies at the main one is derived: what can be promised
less what lies elsewhere. So it is below zero where units that lie elsewhere are promised. Locations are
locked first (shared, so that none closes meanwhile), then stock in the order of the variants' ids.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction

from catalog import queries
from catalog.models import Location, Stock, StockMovement
from catalog.shelf import locations, onhand, stock
from catalog.shelf.movements import SOMEBODY, Reason, Who
from catalog.shelf.onhand import Move
from catalog.shelf.stock import MAX_UNITS
from commerce import errors


class NotEnoughThere(errors.Conflict):
    """Fewer units lie at the location than shall leave it; `variant`, `location` and `left` say which."""

    code = "NOT_ENOUGH_THERE"
    message = "There are not so many at this location."

    def __init__(self, *, variant: UUID, location: str, left: int) -> None:
        super().__init__(variant=str(variant), location=location, left=left)


class UnknownGoods(errors.Conflict):
    """The merchant has no variant that a line names; `variant` or `sku` says which."""

    code = "UNKNOWN_VARIANT"
    message = "You have no such variant."


class SameLocation(errors.Invalid):
    """Goods shall be moved to where they are."""

    code = "SAME_LOCATION"
    message = "Name two locations."


def set_levels(
    *, merchant_id: UUID, levels: Mapping[tuple[UUID, str], int], note: str, by: Who, now: datetime
) -> dict[tuple[UUID, str], bool | errors.Refusal]:
    """Say how many units of variants lie at locations (by code); what can be promised changes by as many.

    At the main location: how many can be promised besides what lies elsewhere. Each is taken for itself;
    returns whether it changed anything, or why it was refused: UnknownLocation, LocationClosed,
    queries.UnknownVariant, stock.StockOfBundle, stock.OutOfStock (units that are promised would go),
    stock.TooMuchStock.
    """
    with transaction.atomic():
        known = locations.shared(merchant_id, {code for _, code in levels})
        rows = stock.locked(merchant_id, {variant_id for variant_id, _ in levels})
        bundles = stock.bundles(rows)
        lying = onhand.lying(rows)
        found: dict[tuple[UUID, str], bool | errors.Refusal] = {}
        moves: list[Move] = []
        available = {pk: row.available for pk, row in rows.items()}
        # The main one last, as what lies there is what remains; what comes before what goes.
        for (pk, code), units in sorted(levels.items(), key=lambda one: _turn(one[0], one[1], known, lying)):
            try:
                place = locations.called(known, code)
                if pk not in rows:
                    raise queries.UnknownVariant
                if pk in bundles:
                    raise stock.StockOfBundle
                if not 0 <= units <= MAX_UNITS:
                    raise stock.TooMuchStock
                elsewhere = sum(there for (one, _), there in lying.items() if one == pk)
                here = available[pk] - elsewhere if place.is_main else lying.get((pk, place.pk), 0)
                move = Move(pk, place, units - here, units - here)
                _may(move, place, available[pk])
            except errors.Refusal as refusal:
                found[pk, code] = refusal
                continue
            found[pk, code] = bool(move.delta)
            if move.delta:
                moves.append(move)
                available[pk] += move.delta
                if not place.is_main:
                    lying[pk, place.pk] = units
        _keep(merchant_id, moves, rows, lying, available, reason=Reason.SET, note=note, by=by, now=now)
        return found


def set_level(
    *, merchant_id: UUID, variant_id: UUID, location: str, units: int, note: str, by: Who, now: datetime
) -> None:
    """Say how many units of one variant lie at a location; raises what `set_levels` returns."""
    levels = {(variant_id, location): units}
    for found in set_levels(merchant_id=merchant_id, levels=levels, note=note, by=by, now=now).values():
        if isinstance(found, errors.Refusal):
            raise found


def adjust(
    *, merchant_id: UUID, variant_id: UUID, location: str, delta: int, note: str, by: Who, now: datetime
) -> None:
    """Add units at a location (or take them away, delta < 0), and as many to what can be promised.

    Raises NotEnoughThere and what `set_level` raises.
    """
    with transaction.atomic():
        place = locations.called(locations.shared(merchant_id, [location]), location)
        rows = stock.locked(merchant_id, [variant_id])
        row = rows.get(variant_id)
        if row is None:
            raise queries.UnknownVariant
        if stock.bundles([variant_id]):
            raise stock.StockOfBundle
        lying = onhand.lying(rows)
        here = lying.get((variant_id, place.pk), 0)
        if not place.is_main and here + delta < 0:
            raise NotEnoughThere(variant=variant_id, location=place.code, left=here)
        move = Move(variant_id, place, delta, delta)
        _may(move, place, row.available)
        if not place.is_main:
            lying[variant_id, place.pk] = here + delta
        available = {variant_id: row.available + delta}
        _keep(merchant_id, [move], rows, lying, available, reason=Reason.ADJUST, note=note, by=by, now=now)


def transfer(
    *,
    merchant_id: UUID,
    origin: str,
    target: str,
    units: Mapping[UUID, int],
    note: str,
    now: datetime,
    by: Who = SOMEBODY,
) -> None:
    """Move positive units of variants from one location to another (by code), all or none.

    What can be promised stays. From the main one can go what is not promised. Raises SameLocation,
    UnknownLocation, LocationClosed, UnknownGoods, stock.StockOfBundle, NotEnoughThere,
    stock.TooMuchStock.
    """
    if origin == target:
        raise SameLocation
    with transaction.atomic():
        known = locations.shared(merchant_id, [origin, target])
        start, end = locations.called(known, origin), locations.called(known, target)
        if not end.is_active:
            raise locations.LocationClosed(location=end.code)
        rows = stock.locked(merchant_id, units)
        for pk in units.keys() - rows.keys():
            raise UnknownGoods(variant=str(pk))
        if stock.bundles(units):
            raise stock.StockOfBundle
        lying = onhand.lying(rows)
        moves: list[Move] = []
        for pk in sorted(units):
            elsewhere = sum(there for (one, _), there in lying.items() if one == pk)
            here = rows[pk].available - elsewhere if start.is_main else lying.get((pk, start.pk), 0)
            if here < units[pk]:
                raise NotEnoughThere(variant=pk, location=start.code, left=max(0, here))
            for place, change in ((start, -units[pk]), (end, units[pk])):
                moves.append(Move(pk, place, 0, change))
                if not place.is_main:
                    lying[pk, place.pk] = lying.get((pk, place.pk), 0) + change
                    if lying[pk, place.pk] > MAX_UNITS:
                        raise stock.TooMuchStock
        available = {pk: row.available for pk, row in rows.items()}
        _keep(merchant_id, moves, rows, lying, available, reason=Reason.TRANSFER, note=note, by=by, now=now)


def _turn(
    spot: tuple[UUID, str], units: int, known: Mapping[str, Location], lying: Mapping[onhand.Spot, int]
) -> tuple[bool, int]:
    """Return by what a row of several is sorted: the main location last, the most that comes first."""
    place = known.get(spot[1])
    there = lying.get((spot[0], place.pk), 0) if place else 0
    return (place is not None and place.is_main, there - units)


def _may(move: Move, place: Location, available: int) -> None:
    if move.delta > 0 and not place.is_active:
        raise locations.LocationClosed(location=place.code)
    if available + move.delta < 0:
        raise stock.OutOfStock(variant=move.variant_id, left=available)
    if available + move.delta > MAX_UNITS:
        raise stock.TooMuchStock


def _keep(
    merchant_id: UUID,
    moves: list[Move],
    rows: Mapping[UUID, Stock],
    lying: Mapping[onhand.Spot, int],
    available: Mapping[UUID, int],
    *,
    reason: StockMovement.Reason,
    note: str,
    by: Who,
    now: datetime,
) -> None:
    onhand.write(merchant_id, moves, lying, reason=reason, note=note, by=by, now=now)
    levels = {pk: units for pk, units in available.items() if units != rows[pk].available}
    stock.touch_locked(variant_ids={move.variant_id for move in moves} - levels.keys(), now=now)
    stock.write_locked(levels=levels, now=now)
