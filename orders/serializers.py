"""What purchases, carts and orders look like over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from commerce import strict
from commerce.money import Money
from orders import queries
from orders.models import Cancellation, Order, OrderLine, Purchase, Refund, Return, Shipment
from orders.till import asking

MAX_SAFE = 2**53 - 1


class MoneySerializer(strict.StrictSerializer):
    """An amount in minor units of one currency."""

    amount = strict.Whole(min_value=0, max_value=MAX_SAFE, help_text="Minor units.")
    currency = serializers.RegexField("^[A-Z]{3}$", help_text="ISO 4217.")


class SeenSerializer(strict.StrictSerializer):
    """The last room event the buyer's client had."""

    epoch = serializers.RegexField("^[0-9a-z]{1,16}$")
    offset = strict.Whole(min_value=0, max_value=MAX_SAFE)


class LinesSerializer(serializers.ListSerializer[Any]):
    """Lines, counted before they are looked at."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the checked lines; raises TooManyLines."""
        if isinstance(data, list):
            asking.check_count(data)
        return super().to_internal_value(data)


class WantedSerializer(strict.StrictSerializer):
    """Units of a variant, at an offer's price or at the list price."""

    variant = serializers.UUIDField()
    quantity = strict.AnyWhole(help_text="Units, 1 to 99.")
    offer = serializers.UUIDField(required=False, allow_null=True, default=None)

    class Meta:
        list_serializer_class = LinesSerializer


class BuySerializer(strict.StrictSerializer):
    """What is bought, and what the buyer was shown that it costs."""

    lines = WantedSerializer(many=True)
    expect_total = MoneySerializer()
    card = serializers.UUIDField(required=False, allow_null=True, default=None, help_text="Default card.")
    coupon = serializers.UUIDField(
        required=False, allow_null=True, default=None, help_text="One she has claimed in the show."
    )
    stream = serializers.SlugField(
        required=False, allow_null=True, default=None, help_text="The show it is bought in."
    )
    seen = SeenSerializer(required=False, allow_null=True, default=None)


class PaySerializer(strict.StrictSerializer):
    """Which card shall pay now."""

    card = serializers.UUIDField(required=False, allow_null=True, default=None, help_text="Default card.")


class QuoteAskSerializer(strict.StrictSerializer):
    """What somebody asks the price of."""

    lines = WantedSerializer(many=True)
    coupon = serializers.UUIDField(
        required=False, allow_null=True, default=None, help_text="One she has claimed in the show."
    )
    stream = serializers.SlugField(
        required=False, allow_null=True, default=None, help_text="The show it would be bought in."
    )


# --- replies of which the bodies are made in queries.py ---


class TaxSerializer(serializers.Serializer[Any]):
    """An amount of one tax."""

    name = serializers.CharField()
    bp = serializers.IntegerField(help_text="Basis points of the price without it.")
    amount = MoneySerializer()


class ShippingSerializer(serializers.Serializer[Any]):
    """What a parcel costs."""

    name = serializers.CharField()
    amount = MoneySerializer()


class MerchantRefSerializer(serializers.Serializer[Any]):
    """Who sells it."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class ChargesSerializer(serializers.Serializer[Any]):
    """What of an order's total is shipping, and what is tax."""

    shipping = ShippingSerializer(allow_null=True, help_text="null: none is charged for.")
    taxes = TaxSerializer(many=True, help_text="One per name and rate, of goods and shipping together.")
    tax_on_top = serializers.BooleanField(help_text="Prices are without tax; else it is contained in them.")


class ChargedOrderSerializer(ChargesSerializer):
    """What one merchant's part would come to, shipping and tax included."""

    merchant = MerchantRefSerializer()
    goods = MoneySerializer()
    total = MoneySerializer()
    free_from = MoneySerializer(allow_null=True, help_text="Shipping is free for goods of so much.")
    days = serializers.ListField(
        child=serializers.IntegerField(),
        allow_null=True,
        help_text="Fewest and most days until it is delivered.",
    )
    refused = serializers.ChoiceField(
        ["NOT_SHIPPED_THERE"], required=False, help_text="Only where the merchant does not ship there."
    )


class QuoteLineSerializer(serializers.Serializer[Any]):
    """A line of a quote."""

    variant = serializers.UUIDField()
    offer = serializers.UUIDField(allow_null=True)
    quantity = serializers.IntegerField()
    price = MoneySerializer()
    amount = MoneySerializer()
    discount = MoneySerializer()
    tax = TaxSerializer(allow_null=True)


class QuoteSerializer(serializers.Serializer[Any]):
    """What a purchase would cost now; its `total` is the `expect_total` to send."""

    total = MoneySerializer()
    country = serializers.CharField(allow_null=True, help_text="Where it goes; null: no address is known.")
    lines = QuoteLineSerializer(many=True)
    orders = ChargedOrderSerializer(many=True)


