"""Zones and rates changed by two at once: one zone for a country, one rate at a time, nothing comes back."""

import functools
import threading
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection

from commerce import errors
from commerce.models import Merchant
from orders.models import ShippingCountry, ShippingZone, TaxRate
from orders.tariffs import keeping
from tests.orders import make
from tests.orders.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

RATE = keeping.Rate("Parcel", "EUR", 490, None, 2, 4)
VAT = keeping.Tax("DE", "", "VAT", 1900, datetime(2025, 1, 1, tzinfo=UTC), None)
ROUNDS = 5


@pytest.fixture
def seller() -> Merchant:
    return make.merchant()


def add(seller: Merchant, *countries: str) -> ShippingZone:
    zone = keeping.Zone("Home", countries, not countries, [RATE])
    return keeping.add_zone(merchant_id=seller.pk, new=zone, now=make.NOW)


def tax(seller: Merchant) -> TaxRate:
    return keeping.add_tax(merchant_id=seller.pk, new=VAT, now=make.NOW)


def refused(outcomes: list[Any]) -> list[str]:
    """The codes of those that were refused; whatever else went wrong is raised."""
    codes = []
    for each in outcomes:
        if isinstance(each, errors.Refusal):
            codes.append(each.code)
        elif isinstance(each, Exception):
            raise each
    return codes


@pytest.mark.parametrize("countries", [("DE", "AT"), ()])
def test_of_four_zones_for_the_same_one_is_made(seller: Merchant, countries: tuple[str, ...]) -> None:
    outcomes = at_once([lambda: add(seller, *countries)] * 4)

    assert refused(outcomes) == ["COUNTRY_TAKEN"] * 3
    assert ShippingZone.objects.count() == 1


def test_of_four_rates_for_the_same_goods_one_is_made(seller: Merchant) -> None:
    assert refused(at_once([lambda: tax(seller)] * 4)) == ["TAX_RATES_OVERLAP"] * 3
    assert TaxRate.objects.count() == 1


def test_control_without_the_lock_the_database_refuses_the_second(
    seller: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(seller, "DE")
    tax(seller)
    monkeypatch.setattr(keeping, "check_countries", lambda **_: None)
    monkeypatch.setattr(keeping, "check_tax", lambda **_: None)

    with pytest.raises(IntegrityError, match="shipping_country_once"):
        add(seller, "DE")
    with pytest.raises(IntegrityError):
        tax(seller)


def test_a_rate_that_is_dropped_while_it_is_changed_does_not_come_back(
    seller: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its dropping is begun when the change has read it, and has to wait for the change."""
    rate_id, check = tax(seller).pk, keeping.check_tax
    dropping: list[Any] = []

    def meanwhile(**asked: Any) -> None:
        check(**asked)
        dropping.append(_begun(rate_id, seller))

    monkeypatch.setattr(keeping, "check_tax", meanwhile)
    keeping.change_tax(merchant_id=seller.pk, rate_id=rate_id, new=VAT)
    dropping[0].join(10)

    assert not TaxRate.objects.exists()


def _begun(rate_id: UUID, seller: Merchant) -> threading.Thread:
    """Begin to drop a rate, and give it the time it takes unless it has to wait."""

    def drop() -> None:
        try:
            keeping.drop_tax(merchant_id=seller.pk, rate_id=rate_id)
        finally:
            connection.close()

    thread = threading.Thread(target=drop)
    thread.start()
    thread.join(1)
    return thread


def test_a_zone_changed_and_dropped_at_once_leaves_nothing_behind(seller: Merchant) -> None:
    other = keeping.Zone("Other", ["FR"], False, [RATE])
    for _ in range(ROUNDS):
        its = {"merchant_id": seller.pk, "zone_id": add(seller, "DE").pk}
        change = functools.partial(keeping.change_zone, **its, new=other, now=make.NOW)
        outcomes = at_once([change, functools.partial(keeping.drop_zone, **its)])
        assert set(refused(outcomes)) <= {"NOT_FOUND"}
        assert not ShippingZone.objects.exists() and not ShippingCountry.objects.exists()
