"""Bodies of stock."""

from typing import Any

from rest_framework import serializers

from catalog import examples
from catalog.serializers.places import Code, MovementSerializer, ThereSerializer
from catalog.serializers.showing import shown
from catalog.shelf import stock
from commerce.strict import StrictSerializer, Text, Whole


@shown(examples.STOCK_SET, request_only=True)
class StockSetSerializer(StrictSerializer):
    """How many units can be promised from now on, or lie at a location."""

    available = Whole(
        min_value=0,
        max_value=stock.MAX_UNITS,
        help_text="With a `location`: units that lie there; what can be promised changes by as many.",
    )
    location = Code(required=False, default=None, help_text="Its code. Left out: all that can be promised.")
    note = Text(max_length=200, required=False, allow_blank=True, default="")


@shown(examples.STOCK_ADJUST, request_only=True)
class StockAdjustSerializer(StrictSerializer):
    """How many units come (or go, when negative)."""

    delta = Whole(min_value=-stock.MAX_UNITS, max_value=stock.MAX_UNITS)
    location = Code(required=False, default=None, help_text="Its code. Left out: the main one.")
    note = Text(max_length=200, required=False, allow_blank=True, default="", help_text="Why.")


@shown(examples.STOCK_CHANGE, request_only=True)
class StockChangeSerializer(StrictSerializer):
    """What shall change of what is said of stock; what is left out stays."""

    low_at = Whole(
        min_value=0,
        max_value=stock.MAX_UNITS,
        required=False,
        allow_null=True,
        help_text="You hear `stock.low` when what can be promised falls to as many or fewer; null: never.",
    )


@shown(examples.STOCK, response_only=True)
class StockSerializer(serializers.Serializer[Any]):
    """What can still be promised of a variant."""

    variant = serializers.UUIDField()
    available = serializers.IntegerField()
    low_at = serializers.IntegerField(allow_null=True, help_text="As many, or fewer, are little to you.")
    is_low = serializers.BooleanField(help_text="So few are left.")
    version = serializers.IntegerField(help_text="Grows by one per change, sales included.")
    updated_at = serializers.DateTimeField()
    locations = ThereSerializer(many=True, help_text="What lies where; empty as long as you have named none.")
    movements = MovementSerializer(many=True, help_text="The latest 50, newest first.")
