"""What merchants send to the catalog API, and for its document what they get."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from catalog import cells, examples, products, stock
from catalog.models import Import, Product, StockMovement
from commerce import money
from commerce.strict import Flag, StrictSerializer, Text, Whole

MAX_POSITION = 1_000_000

Shape = TypeVar("Shape", bound=serializers.BaseSerializer[Any])


def _shown(
    value: dict[str, Any], *, request_only: bool = False, response_only: bool = False
) -> Callable[[type[Shape]], type[Shape]]:
    """Show a body with this example in the API document."""
    example = OpenApiExample("example", value=value, request_only=request_only, response_only=response_only)
    shown: Callable[[type[Shape]], type[Shape]] = extend_schema_serializer(examples=[example])
    return shown


_ADDRESS = r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[^\s<>\"\x00-\x1f]*)?$"


@extend_schema_field({"type": "string", "pattern": _ADDRESS, "maxLength": 1000})
class PictureAddress(Text):
    """A picture's web address."""

    def to_internal_value(self, data: Any) -> str:
        """Return the address; raises ValidationError."""
        try:
            return cells.address(super().to_internal_value(data))
        except cells.Unreadable as error:
            raise serializers.ValidationError(str(error), code=error.code) from error


# --- what they send ---


@_shown(examples.PRICE_WRITE, request_only=True)
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


@_shown(examples.FLOOR_WRITE, request_only=True)
class FloorWriteSerializer(StrictSerializer):
    """What a variant is never sold below: minor units of one unit."""

    amount = Whole(min_value=1, max_value=money.MAX_AMOUNT, help_text="At most the list price.")
    currency = serializers.ChoiceField(
        choices=sorted(money.CURRENCIES),
        required=False,
        default=None,
        help_text="The currency of the price; any other is refused.",
    )


class ImageWriteSerializer(StrictSerializer):
    """A picture, by address."""

    url = PictureAddress(max_length=1000)
    alt = Text(max_length=500, required=False, allow_blank=True, default="")


@_shown(examples.VARIANT_WRITE, request_only=True)
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


@_shown(examples.PRODUCT_WRITE, request_only=True)
class ProductWriteSerializer(StrictSerializer):
    """A product to be made."""

    handle = Text(max_length=255, help_text="Your own id of the product. It never changes.")
    title = Text(max_length=255)
    description = Text(
        max_length=100_000, required=False, allow_blank=True, default="", help_text="Plain text."
    )
    vendor = Text(max_length=255, required=False, allow_blank=True, default="")
    type = Text(max_length=255, required=False, allow_blank=True, default="")
    tags = serializers.ListField(child=Text(max_length=255), max_length=250, required=False, default=list)
    options = serializers.ListField(
        child=Text(max_length=255),
        max_length=3,
        required=False,
        default=list,
        help_text='Names of the options, such as ["Size", "Colour"].',
    )
    status = serializers.ChoiceField(
        choices=Product.Status.choices, required=False, default=Product.Status.DRAFT.value
    )
    images = serializers.ListField(
        child=ImageWriteSerializer(), max_length=products.MAX_IMAGES, required=False, default=list
    )
    variants = serializers.ListField(
        child=VariantWriteSerializer(), max_length=products.MAX_VARIANTS, required=False, default=list
    )

    def validate_options(self, value: list[str]) -> list[str]:
        """Refuse a name that comes twice."""
        if len(set(value)) < len(value):
            raise serializers.ValidationError("Two options have one name.", code="DUPLICATE_OPTION")
        return value


@_shown(examples.PRODUCT_CHANGE, request_only=True)
class ProductChangeSerializer(StrictSerializer):
    """What shall change of a product; what is left out stays."""

    title = Text(max_length=255, required=False)
    description = Text(max_length=100_000, required=False, allow_blank=True)
    vendor = Text(max_length=255, required=False, allow_blank=True)
    type = Text(max_length=255, required=False, allow_blank=True)
    tags = serializers.ListField(child=Text(max_length=255), max_length=250, required=False)
    status = serializers.ChoiceField(choices=Product.Status.choices, required=False)
    images = serializers.ListField(
        child=ImageWriteSerializer(),
        max_length=products.MAX_IMAGES,
        required=False,
        help_text="Replaces all pictures.",
    )


@_shown(examples.VARIANT_CHANGE, request_only=True)
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


@_shown(examples.STOCK_SET, request_only=True)
class StockSetSerializer(StrictSerializer):
    """How many units can be promised from now on."""

    available = Whole(min_value=0, max_value=stock.MAX_UNITS)
    note = Text(max_length=200, required=False, allow_blank=True, default="")


