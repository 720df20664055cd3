"""What buyers are shown over HTTP: quotes, purchases, and what comes after them."""

from typing import Any

from rest_framework import serializers

from orders.models import Cancellation, Order, Purchase, Refund, Return
from orders.serializers.asked import MoneySerializer


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


class ParcelLineSerializer(serializers.Serializer[Any]):
    """Units of a line in a parcel."""

    line = serializers.UUIDField()
    quantity = serializers.IntegerField()


class ParcelSerializer(serializers.Serializer[Any]):
    """A parcel on its way to the buyer."""

    carrier = serializers.CharField()
    tracking_number = serializers.CharField(allow_blank=True)
    tracking_url = serializers.CharField(allow_blank=True)
    shipped_at = serializers.IntegerField(help_text="Unix milliseconds.")
    delivered_at = serializers.IntegerField(
        allow_null=True, help_text="Unix milliseconds; null until it is there."
    )
    lines = ParcelLineSerializer(many=True)


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


class ErasedSerializer(serializers.Serializer[Any]):
    """In how many purchases a contact was erased."""

    purchases = serializers.IntegerField()
