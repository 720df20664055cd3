"""Bodies of categories, of what they ask of products, and of names with their counts."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog import examples, taxonomy
from catalog.limits import MAX_ATTRIBUTES
from catalog.models import CategoryAttribute
from catalog.serializers.showing import shown


@extend_schema_field(
    {
        "type": "object",
        "maxProperties": MAX_ATTRIBUTES,
        "additionalProperties": {
            "oneOf": [
                {"type": "string", "minLength": 1, "maxLength": taxonomy.MAX_VALUE},
                {"type": "number"},
                {"type": "boolean"},
            ]
        },
    }
)
class Attributes(serializers.Field):  # type: ignore[type-arg]
    """What is said of a product by code: texts, numbers, or true and false."""

    default_error_messages = {"not_an_object": "It is an object of values by code."}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the values as they are; the verb says which cannot be. Raises ValidationError."""
        if not isinstance(data, dict):
            self.fail("not_an_object")
        return data

    def to_representation(self, value: Any) -> Any:
        """Return the values as they are."""
        return value


class DefinitionSerializer(serializers.Serializer[Any]):
    """Something that is said of the goods of a category."""

    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=CategoryAttribute.Kind.choices)
    unit = serializers.CharField(allow_blank=True)
    choices = serializers.ListField(child=serializers.CharField())
    required = serializers.BooleanField(  # type: ignore[assignment]  # DRF takes the fields out of the class
        help_text="Nothing is submitted without it."
    )
    defined_by = serializers.CharField(help_text="The category that asks for it: itself, or one above it.")


@shown(examples.CATEGORY, response_only=True)
class CategorySerializer(serializers.Serializer[Any]):
    """A category of the shop."""

    code = serializers.CharField()
    name = serializers.CharField()
    parent = serializers.CharField(  # type: ignore[assignment]
        allow_null=True, help_text="Its code; null: it is at the top."
    )
    path = serializers.CharField(help_text="The codes from the top to it, with / between them.")
    attributes = DefinitionSerializer(many=True, help_text="Its own and those that it inherits.")


@shown(examples.NAME, response_only=True)
class NameSerializer(serializers.Serializer[Any]):
    """A brand or a tag."""

    name = serializers.CharField()
    products = serializers.IntegerField(help_text="How many of your products have it.")
