"""Goods at a merchant's locations, and what is done with them, for tests."""

from catalog.models import Location, LocationStock, Stock, StockMovement, Variant
from catalog.shelf import leaving, locations, movements, places
from commerce.models import Merchant
from tests.catalog import make
from tests.catalog.make import NOW, after

KEY = movements.Who("key", "ERP")


def place(of: Merchant, code: str) -> Location:
    """Name a location."""
    return locations.create(merchant_id=of.pk, code=code, name=code.title(), now=NOW)


def seller(*codes: str) -> Merchant:
    """Return a merchant with these locations, by default three; the first is the main one."""
    made = make.merchant()
    for code in codes or ("main", "berlin", "lyon"):
        place(made, code)
    return made


def close(of: Merchant, code: str) -> Location:
    """Close a location."""
    row = Location.objects.get(merchant=of, code=code)
    return locations.change(merchant_id=of.pk, location_id=row.pk, changes={"is_active": False}, now=NOW)


def set_there(one: Variant, location: str, units: int, *, at: float = 1) -> None:
    """Say how many lie there."""
    places.set_level(
        merchant_id=one.merchant_id,
        variant_id=one.pk,
        location=location,
        units=units,
        note="counted",
        by=KEY,
        now=after(at),
    )


def adjust_there(one: Variant, location: str, delta: int) -> None:
    """Say how many came or went."""
    places.adjust(
        merchant_id=one.merchant_id,
        variant_id=one.pk,
        location=location,
        delta=delta,
        note="",
        by=KEY,
        now=after(1),
    )


def move(one: Variant, origin: str, target: str, units: int) -> None:
    """Move units from one location to another."""
    places.transfer(
        merchant_id=one.merchant_id, origin=origin, target=target, units={one.pk: units}, note="", now=NOW
    )


def send(one: Variant, location: str, units: int) -> None:
    """Have sold units leave a location; in the caller's transaction."""
    leaving.take_away(
        place=leaving.origin(merchant_id=one.merchant_id, code=location),
        going=[leaving.Units(one.pk, units, "order 1")],
        now=NOW,
    )


def lying(one: Variant) -> dict[str, int]:
    """Return what lies at locations other than the main one."""
    rows = LocationStock.objects.filter(variant=one)
    return dict(rows.values_list("location__code", "on_hand"))


def adds_up(one: Variant) -> bool:
    """Say whether what is written adds up to what there is."""
    moves = StockMovement.objects.filter(variant=one)
    here = all(
        sum(moves.filter(location__code=code).values_list("on_hand_delta", flat=True)) == units
        for code, units in lying(one).items()
    )
    return here and sum(moves.values_list("delta", flat=True)) == Stock.objects.get(pk=one.pk).available
