"""HTTP doors of bundles for merchants' systems; rows start from the merchant of the key."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import bodies, bundles, examples
from catalog.views import edge, tagged
from commerce import http
from commerce.schema import IDEMPOTENCY_KEY, IF_MATCH
from commerce.strict import StrictSerializer, Whole


class PartWriteSerializer(StrictSerializer):
    """Units of another variant in one unit of a bundle."""

    variant = serializers.UUIDField()
    quantity = Whole(min_value=1, max_value=bundles.MAX_QUANTITY, required=False, default=1)


@extend_schema_serializer(examples=[OpenApiExample("example", examples.PARTS_WRITE, request_only=True)])
class PartsWriteSerializer(StrictSerializer):
    """What a bundle consists of."""

    parts = serializers.ListField(
        child=PartWriteSerializer(),
        min_length=1,
        max_length=bundles.MAX_PARTS,
        help_text="Two or more variants of yours, or several units of one; no bundle among them.",
    )

    def validate_parts(self, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Refuse a variant that comes twice."""
        if len({part["variant"] for part in value}) < len(value):
            raise serializers.ValidationError("A variant comes twice.", code="DUPLICATE_PART")
        return value


class PartSerializer(serializers.Serializer[Any]):
    """Units of another variant in one unit of a bundle."""

    variant = serializers.UUIDField()
    title = serializers.CharField()
    sku = serializers.CharField(allow_blank=True)
    quantity = serializers.IntegerField()
    available = serializers.IntegerField(help_text="Units of the part that can still be promised.")


@extend_schema_serializer(examples=[OpenApiExample("example", examples.PARTS, response_only=True)])
class PartsSerializer(serializers.Serializer[Any]):
    """What a bundle consists of; a plain variant has no parts."""

    variant = serializers.UUIDField()
    available = serializers.IntegerField(help_text="Bundles that the parts allow, or units of the variant.")
    parts = PartSerializer(many=True)


class PartsView(http.MerchantView):
    """What a bundle consists of."""

    @extend_schema(tags=["Products"], operation_id="parts_get", responses=PartsSerializer)
    def get(self, request: Request, variant_id: UUID) -> Response:
        """Return a bundle's parts; none for a plain variant."""
        return self.answer(tagged.parts(self.merchant.pk, variant_id))

    @extend_schema(
        tags=["Products"],
        operation_id="parts_set",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        request=PartsWriteSerializer,
        responses=PartsSerializer,
    )
    def put(self, request: Request, variant_id: UUID) -> Response:
        """Make a variant that has no stock a bundle of others; what is bought keeps its parts."""
        sent = edge.sent(PartsWriteSerializer, request)
        parts = {part["variant"]: part["quantity"] for part in sent["parts"]}
        about = tagged.parts(self.merchant.pk, variant_id)

        def run() -> tuple[int, bodies.Body]:
            bundles.set_parts(
                merchant_id=self.merchant.pk, bundle_id=variant_id, parts=parts, now=timezone.now()
            )
            return 200, about.look()

        return http.write_once(request, run, about)

    @extend_schema(
        tags=["Products"],
        operation_id="parts_clear",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        responses={200: PartsSerializer},
    )
    def delete(self, request: Request, variant_id: UUID) -> Response:
        """Make a bundle a plain variant again, without stock. Again is fine."""
        about = tagged.parts(self.merchant.pk, variant_id)

        def run() -> tuple[int, bodies.Body]:
            bundles.clear_parts(merchant_id=self.merchant.pk, bundle_id=variant_id, now=timezone.now())
            return 200, about.look()

        return http.write_once(request, run, about)
