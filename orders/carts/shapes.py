"""What carts, and a merchant's rules for them, look like over HTTP."""

from typing import Any

from rest_framework import serializers

from commerce import strict
from orders.carts import policies
from orders.models import CartHolder, CartPolicy, Hoarder
from orders.serializers import asked, shown

MAX_SAFE = 2**53 - 1
STREAM: dict[str, Any] = {"required": False, "allow_null": True, "default": None}


class CartWantedSerializer(strict.StrictSerializer):
    """Units of a variant in a cart."""

    variant = strict.Id()
    quantity = strict.AnyWhole(help_text="Units, 1 to 99.")

    class Meta:
        list_serializer_class = asked.LinesSerializer


class CartChangeSerializer(strict.StrictSerializer):
    """What the cart shall have, if it still has this version."""

    version = strict.Whole(min_value=0, max_value=MAX_SAFE)
    lines = CartWantedSerializer(many=True)
    stream = serializers.SlugField(**STREAM, help_text="The show whose offers apply.")


class CartAddSerializer(strict.StrictSerializer):
    """Units to add to the cart."""

    variant = strict.Id()
    quantity = strict.AnyWhole(required=False, default=1, help_text="Units, 1 to 99.")
    version = strict.Whole(
        **STREAM,
        min_value=0,
        max_value=MAX_SAFE,
        help_text="Only to a cart that has this version: so a repetition adds nothing twice.",
    )
    stream = serializers.SlugField(**STREAM, help_text="The show it is added in.")


class CartSetSerializer(strict.StrictSerializer):
    """How many units of a variant the cart shall have, if it still has this version."""

    version = strict.Whole(min_value=0, max_value=MAX_SAFE)
    quantity = strict.AnyWhole(help_text="Units, 1 to 99. As many as before: hold them anew.")
    stream = serializers.SlugField(**STREAM, help_text="The show whose offers apply.")


class CartQuerySerializer(serializers.Serializer[Any]):
    """In which show prices are asked for."""

    stream = serializers.SlugField(
        required=False, default=None, help_text="Slug of the show whose offers apply."
    )


class CartRemoveSerializer(CartQuerySerializer):
    """Out of which version of the cart, and in which show prices are asked for."""

    version = serializers.IntegerField(min_value=0, max_value=MAX_SAFE)


class CartLineSerializer(serializers.Serializer[Any]):
    """A line of a cart."""

    variant = serializers.UUIDField()
    product = serializers.UUIDField()
    merchant = shown.MerchantRefSerializer()
    title = serializers.CharField()
    image = serializers.CharField(allow_null=True)
    quantity = serializers.IntegerField()
    price = asked.MoneySerializer()
    offer = serializers.UUIDField(allow_null=True)
    left = serializers.IntegerField(help_text="Units in stock beside those held, for information.")
    release_at = serializers.IntegerField(
        allow_null=True, help_text="Unix milliseconds; a pre-order until then. null: it ships now."
    )
    opens_at = serializers.IntegerField(
        allow_null=True, help_text="Unix milliseconds; it can be ordered from then on. null: at any time."
    )
    held = serializers.IntegerField(help_text="Units that are the shopper's until `held_until`.")
    held_until = serializers.IntegerField(allow_null=True, help_text="Unix milliseconds.")
    hold_seconds = serializers.IntegerField(
        allow_null=True, help_text="How long it is held for a cart; null: the first to pay has it."
    )


class CartTotalSerializer(asked.MoneySerializer):
    """What one currency comes to, shipping and tax to the shopper's default address included."""

    refused = serializers.ChoiceField(
        ["TOO_CHEAP", "TOO_EXPENSIVE", "NOT_PAYABLE"],
        required=False,
        help_text="Only where one payment could not be of this sum: why.",
    )
    orders = shown.ChargedOrderSerializer(
        many=True,
        required=False,
        help_text="Per merchant; only where one of them charges shipping or tax.",
    )


class CartSerializer(serializers.Serializer[Any]):
    """A cart, at the prices it would be bought for now."""

    version = serializers.IntegerField()
    lines = CartLineSerializer(many=True)
    totals = CartTotalSerializer(many=True, help_text="One per currency.")


# --- merchants ---


class PolicySetSerializer(strict.StrictSerializer):
    """For how long goods are held for a cart."""

    hold_seconds = strict.Whole(min_value=policies.LEAST_SECONDS, max_value=policies.MOST_SECONDS)


class PolicySerializer(serializers.ModelSerializer[CartPolicy]):
    """For how long goods are held for a cart."""

    class Meta:
        model = CartPolicy
        fields = ("hold_seconds", "updated_at")


class HolderSerializer(serializers.ModelSerializer[CartHolder]):
    """What was held for one shopper's carts so far."""

    shopper = serializers.UUIDField(source="buyer_id")
    held = serializers.IntegerField(help_text="Units, all holds together.")
    lapsed = serializers.IntegerField(help_text="Units whose hold ran out.")
    hoarder = serializers.BooleanField(help_text="Nothing more is held for this shopper.")

    class Meta:
        model = CartHolder
        fields = ("shopper", "held", "lapsed", "last_at", "hoarder")


class BarSerializer(strict.StrictSerializer):
    """Why nothing more is held for a shopper."""

    reason = strict.Text(required=False, default="", allow_blank=True, max_length=policies.MAX_REASON)


class HoarderSerializer(serializers.ModelSerializer[Hoarder]):
    """A shopper for whose carts nothing is held."""

    shopper = serializers.UUIDField(source="buyer_id")

    class Meta:
        model = Hoarder
        fields = ("shopper", "reason", "at")
