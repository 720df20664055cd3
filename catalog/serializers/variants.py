"""Bodies of variants, the sellable units."""

from typing import Any

from rest_framework import serializers

from catalog import examples
from catalog.feeds import cells
from catalog.serializers.prices import PriceSerializer, PriceWriteSerializer
from catalog.serializers.showing import shown
from catalog.shelf import stock
from commerce.strict import Flag, StrictSerializer, Text, Whole

MAX_POSITION = 1_000_000


@shown(examples.VARIANT_WRITE, request_only=True)
class VariantWriteSerializer(StrictSerializer):
    """A sellable unit to be made."""

    options = serializers.DictField(
        child=Text(max_length=255),
        required=False,
        default=dict,
        help_text='A value for one or more of the product\'s options, such as {"Size": "M"}.',
    )
    sku = Text(max_length=255, required=False, allow_blank=True, default="")
    barcode = Text(max_length=64, required=False, allow_blank=True, default="")
    weight_grams = Whole(min_value=0, max_value=cells.MAX_GRAMS, required=False, default=0)
    price = PriceWriteSerializer(required=False, allow_null=True, default=None)
    available = Whole(
        min_value=0, max_value=stock.MAX_UNITS, required=False, default=0, help_text="Units in stock."
    )
    release_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="A pre-order until then. null: it ships now."
    )


@shown(examples.VARIANT_CHANGE, request_only=True)
class VariantChangeSerializer(StrictSerializer):
    """What shall change of a variant; what is left out stays. Price and stock have their own addresses."""

    sku = Text(max_length=255, required=False, allow_blank=True)
    barcode = Text(max_length=64, required=False, allow_blank=True)
    weight_grams = Whole(min_value=0, max_value=cells.MAX_GRAMS, required=False)
    position = Whole(min_value=1, max_value=MAX_POSITION, required=False)
    is_active = Flag(required=False, help_text="false takes the variant off sale.")
    release_at = serializers.DateTimeField(
        required=False,
        allow_null=True,
        help_text="A pre-order until then, charged when it is shipped. null: it ships now.",
    )


@shown(examples.VARIANT, response_only=True)
class VariantSerializer(serializers.Serializer[Any]):
    """A sellable unit (SKU)."""

    id = serializers.UUIDField()
    product = serializers.UUIDField()
    title = serializers.CharField(allow_blank=True, help_text='Its option values; "" where there are none.')
    options = serializers.DictField(child=serializers.CharField())
    sku = serializers.CharField(allow_blank=True)
    barcode = serializers.CharField(allow_blank=True)
    weight_grams = serializers.IntegerField()
    position = serializers.IntegerField()
    is_active = serializers.BooleanField()
    price = PriceSerializer(allow_null=True)
    available = serializers.IntegerField(
        help_text="Units that can still be promised; of a bundle, what its parts allow."
    )
    release_at = serializers.DateTimeField(allow_null=True, help_text="A pre-order until then.")
    version = serializers.IntegerField(
        help_text="Grows with every change of the variant, whoever makes it; not with prices and stock."
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(help_text="Also of its price.")
