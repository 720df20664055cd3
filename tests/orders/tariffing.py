"""Shipping zones and tax rates for tests, made as merchants make them."""

from datetime import datetime
from typing import Any

from commerce.models import Address, Merchant, User
from orders.models import ShippingZone, TaxRate
from orders.tariffs import keeping
from tests.orders.make import NOW


def zone(
    seller: Merchant,
    *countries: str,
    amount: int = 490,
    currency: str = "EUR",
    free_from: int | None = None,
    name: str = "Parcel",
    **more: Any,
) -> ShippingZone:
    """Ship to these countries, or without one to the rest of the world, for this amount per order."""
    rate = keeping.Rate(name, currency, amount, free_from, 2, 4)
    new = keeping.Zone("Zone", countries, not countries, more.pop("rates", (rate,)))
    return keeping.add_zone(merchant_id=seller.id, new=new, now=NOW)


def tax(seller: Merchant, country: str = "DE", bp: int = 1900, **more: Any) -> TaxRate:
    """Tax what is sold to a country."""
    fields: dict[str, Any] = {"category": "", "name": "VAT", "valid_from": NOW, "valid_to": None, **more}
    new = keeping.Tax(country=country, bp=bp, **fields)
    return keeping.add_tax(merchant_id=seller.id, new=new, now=NOW)


def on_top(seller: Merchant, *, now: datetime = NOW) -> None:
    """Say that a merchant's prices are without tax."""
    keeping.set_policy(merchant_id=seller.id, prices_include_tax=False, now=now)


def move(shopper: User, country: str) -> None:
    """Give a shopper an address in another country."""
    Address.objects.filter(user=shopper).update(country=country)
