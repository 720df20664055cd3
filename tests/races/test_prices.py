"""Two who set a variant's price at the same moment: the second keeps the comparison price of the first."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from catalog.models import Price, Variant
from catalog.pricing import prices
from tests.catalog import make
from tests.catalog.make import NOW, after
from tests.orders.threads import comes_to_wait

pytestmark = pytest.mark.django_db(transaction=True)


def compare(one: Variant) -> None:
    """Give the variant a comparison price, in the caller's transaction."""
    quotes = {one.pk: prices.Quote(1999, 2999, "EUR")}
    prices.change_many(merchant_id=one.merchant_id, quotes=quotes, now=NOW)


def lower(one: Variant) -> None:
    prices.change_amount(
        merchant_id=one.merchant_id, variant_id=one.pk, amount=1500, currency="EUR", now=after(1)
    )


def lower_carelessly(one: Variant) -> None:
    """The usual mistake: look at the comparison price before the variant is locked."""
    quotes = prices.with_comparisons({one.pk: prices.Quote(1500, None, "EUR")}, of=[one.pk])
    prices.change_many(merchant_id=one.merchant_id, quotes=quotes, now=after(1))


def alone(act: Callable[[Variant], None], one: Variant) -> None:
    try:
        act(one)
    finally:
        connection.close()


@pytest.mark.parametrize(("act", "left"), [(lower, 2999), (lower_carelessly, None)])
def test_a_comparison_price_that_is_being_set_is_kept_by_who_locks_before_looking(
    act: Callable[[Variant], None], left: int | None
) -> None:
    one = make.variant(make.merchant(), amount=1999)
    with transaction.atomic():
        compare(one)
        thread = threading.Thread(target=alone, args=[act, one])
        thread.start()
        assert comes_to_wait(), "for the variant"
    thread.join(10)

    price = Price.objects.get(variant=one, valid_to=None)
    assert (price.amount, price.compare_at) == (1500, left)
