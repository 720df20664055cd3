"""A floor and a price set at the same moment: never a price below its floor."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from catalog.models import Price, PriceFloor, Variant
from catalog.pricing import floors, prices
from tests.catalog import make
from tests.catalog.make import NOW, after

pytestmark = pytest.mark.django_db(transaction=True)


def meanwhile(act: Callable[[], Any], *, seconds: float) -> tuple[threading.Thread, list[Any]]:
    """Start the act in a thread and give it time to end; return both, with what it returned or raised."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(act())
        except floors.PriceBelowFloor as error:
            outcome.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(seconds)
    return thread, outcome


def lower_the_price(one: Variant) -> None:
    quotes = {one.pk: prices.Quote(1500, None, "EUR")}
    prices.change_many(merchant_id=one.merchant_id, quotes=quotes, now=after(1))


def guarded(one: Variant) -> PriceFloor:
    return floors.set_floor(
        merchant_id=one.merchant_id, variant_id=one.pk, amount=1900, currency=None, now=NOW
    )


def careless(one: Variant) -> PriceFloor:
    """The usual mistake: look at the price without its lock."""
    assert Price.objects.get(variant=one, valid_to=None).amount >= 1900
    return PriceFloor.objects.create(variant=one, merchant=one.merchant, amount=1900, currency="EUR")


def test_control_without_the_lock_a_floor_stands_above_the_price() -> None:
    one = make.variant(make.merchant(), amount=1999)
    with transaction.atomic():
        lower_the_price(one)
        thread, _ = meanwhile(lambda: careless(one), seconds=10)
        assert not thread.is_alive()

    assert PriceFloor.objects.get().amount > Price.objects.get(variant=one, valid_to=None).amount


def test_a_floor_waits_for_a_price_that_is_being_changed_and_is_refused() -> None:
    one = make.variant(make.merchant(), amount=1999)
    with transaction.atomic():
        lower_the_price(one)
        thread, outcome = meanwhile(lambda: guarded(one), seconds=0.2)
        assert thread.is_alive()
    thread.join(10)

    assert isinstance(outcome[0], floors.PriceBelowFloor)
    assert not PriceFloor.objects.exists()
