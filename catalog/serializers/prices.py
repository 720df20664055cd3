"""Bodies of prices and floors, in minor units."""

from typing import Any

from rest_framework import serializers

from catalog import examples
from catalog.serializers.showing import shown
from commerce import money
from commerce.strict import StrictSerializer, Whole


@shown(examples.PRICE_WRITE, request_only=True)
class PriceWriteSerializer(StrictSerializer):
    """A price in minor units: 1999 EUR is 19.99 euros."""

    amount = Whole(min_value=1, max_value=money.MAX_AMOUNT, help_text="Minor units.")
    compare_at = Whole(
        min_value=1,
        max_value=money.MAX_AMOUNT,
        required=False,
        allow_null=True,
        default=None,
        help_text="The merchant's own comparison price; above `amount`.",
    )
    currency = serializers.ChoiceField(
        choices=sorted(money.CURRENCIES),
        required=False,
        help_text="ISO 4217; the merchant's own when left out.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a comparison price that is not above the price."""
        if attrs["compare_at"] is not None and attrs["compare_at"] <= attrs["amount"]:
            message = "The comparison price has to be above the price."
            raise serializers.ValidationError({"compare_at": [message]}, code="COMPARE_AT_NOT_HIGHER")
        return attrs


@shown(examples.FLOOR_WRITE, request_only=True)
class FloorWriteSerializer(StrictSerializer):
    """What a variant is never sold below: minor units of one unit."""

    amount = Whole(min_value=1, max_value=money.MAX_AMOUNT, help_text="At most the list price.")
    currency = serializers.ChoiceField(
        choices=sorted(money.CURRENCIES),
        required=False,
        default=None,
        help_text="The currency of the price; any other is refused.",
    )


class PriceSerializer(serializers.Serializer[Any]):
    """A price, current or past, in minor units."""

    amount = serializers.IntegerField()
    compare_at = serializers.IntegerField(allow_null=True)
    currency = serializers.CharField()
    valid_from = serializers.DateTimeField()
    valid_to = serializers.DateTimeField(allow_null=True, help_text="null: this is the current price.")


class AnnouncedSerializer(serializers.Serializer[Any]):
    """A price that is announced, in minor units."""

    id = serializers.UUIDField(help_text="By which it is called off.")
    amount = serializers.IntegerField()
    compare_at = serializers.IntegerField(allow_null=True)
    currency = serializers.CharField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(allow_null=True, help_text="null: for good.")


class ComesBackSerializer(serializers.Serializer[Any]):
    """The price that comes back at the end."""

    amount = serializers.IntegerField()
    compare_at = serializers.IntegerField(allow_null=True)
    currency = serializers.CharField()


class RunningSerializer(AnnouncedSerializer):
    """An announced price that runs, in minor units."""

    comes_back = ComesBackSerializer()


@shown(examples.PRICES, response_only=True)
class PricesSerializer(serializers.Serializer[Any]):
    """A variant's prices."""

    current = PriceSerializer(allow_null=True)
    running = RunningSerializer(
        allow_null=True, help_text="The announced price that runs: `current` is it until `ends_at`."
    )
    next = AnnouncedSerializer(allow_null=True, help_text="The announced price that comes next.")
    lowest_30_days = serializers.IntegerField(
        allow_null=True, help_text="Lowest amount that applied in the last 30 days, in the current currency."
    )
    history = PriceSerializer(many=True, help_text="The latest 100, newest first.")


class FloorAmountSerializer(serializers.Serializer[Any]):
    """A floor in minor units of one unit."""

    amount = serializers.IntegerField()
    currency = serializers.CharField()
    updated_at = serializers.DateTimeField()


@shown(examples.FLOOR, response_only=True)
class FloorSerializer(serializers.Serializer[Any]):
    """What a variant is never sold below, whatever hosts, offers and coupons come together."""

    variant = serializers.UUIDField()
    floor = FloorAmountSerializer(allow_null=True)
