"""What merchants charge beside their goods, read once for many orders."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from commerce import errors
from commerce.models import Address
from orders import taxes
from orders.taxes import Charge, Rate, Tariff

REST = ""  # The rest of the world, among the countries of a merchant.

# A zone that none of the countries is of only says that its merchant ships by zones.
_SHIPPING = """
    SELECT z.merchant_id, CASE WHEN z.rest_of_world THEN '' ELSE c.country END,
           r.currency, r.name, r.amount, r.free_from, r.days_min, r.days_max
      FROM orders_shippingzone z
      LEFT JOIN orders_shippingcountry c ON c.merchant_id = z.merchant_id AND c.zone_id = z.id
           AND c.country = ANY(%(countries)s)
      LEFT JOIN orders_shippingrate r ON r.zone_id = z.id AND (z.rest_of_world OR c.id IS NOT NULL)
     WHERE z.merchant_id = ANY(%(merchants)s::uuid[])
"""
_TAXES = """
    SELECT r.merchant_id, r.country, r.category, r.name, r.bp, coalesce(p.prices_include_tax, true)
      FROM orders_taxrate r LEFT JOIN orders_taxpolicy p ON p.merchant_id = r.merchant_id
     WHERE r.merchant_id = ANY(%(merchants)s::uuid[]) AND r.country = ANY(%(countries)s)
       AND r.valid_from <= %(now)s AND (r.valid_to IS NULL OR r.valid_to > %(now)s)
"""


class NotShippedThere(errors.Conflict):
    """The merchant does not ship to the buyer's country, or not what is sold in this currency."""

    code = "NOT_SHIPPED_THERE"
    message = "This seller does not ship to your address."


@dataclass(slots=True)
class Tariffs:
    """Shipping and tax of some merchants for some countries; false where nothing is set."""

    shipping: dict[UUID, dict[str, dict[str, Tariff]]] = field(default_factory=dict)  # country, currency
    rates: dict[tuple[UUID, str], dict[str, Rate]] = field(default_factory=dict)  # by product type
    on_top: set[UUID] = field(default_factory=set)  # Merchants whose prices are without tax.

    def __bool__(self) -> bool:
        return bool(self.shipping or self.rates)

    def charge(
        self,
        merchant_id: UUID,
        *,
        country: str,
        currency: str,
        amounts: Sequence[int],
        categories: Sequence[str],
    ) -> Charge:
        """Return what lines of these amounts (minor units) and product types cost beside; their shipping and
        tax. Raises NotShippedThere.
        """
        tariff = None
        zones = self.shipping.get(merchant_id)
        if zones is not None:
            tariff = zones.get(country, zones.get(REST, {})).get(currency)
            if tariff is None:
                raise NotShippedThere(merchant=str(merchant_id), country=country)
        rates = self.rates.get((merchant_id, country), {})
        usual = rates.get("")
        return taxes.charge(
            amounts,
            rates=[rates.get(category.lower(), usual) for category in categories],
            on_top=merchant_id in self.on_top,
            currency=currency,
            tariff=tariff,
            shipping_rate=usual,
        )


def country_of(*, buyer_id: UUID) -> str:
    """Return the country that a buyer's parcels go to, an empty text when she has no address."""
    hers = Address.objects.filter(user_id=buyer_id).order_by("-is_default", "-id")
    return hers.values_list("country", flat=True).first() or ""


def read(merchants: Iterable[UUID], *, countries: Collection[str], now: datetime) -> Tariffs:
    """Return what these merchants charge for parcels to these countries at that moment, in two statements."""
    found = Tariffs()
    asked: dict[str, Any] = {
        "merchants": "{" + ",".join(sorted({str(each) for each in merchants})) + "}",
        "countries": sorted(countries),
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SHIPPING, asked)
        for merchant_id, country, currency, *tariff in cursor.fetchall():
            zones = found.shipping.setdefault(merchant_id, {})
            if country is not None:
                rates = zones.setdefault(country, {})
                if currency is not None:
                    rates[currency] = Tariff(*tariff)
        cursor.execute(_TAXES, asked)
        for merchant_id, country, category, name, bp, included in cursor.fetchall():
            found.rates.setdefault((merchant_id, country), {})[category] = Rate(name, bp)
            if not included:
                found.on_top.add(merchant_id)
    return found
