"""What merchants send and are shown of their orders over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from commerce.money import Money
from orders import queries
from orders.models import Cancellation, Order, OrderLine, ShipmentLine, parcels_of
from orders.serializers.asked import MoneySerializer
from orders.serializers.shown import ShippingSerializer, TaxSerializer


class PackedSerializer(serializers.ModelSerializer[ShipmentLine]):
    """Units of an order line in a parcel."""

    line = serializers.UUIDField(source="line_id")

    class Meta:
        model = ShipmentLine
        fields = ("line", "quantity")


class OrderParcelSerializer(serializers.Serializer[Any]):
    """A parcel, with what of the order is in it."""

    id = serializers.UUIDField(source="shipment.id")
    carrier = serializers.CharField(source="shipment.carrier")
    tracking_number = serializers.CharField(source="shipment.tracking_number", allow_blank=True)
    tracking_url = serializers.CharField(source="shipment.tracking_url", allow_blank=True)
    location = serializers.CharField(
        source="shipment.location.code",
        default=None,
        allow_null=True,
        help_text="That it left; null: not said.",
    )
    shipped_at = serializers.DateTimeField(source="shipment.shipped_at")
    delivered_at = serializers.DateTimeField(source="shipment.delivered_at", allow_null=True)
    lines = PackedSerializer(many=True)


class AddressCopySerializer(serializers.Serializer[Any]):
    """Where the parcel goes, as the buyer's address was when she bought."""

    name = serializers.CharField()
    line1 = serializers.CharField()
    line2 = serializers.CharField(allow_blank=True)
    city = serializers.CharField()
    postal_code = serializers.CharField(allow_blank=True)
    country = serializers.CharField()
    phone = serializers.CharField(default="", help_text="If she gave it for the delivery.")
    email = serializers.CharField(default="", help_text="If she gave it for the delivery.")


class OrderLineSerializer(serializers.ModelSerializer[OrderLine]):
    """A line of an order, as its merchant sees it."""

    variant = serializers.UUIDField(source="variant_id")
    unit_price = serializers.SerializerMethodField()
    amount = serializers.SerializerMethodField()
    refunded = serializers.SerializerMethodField()
    tax = serializers.SerializerMethodField()
    to_ship = serializers.IntegerField(help_text="Units that are to go out still.")

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
            "shipped_quantity",
            "to_ship",
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


class CombinableOrderSerializer(serializers.Serializer[Any]):
    """An order that may go out with others."""

    id = serializers.UUIDField()
    reference = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(choices=Order.Status.choices)
    stream = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


class CombinableSerializer(serializers.Serializer[Any]):
    """Orders of one buyer to one address."""

    ship_to = AddressCopySerializer()
    orders = CombinableOrderSerializer(many=True)


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
    ship_to = serializers.SerializerMethodField(
        help_text="null: cancelled, or erased some time after the delivery."
    )
    stream = serializers.CharField(source="purchase.stream.slug", default=None, allow_null=True)
    lines = OrderLineSerializer(many=True)
    shipments = serializers.SerializerMethodField()
    refunded = serializers.SerializerMethodField()
    cancellation = WishSerializer(default=None, allow_null=True)

    class Meta:
        model = Order
        fields = (
            "id",
            "purchase",
            "status",
            "acknowledged_at",
            "reference",
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

    @extend_schema_field(AddressCopySerializer(allow_null=True))
    def get_ship_to(self, order: Order) -> Any:
        found = queries.contact_of(order)
        return AddressCopySerializer(found).data if found is not None else None

    @extend_schema_field(OrderParcelSerializer(many=True))
    def get_shipments(self, order: Order) -> Any:
        return OrderParcelSerializer(parcels_of(order), many=True).data

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
