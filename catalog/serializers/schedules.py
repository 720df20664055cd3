"""Bodies of announced prices, in minor units."""

from typing import Any

from rest_framework import serializers

from catalog import bodies, examples
from catalog.models import PriceSchedule
from catalog.serializers.prices import ComesBackSerializer, PriceWriteSerializer
from catalog.serializers.showing import shown


@shown(examples.SCHEDULE_WRITE, request_only=True)
class ScheduleWriteSerializer(PriceWriteSerializer):
    """What a variant shall cost from a moment on. At least one of the two moments is named."""

    starts_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="Left out: from now on."
    )
    ends_at = serializers.DateTimeField(
        required=False,
        allow_null=True,
        default=None,
        help_text="Then the price before comes back, or the one that was set meanwhile. Left out: for good.",
    )


@shown(examples.SCHEDULE, response_only=True)
class ScheduleSerializer(serializers.Serializer[Any]):
    """An announced price."""

    id = serializers.UUIDField()
    variant = serializers.UUIDField()
    sku = serializers.CharField(allow_blank=True)
    amount = serializers.IntegerField()
    compare_at = serializers.IntegerField(allow_null=True)
    currency = serializers.CharField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(allow_null=True, help_text="null: for good.")
    status = serializers.ChoiceField(choices=PriceSchedule.Status.choices)
    reason = serializers.CharField(allow_blank=True, help_text="Of one that failed: why, as a code.")
    comes_back = ComesBackSerializer(allow_null=True, help_text="While it runs: the price at its end.")
    began_at = serializers.DateTimeField(allow_null=True, help_text="From when buyers paid it.")
    ended_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


def body(row: PriceSchedule) -> dict[str, Any]:
    """Return an announced price with its variant."""
    return {
        "id": row.id,
        "variant": row.variant_id,
        "sku": row.variant.sku,
        "amount": row.amount,
        "compare_at": row.compare_at,
        "currency": row.currency,
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
        "status": row.status,
        "reason": row.reason,
        "comes_back": bodies.comes_back(row) if row.status == PriceSchedule.Status.RUNNING else None,
        "began_at": row.began_at,
        "ended_at": row.ended_at,
        "created_at": row.created_at,
    }
