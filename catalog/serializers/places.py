"""Bodies of locations, of what lies there, and of what was moved."""

from typing import Any

from rest_framework import serializers

from catalog import examples
from catalog.models import Location, LocationStock, LowStock, Stock, StockMovement
from catalog.serializers.showing import shown
from catalog.shelf import stock
from commerce import countries
from commerce.strict import Flag, StrictSerializer, Text, Whole

MAX_LINES = 500


class Code(Text):
    """A merchant's own id of a location."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_length=1, max_length=50, **options)


class CountryField(serializers.ChoiceField):
    """A country, or "" for none."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=sorted(countries.CODES), allow_blank=True, **options)


@shown(examples.LOCATION_WRITE, request_only=True)
class LocationWriteSerializer(StrictSerializer):
    """A place where goods lie."""

    code = Code(help_text="Your own id of it; it stays.")
    name = Text(max_length=255)
    address = Text(max_length=1000, required=False, allow_blank=True, default="")
    country = CountryField(required=False, default="", help_text="ISO 3166-1, such as DE.")


@shown(examples.LOCATION_CHANGE, request_only=True)
class LocationChangeSerializer(StrictSerializer):
    """What shall change of a location; what is left out stays."""

    name = Text(max_length=255, required=False)
    address = Text(max_length=1000, required=False, allow_blank=True)
    country = CountryField(required=False)
    is_active = Flag(
        required=False, help_text="false: nothing may come to it. Nothing may lie there, either."
    )


@shown(examples.LOCATION, response_only=True)
class LocationSerializer(serializers.Serializer[Any]):
    """A place where goods lie."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()
    address = serializers.CharField(allow_blank=True)
    country = serializers.CharField(allow_blank=True)
    is_active = serializers.BooleanField()
    is_main = serializers.BooleanField(help_text="Where all lies that is not said to lie elsewhere.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


def location(row: Location) -> dict[str, Any]:
    """Return a location."""
    names = ("id", "code", "name", "address", "country", "is_active", "is_main", "created_at", "updated_at")
    return {name: getattr(row, name) for name in names}


class TransferLineSerializer(StrictSerializer):
    """Units of one variant, by its id or by its SKU."""

    variant = serializers.UUIDField(required=False)
    sku = Text(min_length=1, max_length=255, required=False)
    units = Whole(min_value=1, max_value=stock.MAX_UNITS)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a line that names none, or both."""
        if ("variant" in attrs) == ("sku" in attrs):
            raise serializers.ValidationError("Name the variant or its SKU.", code="NAME_ONE")
        return attrs


@shown(examples.TRANSFER, request_only=True)
class TransferSerializer(StrictSerializer):
    """Units that go from one location to another, all or none."""

    from_location = Code(help_text="Its code.")
    to_location = Code(help_text="Its code.")
    lines = serializers.ListField(child=TransferLineSerializer(), min_length=1, max_length=MAX_LINES)
    note = Text(max_length=200, required=False, allow_blank=True, default="")


class ThereSerializer(serializers.Serializer[Any]):
    """What lies at one location."""

    location = serializers.CharField(help_text="Its code.")
    on_hand = serializers.IntegerField(
        help_text="At the main one what can be promised less what lies elsewhere: below 0 when units that lie"
        " elsewhere are promised."
    )
    derived = serializers.BooleanField(help_text="true: of the main one.")


@shown(examples.LEVEL, response_only=True)
class LevelSerializer(serializers.Serializer[Any]):
    """What can be promised of a variant, and what lies where."""

    variant = serializers.UUIDField()
    sku = serializers.CharField(allow_blank=True)
    title = serializers.CharField()
    available = serializers.IntegerField()
    low_at = serializers.IntegerField(allow_null=True, help_text="As many, or fewer, are little to you.")
    is_low = serializers.BooleanField(help_text="So few are left.")
    version = serializers.IntegerField(help_text="Grows by one per change, sales included.")
    updated_at = serializers.DateTimeField()
    locations = ThereSerializer(many=True, help_text="Empty as long as you have named none.")


def there(row: Stock) -> list[dict[str, Any]]:
    """Return what lies where of a variant from `queries.levels`; the main one first."""
    main: str | None = getattr(row, "main_code", None)
    lying: list[LocationStock] = getattr(row.variant, "lying", [])
    rest = row.available - sum(one.on_hand for one in lying)
    derived = [{"location": main, "on_hand": rest, "derived": True}] if main is not None else []
    others = [{"location": one.location.code, "on_hand": one.on_hand, "derived": False} for one in lying]
    return [*derived, *others]


def low(row: Stock) -> dict[str, Any]:
    """Return from how few units on a merchant wants to be told, and whether it is as few."""
    mark: LowStock | None = getattr(row.variant, "low_stock", None)
    if mark is None:
        return {"low_at": None, "is_low": False}
    return {"low_at": mark.low_at, "is_low": row.available <= mark.low_at}


def level(row: Stock) -> dict[str, Any]:
    """Return a variant's stock from `queries.levels`."""
    return {
        "variant": row.variant_id,
        "sku": row.variant.sku,
        "title": str(row.variant),
        "available": row.available,
        **low(row),
        "version": row.version,
        "updated_at": row.updated_at,
        "locations": there(row),
    }


class BySerializer(serializers.Serializer[Any]):
    """Who moved it, as far as it is known."""

    kind = serializers.ChoiceField(
        choices=[(each.value, each.value) for each in StockMovement.By if each.value]
    )
    name = serializers.CharField(allow_blank=True, help_text="The key's, the file's or the member's.")


class MovementSerializer(serializers.Serializer[Any]):
    """A change of stock other than a sale."""

    id = serializers.IntegerField()
    location = serializers.CharField(allow_null=True, help_text="Its code; null: none was named.")
    delta = serializers.IntegerField(help_text="By how much what can be promised changed.")
    on_hand_delta = serializers.IntegerField(help_text="By how much what lies at the location changed.")
    reason = serializers.ChoiceField(choices=StockMovement.Reason.choices)
    note = serializers.CharField(allow_blank=True)
    by = BySerializer(allow_null=True)
    at = serializers.DateTimeField()


@shown(examples.MOVEMENT, response_only=True)
class LoggedMovementSerializer(MovementSerializer):
    """A change of stock other than a sale, with its variant."""

    variant = serializers.UUIDField()
    sku = serializers.CharField(allow_blank=True)


def movement(row: StockMovement) -> dict[str, Any]:
    """Return a change of stock."""
    # Who works for the marketplace is not the merchant's business.
    name = "" if row.by == StockMovement.By.OPERATOR else row.by_name
    return {
        "id": row.id,
        "location": row.location.code if row.location else None,
        "delta": row.delta,
        "on_hand_delta": row.on_hand_delta,
        "reason": row.reason,
        "note": row.note,
        "by": {"kind": row.by, "name": name} if row.by else None,
        "at": row.at,
    }


def logged(row: StockMovement) -> dict[str, Any]:
    """Return a change of stock with its variant."""
    return {**movement(row), "variant": row.variant_id, "sku": row.variant.sku}
