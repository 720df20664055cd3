"""A merchant's locations: named, changed, closed. The first that is named is the main one."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from catalog import claims
from catalog.models import Location, LocationStock
from commerce import errors

MAX_LOCATIONS = 200


class NoLocation(errors.NotFound):
    """The merchant has no location of this id."""

    message = "There is no such location."


class UnknownLocation(errors.Conflict):
    """The merchant has no location of this code."""

    code = "UNKNOWN_LOCATION"
    message = "You have no such location."


class LocationTaken(errors.Conflict):
    """Another location of the merchant has this code."""

    code = "LOCATION_TAKEN"
    message = "Another location has this code."


class TooManyLocations(errors.Conflict):
    """The merchant has many locations already."""

    code = "TOO_MANY_LOCATIONS"
    message = f"You can have {MAX_LOCATIONS} locations."


class LocationClosed(errors.Conflict):
    """The location is not active: nothing may come to it."""

    code = "LOCATION_CLOSED"
    message = "This location is closed. Goods may leave it, none may come."


class LocationNotEmpty(errors.Conflict):
    """Goods lie at a location that shall be closed; `units` says how many."""

    code = "LOCATION_NOT_EMPTY"
    message = "Goods lie there. Move them, or set them to 0, first."


class MainLocation(errors.Conflict):
    """The main location cannot be closed."""

    code = "MAIN_LOCATION"
    message = "The main location is always open."


def create(
    *, merchant_id: UUID, code: str, name: str, address: str = "", country: str = "", now: datetime
) -> Location:
    """Name a location. The first is the main one, where all goods are until they are said to be elsewhere.

    Raises LocationTaken, TooManyLocations.
    """
    with transaction.atomic():
        # Two who name the first would both make it the main one.
        claims.turn(f"places of {merchant_id}")
        mine = Location.objects.filter(merchant_id=merchant_id)
        if mine.count() >= MAX_LOCATIONS:
            raise TooManyLocations
        if mine.filter(code=code).exists():
            raise LocationTaken
        return Location.objects.create(
            merchant_id=merchant_id,
            code=code,
            name=name,
            address=address,
            country=country,
            is_main=not mine.filter(is_main=True).exists(),
            created_at=now,
            updated_at=now,
        )


def change(*, merchant_id: UUID, location_id: UUID, changes: Mapping[str, Any], now: datetime) -> Location:
    """Change name, address, country or is_active; raises NoLocation, MainLocation, LocationNotEmpty."""
    assert changes.keys() <= {"name", "address", "country", "is_active"}
    with transaction.atomic():
        row = lock(merchant_id=merchant_id, location_id=location_id)
        if changes.get("is_active", True) is False and row.is_active:
            if row.is_main:
                raise MainLocation
            lying = LocationStock.objects.filter(location=row, on_hand__gt=0)
            if (units := sum(lying.values_list("on_hand", flat=True)[:1000])) > 0:
                raise LocationNotEmpty(units=units)
        for name, value in {**changes, "updated_at": now}.items():
            setattr(row, name, value)
        row.save(update_fields=[*changes, "updated_at"])
        return row


def lock(*, merchant_id: UUID, location_id: UUID) -> Location:
    """Return a location, kept from other changes while the transaction lasts; raises NoLocation."""
    rows = Location.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id)
    row = rows.filter(pk=location_id).first()
    if row is None:
        raise NoLocation
    return row


def shared(merchant_id: UUID, codes: Collection[str]) -> dict[str, Location]:
    """Return locations by their codes, and keep them from being closed while the transaction lasts."""
    rows = Location.objects.raw(
        "SELECT * FROM catalog_location WHERE merchant_id = %s AND code = ANY(%s) ORDER BY id FOR SHARE",
        [merchant_id, list(codes)],
    )
    return {row.code: row for row in rows}


def kept(merchant_id: UUID, location_id: UUID) -> Location:
    """Return a location by its id, as `shared` does by codes; raises NoLocation."""
    rows = Location.objects.raw(
        "SELECT * FROM catalog_location WHERE merchant_id = %s AND id = %s FOR SHARE",
        [merchant_id, location_id],
    )
    for row in rows:
        return row
    raise NoLocation


def called(known: Mapping[str, Location], code: str) -> Location:
    """Return the location of that code; raises UnknownLocation."""
    place = known.get(code)
    if place is None:
        raise UnknownLocation(location=code)
    return place
