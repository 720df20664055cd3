"""What a merchant's shipping zones and tax rates look like over HTTP."""

from typing import Any

from rest_framework import serializers

from commerce import money, strict
from orders.models import ShippingRate, ShippingZone, TaxRate
from orders.tariffs import keeping
from orders.taxes import MOST_BP

COUNTRY, CURRENCY = "^[A-Z]{2}$", "^[A-Z]{3}$"


class ShippingRateSetSerializer(strict.StrictSerializer):
    """What a parcel costs in one currency."""

    name = strict.Text(max_length=80, help_text="Shown to shoppers.")
    currency = serializers.RegexField(CURRENCY, help_text="ISO 4217.")
    amount = strict.Whole(min_value=0, max_value=money.MAX_AMOUNT, help_text="Per order, in minor units.")
    free_from = strict.Whole(
        min_value=1,
        max_value=money.MAX_AMOUNT,
        required=False,
        allow_null=True,
        default=None,
        help_text="Free when the goods come to this, in minor units.",
    )
    days_min = strict.Whole(min_value=0, max_value=keeping.MOST_DAYS, help_text="Days until it is delivered.")
    days_max = strict.Whole(min_value=0, max_value=keeping.MOST_DAYS)


class ShippingZoneSetSerializer(strict.StrictSerializer):
    """Countries that are shipped to at the same rates, or the rest of the world."""

    name = strict.Text(max_length=80)
    countries = serializers.ListField(
        child=serializers.RegexField(COUNTRY),
        required=False,
        default=list,
        max_length=300,
        help_text="ISO 3166-1 alpha-2.",
    )
    rest_of_world = strict.Flag(
        required=False, default=False, help_text="Instead of countries: all that no other zone names."
    )
    rates = ShippingRateSetSerializer(many=True, allow_empty=False, help_text="One per currency.")

    def zone(self) -> keeping.Zone:
        """Return what was sent, once it is valid."""
        sent = self.validated_data
        rates = [keeping.Rate(**rate) for rate in sent["rates"]]
        return keeping.Zone(sent["name"], sent["countries"], sent["rest_of_world"], rates)


class TaxRateSetSerializer(strict.StrictSerializer):
    """A tax on what is sold to a country."""

    country = serializers.RegexField(COUNTRY, help_text="ISO 3166-1 alpha-2, where the parcel goes.")
    category = strict.Text(
        required=False,
        default="",
        allow_blank=True,
        max_length=255,
        help_text="A product type; empty: all others, and shipping.",
    )
    name = strict.Text(max_length=40, help_text="Shown to shoppers.")
    bp = strict.Whole(
        min_value=0, max_value=MOST_BP, help_text="Basis points of the price without it; 1900 are 19 %."
    )
    valid_from = serializers.DateTimeField()
    valid_to = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="Not valid any more at this moment."
    )


class TaxPolicySerializer(strict.StrictSerializer):
    """Whether prices contain tax."""

    prices_include_tax = strict.Flag()


class ShippingRateSerializer(serializers.ModelSerializer[ShippingRate]):
    """What a parcel costs in one currency."""

    class Meta:
        model = ShippingRate
        fields = ("name", "currency", "amount", "free_from", "days_min", "days_max")


class ShippingZoneSerializer(serializers.Serializer[Any]):
    """Countries that are shipped to at the same rates, or the rest of the world."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    countries = serializers.ListField(child=serializers.CharField())
    rest_of_world = serializers.BooleanField()
    rates = ShippingRateSerializer(many=True)
    updated_at = serializers.DateTimeField()


class TaxRateSerializer(serializers.ModelSerializer[TaxRate]):
    """A tax on what is sold to a country."""

    class Meta:
        model = TaxRate
        fields = ("id", "country", "category", "name", "bp", "valid_from", "valid_to")


def zone(row: ShippingZone) -> dict[str, Any]:
    """Return the body of a zone that was read with its countries and rates."""
    rates = sorted(row.rates.all(), key=lambda rate: rate.currency)
    return {
        "id": str(row.pk),
        "name": row.name,
        "countries": sorted(each.country for each in row.countries.all()),
        "rest_of_world": row.rest_of_world,
        "rates": ShippingRateSerializer(rates, many=True).data,
        "updated_at": serializers.DateTimeField().to_representation(row.updated_at),
    }
