"""What merchants send and are shown of their orders over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from commerce import strict
from commerce.money import Money
from orders import queries
from orders.models import Cancellation, Order, OrderLine, Shipment
from orders.serializers.asked import MoneySerializer
from orders.serializers.shown import ShippingSerializer, TaxSerializer


class ShipSerializer(strict.StrictSerializer):
    """A parcel that goes out."""

    carrier = strict.Text(max_length=80)
    tracking_number = strict.Text(max_length=120, required=False, allow_blank=True, default="")
    tracking_url = serializers.URLField(max_length=500, required=False, allow_blank=True, default="")


class ShipmentSerializer(serializers.ModelSerializer[Shipment]):
    """A parcel of an order."""

    class Meta:
        model = Shipment
        fields = ("carrier", "tracking_number", "tracking_url", "shipped_at")


class AddressCopySerializer(serializers.Serializer[Any]):
    """Where the parcel goes, as the buyer's address was when she bought."""

    name = serializers.CharField()
    line1 = serializers.CharField()
    line2 = serializers.CharField(allow_blank=True)
    city = serializers.CharField()
    postal_code = serializers.CharField(allow_blank=True)
    country = serializers.CharField()


class OrderLineSerializer(serializers.ModelSerializer[OrderLine]):
    """A line of an order, as its merchant sees it."""

    variant = serializers.UUIDField(source="variant_id")
    unit_price = serializers.SerializerMethodField()
    amount = serializers.SerializerMethodField()
    refunded = serializers.SerializerMethodField()
    tax = serializers.SerializerMethodField()

    class Meta:
        model = OrderLine
        fields = (
            "id",
            "variant",
            "title",
            "sku",
            "quantity",
            "unit_price",
            "amount",
            "refunded_quantity",
            "refunded",
            "release_at",
            "tax",
        )

    @extend_schema_field(TaxSerializer(allow_null=True))
    def get_tax(self, line: OrderLine) -> queries.Body | None:
        return queries.tax_of(line)

    def get_unit_price(self, line: OrderLine) -> MoneySerializer:
        return Money(line.unit_amount, line.currency).as_dict()  # type: ignore[return-value]  # typed for the schema

    def get_amount(self, line: OrderLine) -> MoneySerializer:
        return Money(line.amount, line.currency).as_dict()  # type: ignore[return-value]

    def get_refunded(self, line: OrderLine) -> MoneySerializer:
        return Money(line.refunded_amount, line.currency).as_dict()  # type: ignore[return-value]


class WishSerializer(serializers.ModelSerializer[Cancellation]):
    class Meta:
        model = Cancellation
        fields = ("status", "reason", "answer", "asked_at", "decided_at")


class OrderSerializer(serializers.ModelSerializer[Order]):
    """A merchant's order. Of the buyer it holds what is needed to deliver, and no more."""

    purchase = serializers.UUIDField(source="purchase_id")
    total = serializers.SerializerMethodField()
    shipping = serializers.SerializerMethodField()
    taxes = serializers.SerializerMethodField()
    ship_to = AddressCopySerializer(source="purchase.ship_to")
    stream = serializers.CharField(source="purchase.stream.slug", default=None, allow_null=True)
    lines = OrderLineSerializer(many=True)
    shipments = ShipmentSerializer(many=True)
    refunded = serializers.SerializerMethodField()
    cancellation = WishSerializer(default=None, allow_null=True)

    class Meta:
        model = Order
        fields = (
            "id",
            "purchase",
            "status",
            "total",
            "shipping",
            "taxes",
            "tax_on_top",
            "refunded",
            "ship_to",
            "stream",
            "lines",
            "shipments",
            "cancellation",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    def get_total(self, order: Order) -> MoneySerializer:
        return Money(order.amount, order.currency).as_dict()  # type: ignore[return-value]

    @extend_schema_field(ShippingSerializer(allow_null=True))
    def get_shipping(self, order: Order) -> queries.Body | None:
        return queries.charges_of(order)["shipping"]  # type: ignore[no-any-return]

    @extend_schema_field(TaxSerializer(many=True))
    def get_taxes(self, order: Order) -> list[queries.Body]:
        return queries.charges_of(order)["taxes"]  # type: ignore[no-any-return]

    def get_refunded(self, order: Order) -> MoneySerializer:
        refunded = order.refunded_shipping_amount + sum(line.refunded_amount for line in order.lines.all())
        return Money(refunded, order.currency).as_dict()  # type: ignore[return-value]
