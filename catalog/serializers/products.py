"""Bodies of products and their pictures."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog import examples
from catalog.feeds import cells
from catalog.limits import MAX_IMAGES, MAX_TAGS, MAX_VARIANTS
from catalog.models import Product
from catalog.serializers.images import ImageSerializer
from catalog.serializers.showing import shown
from catalog.serializers.taxonomy import Attributes
from catalog.serializers.variants import VariantSerializer, VariantWriteSerializer
from commerce.strict import StrictSerializer, Text

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


class ImageWriteSerializer(StrictSerializer):
    """A picture, by address."""

    url = PictureAddress(max_length=1000)
    alt = Text(max_length=500, required=False, allow_blank=True, default="")


@shown(examples.PRODUCT_WRITE, request_only=True)
class ProductWriteSerializer(StrictSerializer):
    """A product to be made."""

    handle = Text(max_length=255, help_text="Your own id of the product. It never changes.")
    title = Text(max_length=255)
    description = Text(
        max_length=100_000, required=False, allow_blank=True, default="", help_text="Plain text."
    )
    vendor = Text(max_length=255, required=False, allow_blank=True, default="")
    type = Text(max_length=255, required=False, allow_blank=True, default="")
    tags = serializers.ListField(
        child=Text(max_length=255), max_length=MAX_TAGS, required=False, default=list
    )
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
    language = serializers.ChoiceField(
        choices=Product.Language.choices,
        required=False,
        allow_blank=True,
        default="",
        help_text="What title and description are in: search finds the word forms of this language.",
    )
    category = Text(
        max_length=40, required=False, allow_null=True, default=None, help_text="A code of `GET /categories`."
    )
    attributes = Attributes(required=False, default=dict, help_text="What is said of it, by code.")
    images = serializers.ListField(
        child=ImageWriteSerializer(), max_length=MAX_IMAGES, required=False, default=list
    )
    variants = serializers.ListField(
        child=VariantWriteSerializer(), max_length=MAX_VARIANTS, required=False, default=list
    )

    def validate_options(self, value: list[str]) -> list[str]:
        """Refuse a name that comes twice."""
        if len(set(value)) < len(value):
            raise serializers.ValidationError("Two options have one name.", code="DUPLICATE_OPTION")
        return value


@shown(examples.PRODUCT_CHANGE, request_only=True)
class ProductChangeSerializer(StrictSerializer):
    """What shall change of a product; what is left out stays."""

    title = Text(max_length=255, required=False)
    description = Text(max_length=100_000, required=False, allow_blank=True)
    vendor = Text(max_length=255, required=False, allow_blank=True)
    type = Text(max_length=255, required=False, allow_blank=True)
    tags = serializers.ListField(child=Text(max_length=255), max_length=MAX_TAGS, required=False)
    status = serializers.ChoiceField(choices=Product.Status.choices, required=False)
    language = serializers.ChoiceField(choices=Product.Language.choices, required=False, allow_blank=True)
    category = Text(max_length=40, required=False, allow_null=True)
    attributes = Attributes(required=False, help_text="Replaces all attributes.")
    images = serializers.ListField(
        child=ImageWriteSerializer(),
        max_length=MAX_IMAGES,
        required=False,
        help_text="Replaces all pictures.",
    )


@shown(examples.PRODUCT, response_only=True)
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
    language = serializers.ChoiceField(
        choices=Product.Language.choices, allow_blank=True, help_text='"": none was named.'
    )
    category = serializers.CharField(allow_null=True)
    attributes = Attributes()
    images = ImageSerializer(many=True)
    variants = VariantSerializer(many=True)
    version = serializers.IntegerField(
        help_text="Grows with every change of it, its pictures or variants; not with prices and stock."
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