class PurchaseLineSerializer(serializers.Serializer[Any]):
    """A line of an order, as its buyer sees it."""

    id = serializers.UUIDField()
    variant = serializers.UUIDField()
    title = serializers.CharField()
    sku = serializers.CharField(allow_blank=True)
    quantity = serializers.IntegerField()
    unit_price = MoneySerializer()
    amount = MoneySerializer()
    discount = MoneySerializer(help_text="What a coupon took off the amount.")
    list_price = MoneySerializer()
    reference = MoneySerializer(allow_null=True, help_text="Price of one unit that was shown struck through.")
    offer = serializers.UUIDField(allow_null=True)
    release_at = serializers.IntegerField(
        allow_null=True, help_text="Unix milliseconds; a pre-order until then, charged when it is shipped."
    )
    tax = TaxSerializer(allow_null=True, help_text="Contained in the amount, unless the order has it on top.")


class ParcelSerializer(serializers.Serializer[Any]):
    """A parcel on its way to the buyer."""

    carrier = serializers.CharField()
    tracking_number = serializers.CharField(allow_blank=True)
    tracking_url = serializers.CharField(allow_blank=True)
    shipped_at = serializers.IntegerField(help_text="Unix milliseconds.")


class CardRefSerializer(serializers.Serializer[Any]):
    """The card that pays."""

    brand = serializers.CharField()
    last4 = serializers.CharField()


class RefundedLineSerializer(serializers.Serializer[Any]):
    """What was given back of a line."""

    line = serializers.UUIDField()
    quantity = serializers.IntegerField()
    refunded = MoneySerializer()


class RefundSerializer(serializers.Serializer[Any]):
    """Money that goes back to a buyer: owed until the provider has sent it, or her bank has."""

    id = serializers.UUIDField()
    amount = MoneySerializer()
    kind = serializers.ChoiceField(choices=Refund.Kind.choices)
    reason = serializers.CharField()
    by = serializers.ChoiceField(choices=Refund.By.choices)
    status = serializers.ChoiceField(choices=[("owed", "owed"), ("paid", "paid"), ("bank", "bank")])
    created_at = serializers.IntegerField(help_text="Unix milliseconds.")


class CancellationSerializer(serializers.Serializer[Any]):
    """A buyer's wish to cancel an order."""

    status = serializers.ChoiceField(choices=Cancellation.Status.choices)
    reason = serializers.CharField(allow_blank=True)
    answer = serializers.CharField(allow_blank=True)
    asked_at = serializers.IntegerField(help_text="Unix milliseconds.")


class ReturnedSerializer(serializers.Serializer[Any]):
    """Units that come back."""

    line = serializers.UUIDField()
    quantity = serializers.IntegerField()


class ReturnSerializer(serializers.Serializer[Any]):
    """Goods that come back."""

    id = serializers.UUIDField()
    order = serializers.UUIDField()
    status = serializers.ChoiceField(choices=Return.Status.choices)
    reason = serializers.ChoiceField(choices=Return.Reason.choices)
    note = serializers.CharField(allow_blank=True)
    answer = serializers.CharField(allow_blank=True)
    lines = ReturnedSerializer(many=True)
    refund = serializers.UUIDField(allow_null=True)
    until = serializers.IntegerField(
        allow_null=True, help_text="Unix milliseconds; approved, the goods have to be there until then."
    )
    created_at = serializers.IntegerField(help_text="Unix milliseconds.")
    updated_at = serializers.IntegerField(help_text="Unix milliseconds.")


class AftersalesSerializer(serializers.Serializer[Any]):
    """What may still be done with an order, and what was."""

    cancel_until = serializers.IntegerField(
        allow_null=True, help_text="Unix milliseconds; until then its buyer may cancel by herself."
    )
    return_until = serializers.IntegerField(allow_null=True, help_text="Unix milliseconds.")
    refunded = MoneySerializer()
    lines = RefundedLineSerializer(many=True)
    refunds = RefundSerializer(many=True)
    cancellation = CancellationSerializer(allow_null=True)
    returns = ReturnSerializer(many=True)


class PurchaseOrderSerializer(ChargesSerializer):
    """One merchant's part of a purchase."""

    id = serializers.UUIDField()
    merchant = MerchantRefSerializer()
    status = serializers.ChoiceField(choices=Order.Status.choices)
    total = MoneySerializer(help_text="Lines, shipping, and tax where prices are without it.")
    lines = PurchaseLineSerializer(many=True)
    shipments = ParcelSerializer(many=True)
    aftersales = AftersalesSerializer(allow_null=True, help_text="Null while it is not sold.")


class PurchaseSerializer(serializers.Serializer[Any]):
    """A purchase. `version` grows with every change."""

    id = serializers.UUIDField()
    key = serializers.UUIDField()
    status = serializers.ChoiceField(choices=Purchase.Status.choices)
    version = serializers.IntegerField()
    total = MoneySerializer()
    reason = serializers.CharField(allow_null=True, help_text="Code, when it was not paid.")
    message = serializers.CharField(allow_null=True)
    card = CardRefSerializer()
    hold_until = serializers.IntegerField(help_text="Unix milliseconds; units are kept at least until then.")
    retry_until = serializers.IntegerField(
        allow_null=True,
        help_text="Unix milliseconds; declined, and the units are kept until then for another card.",
    )
    stream = serializers.CharField(allow_null=True)
    orders = PurchaseOrderSerializer(many=True)
    replayed = serializers.BooleanField(help_text="This key had bought it before.")


class PurchasePageSerializer(serializers.Serializer[Any]):
    """A page of purchases. Follow `next` until it is null."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = PurchaseSerializer(many=True)


# --- merchants ---


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
