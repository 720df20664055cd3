"""What buyers send over HTTP: what they want, and how they pay."""

from typing import Any

from rest_framework import serializers

from commerce import strict
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

    variant = strict.Id()
    quantity = strict.AnyWhole(help_text="Units, 1 to 99.")
    offer = strict.Id(required=False, allow_null=True, default=None)

    class Meta:
        list_serializer_class = LinesSerializer


class BuySerializer(strict.StrictSerializer):
    """What is bought, and what the buyer was shown that it costs."""

    lines = WantedSerializer(many=True)
    expect_total = MoneySerializer()
    card = strict.Id(required=False, allow_null=True, default=None, help_text="Default card.")
    coupon = strict.Id(
        required=False, allow_null=True, default=None, help_text="One she has claimed in the show."
    )
    stream = serializers.SlugField(
        required=False, allow_null=True, default=None, help_text="The show it is bought in."
    )
    seen = SeenSerializer(required=False, allow_null=True, default=None)


class PaySerializer(strict.StrictSerializer):
    """Which card shall pay now."""

    card = strict.Id(required=False, allow_null=True, default=None, help_text="Default card.")


class QuoteAskSerializer(strict.StrictSerializer):
    """What somebody asks the price of."""

    lines = WantedSerializer(many=True)
    coupon = strict.Id(
        required=False, allow_null=True, default=None, help_text="One she has claimed in the show."
    )
    stream = serializers.SlugField(
        required=False, allow_null=True, default=None, help_text="The show it would be bought in."
    )
