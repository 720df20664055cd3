"""What merchants send and are shown of their parcels over HTTP."""

from typing import Any

from rest_framework import serializers

from commerce import strict
from orders.models import Shipment, ShipmentLine

MOST = 500  # Lines and orders in a parcel.


class AcknowledgeSerializer(strict.StrictSerializer):
    """The merchant's own number of an order."""

    reference = strict.Text(
        max_length=80,
        required=False,
        allow_null=True,
        allow_blank=True,
        default=None,
        help_text="Left out: stays as it is.",
    )


class PackSerializer(strict.StrictSerializer):
    """Units of an order line that go into a parcel."""

    line = serializers.UUIDField()
    quantity = strict.Whole(min_value=1, max_value=32767)


class LabelSerializer(strict.StrictSerializer):
    """Who carries a parcel, and how it is followed."""

    carrier = strict.Text(max_length=80)
    tracking_number = strict.Text(max_length=120, required=False, allow_blank=True, default="")
    tracking_url = strict.Link(max_length=500, required=False, allow_blank=True, default="")


class ShipSerializer(LabelSerializer):
    """A parcel of an order; without `lines` it has all that is left."""

    location = strict.Text(
        max_length=50,
        required=False,
        allow_null=True,
        default=None,
        help_text="Code of the location that it leaves. Left out: the main one.",
    )

    lines = PackSerializer(
        many=True,
        required=False,
        allow_empty=False,
        max_length=MOST,  # type: ignore[call-arg]  # of the list, which the stubs do not know
        default=list,
    )


class SendSerializer(ShipSerializer):
    """A parcel with units of `lines`, or with all that is left of `orders`."""

    orders = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        allow_empty=False,
        max_length=MOST,
        default=list,
    )


class RelabelSerializer(strict.StrictSerializer):
    """What is corrected of a parcel."""

    carrier = strict.Text(max_length=80, required=False)
    tracking_number = strict.Text(max_length=120, required=False, allow_blank=True)
    tracking_url = strict.Link(max_length=500, required=False, allow_blank=True)


class DeliverSerializer(strict.StrictSerializer):
    """When a parcel arrived."""

    delivered_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="Left out: now."
    )


class InParcelSerializer(serializers.ModelSerializer[ShipmentLine]):
    """Units of an order line in a parcel, with their order."""

    order = serializers.UUIDField(source="order_id")
    line = serializers.UUIDField(source="line_id")
    sku = serializers.CharField(source="line.sku")
    title = serializers.CharField(source="line.title")

    class Meta:
        model = ShipmentLine
        fields = ("order", "line", "sku", "title", "quantity")


class ShipmentSerializer(serializers.ModelSerializer[Shipment]):
    """A parcel, with units of one or several orders."""

    location = serializers.CharField(
        source="location.code", default=None, allow_null=True, help_text="That it left; null: not said."
    )
    lines = InParcelSerializer(many=True)

    class Meta:
        model = Shipment
        fields = (
            "id",
            "carrier",
            "tracking_number",
            "tracking_url",
            "location",
            "shipped_at",
            "delivered_at",
            "lines",
        )
        read_only_fields: Any = fields
