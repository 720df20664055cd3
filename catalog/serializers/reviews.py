"""Bodies of what becomes of products."""

from typing import Any

from rest_framework import serializers

from catalog import examples, reviewing
from catalog.models import Product, ProductReview
from catalog.serializers.showing import shown
from commerce.strict import StrictSerializer, Text


@shown(examples.RETIRE, request_only=True)
class RetireSerializer(StrictSerializer):
    """Why a product is taken off sale."""

    reason = Text(
        max_length=reviewing.MAX_REASON,
        required=False,
        allow_blank=True,
        default="",
        help_text="For your own history.",
    )


@shown(examples.REVIEW, response_only=True)
class ReviewSerializer(serializers.Serializer[Any]):
    """A change of a product's status; `approved` twice: an operator has looked at what had changed."""

    was = serializers.ChoiceField(choices=Product.Status.choices)
    status = serializers.ChoiceField(choices=Product.Status.choices)
    by = serializers.ChoiceField(choices=ProductReview.By.choices)
    reason = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()