@_shown(examples.STOCK_ADJUST, request_only=True)
class StockAdjustSerializer(StrictSerializer):
    """How many units come (or go, when negative)."""

    delta = Whole(min_value=-stock.MAX_UNITS, max_value=stock.MAX_UNITS)
    note = Text(max_length=200, required=False, allow_blank=True, default="", help_text="Why.")


# --- what they get ---


class PriceSerializer(serializers.Serializer[Any]):
    """A price, current or past, in minor units."""

    amount = serializers.IntegerField()
    compare_at = serializers.IntegerField(allow_null=True)
    currency = serializers.CharField()
    valid_from = serializers.DateTimeField()
    valid_to = serializers.DateTimeField(allow_null=True, help_text="null: this is the current price.")


@_shown(examples.PRICES, response_only=True)
class PricesSerializer(serializers.Serializer[Any]):
    """A variant's prices."""

    current = PriceSerializer(allow_null=True)
    lowest_30_days = serializers.IntegerField(
        allow_null=True, help_text="Lowest amount that applied in the last 30 days, in the current currency."
    )
    history = PriceSerializer(many=True, help_text="The latest 100, newest first.")


class FloorAmountSerializer(serializers.Serializer[Any]):
    """A floor in minor units of one unit."""

    amount = serializers.IntegerField()
    currency = serializers.CharField()
    updated_at = serializers.DateTimeField()


@_shown(examples.FLOOR, response_only=True)
class FloorSerializer(serializers.Serializer[Any]):
    """What a variant is never sold below, whatever hosts, offers and coupons come together."""

    variant = serializers.UUIDField()
    floor = FloorAmountSerializer(allow_null=True)


class ImageSerializer(serializers.Serializer[Any]):
    """A picture, by address."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    alt = serializers.CharField(allow_blank=True)


@_shown(examples.VARIANT, response_only=True)
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
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


@_shown(examples.PRODUCT, response_only=True)
class ProductSerializer(serializers.Serializer[Any]):
    """A product with its variants and pictures."""

    id = serializers.UUIDField()
    handle = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    vendor = serializers.CharField(allow_blank=True)
    type = serializers.CharField(allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField())
    options = serializers.ListField(child=serializers.CharField())
    status = serializers.ChoiceField(choices=Product.Status.choices)
    images = ImageSerializer(many=True)
    variants = VariantSerializer(many=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class MovementSerializer(serializers.Serializer[Any]):
    """A change of stock other than a sale."""

    delta = serializers.IntegerField()
    reason = serializers.ChoiceField(choices=StockMovement.Reason.choices)
    note = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()


@_shown(examples.STOCK, response_only=True)
class StockSerializer(serializers.Serializer[Any]):
    """What can still be promised of a variant."""

    variant = serializers.UUIDField()
    available = serializers.IntegerField()
    version = serializers.IntegerField(help_text="Grows by one per change, sales included.")
    updated_at = serializers.DateTimeField()
    movements = MovementSerializer(many=True, help_text="The latest 50, newest first.")


@_shown(examples.IMPORT, response_only=True)
class ImportSerializer(serializers.Serializer[Any]):
    """A feed that was sent, and how far it has been read."""

    id = serializers.UUIDField()
    filename = serializers.CharField(allow_blank=True)
    sha256 = serializers.CharField(help_text="Of the bytes that were sent.")
    status = serializers.ChoiceField(choices=Import.Status.choices)
    rows_total = serializers.IntegerField()
    rows_done = serializers.IntegerField()
    percent = serializers.IntegerField(min_value=0, max_value=100)
    products_created = serializers.IntegerField()
    products_updated = serializers.IntegerField()
    variants_created = serializers.IntegerField()
    variants_updated = serializers.IntegerField()
    problems = serializers.IntegerField(help_text="How many; they are listed at /problems.")
    error = serializers.CharField(allow_blank=True, help_text="Why it failed as a whole.")
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


@_shown(examples.PROBLEM, response_only=True)
class ProblemSerializer(serializers.Serializer[Any]):
    """One thing that was wrong in a row of a feed."""

    line = serializers.IntegerField(help_text="Line of the file; the header is 1.")
    column = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    value = serializers.CharField(allow_blank=True, help_text="What the cell says.")
    message = serializers.CharField()
    skipped = serializers.BooleanField(
        help_text="true: the row, variant or picture was left out. false: it was taken with a default."
    )
