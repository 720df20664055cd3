"""Bodies of stock."""

from typing import Any

from rest_framework import serializers

from catalog import examples, stock
from catalog.models import StockMovement
from catalog.serializers.showing import shown
from commerce.strict import StrictSerializer, Text, Whole


@shown(examples.STOCK_SET, request_only=True)
class StockSetSerializer(StrictSerializer):
    """How many units can be promised from now on."""

    available = Whole(min_value=0, max_value=stock.MAX_UNITS)
    note = Text(max_length=200, required=False, allow_blank=True, default="")


@shown(examples.STOCK_ADJUST, request_only=True)
class StockAdjustSerializer(StrictSerializer):
    """How many units come (or go, when negative)."""

    delta = Whole(min_value=-stock.MAX_UNITS, max_value=stock.MAX_UNITS)
    note = Text(max_length=200, required=False, allow_blank=True, default="", help_text="Why.")


class MovementSerializer(serializers.Serializer[Any]):
    """A change of stock other than a sale."""

    delta = serializers.IntegerField()
    reason = serializers.ChoiceField(choices=StockMovement.Reason.choices)
    note = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()


@shown(examples.STOCK, response_only=True)
class StockSerializer(serializers.Serializer[Any]):
    """What can still be promised of a variant."""

    variant = serializers.UUIDField()
    available = serializers.IntegerField()
    version = serializers.IntegerField(help_text="Grows by one per change, sales included.")
    updated_at = serializers.DateTimeField()
    movements = MovementSerializer(many=True, help_text="The latest 50, newest first.")
