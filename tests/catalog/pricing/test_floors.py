"""Price floors: below the list price, and no later list price below them."""

import io

import pytest
from django.db import IntegrityError, transaction

from catalog import queries
from catalog.feeds import imports
from catalog.models import PriceFloor, Variant
from catalog.pricing import floors, prices
from tests.catalog import make
from tests.catalog.make import NOW, after

pytestmark = pytest.mark.django_db


def set_floor(one: Variant, amount: int, *, currency: str | None = None) -> PriceFloor:
    return floors.set_floor(
        merchant_id=one.merchant_id, variant_id=one.pk, amount=amount, currency=currency, now=NOW
    )


def reprice(one: Variant, amount: int, *, currency: str = "EUR") -> int:
    quotes = {one.pk: prices.Quote(amount, None, currency)}
    return prices.change_many(merchant_id=one.merchant_id, quotes=quotes, now=after(1))


def test_a_floor_may_be_the_list_price_and_not_above_it() -> None:
    one = make.variant(make.merchant(), amount=1999)
    assert set_floor(one, 1999).amount == 1999
    with pytest.raises(floors.PriceBelowFloor) as refused:
        set_floor(one, 2000)
    assert refused.value.data == {"price": {"amount": 1999, "currency": "EUR"}}
    assert floors.of([one.pk])[one.pk].amount == 1999


def test_a_list_price_may_not_fall_below_the_floor_nor_leave_its_currency() -> None:
    one = make.variant(make.merchant(), amount=1999)
    set_floor(one, 1500)
    with pytest.raises(floors.PriceBelowFloor):
        reprice(one, 1499)
    with pytest.raises(floors.PriceBelowFloor):
        reprice(one, 9999, currency="USD")
    assert prices.current([one.pk])[one.pk].amount == 1999
    assert reprice(one, 1500) == 1


def test_without_its_floor_a_variant_may_cost_anything() -> None:
    one = make.variant(make.merchant(), amount=1999)
    set_floor(one, 1500)
    floors.clear_floor(merchant_id=one.merchant_id, variant_id=one.pk)
    floors.clear_floor(merchant_id=one.merchant_id, variant_id=one.pk)
    assert reprice(one, 1) == 1


def test_a_floor_is_of_the_merchants_own_variant_with_a_price_in_its_currency() -> None:
    one, other = make.variant(make.merchant(), amount=1999), make.merchant()
    with pytest.raises(queries.UnknownVariant):
        floors.set_floor(merchant_id=other.pk, variant_id=one.pk, amount=1, currency=None, now=NOW)
    with pytest.raises(queries.UnknownVariant):
        floors.clear_floor(merchant_id=other.pk, variant_id=one.pk)
    with pytest.raises(floors.OtherCurrency):
        set_floor(one, 1, currency="USD")
    with pytest.raises(floors.NoListPrice):
        set_floor(make.variant(make.merchant(), amount=None), 1)
    assert not PriceFloor.objects.exists()


def test_a_feed_leaves_a_price_as_it_is_that_would_fall_below_the_floor() -> None:
    seller = make.merchant()

    def read(price: str) -> list[tuple[int, str]]:
        body = make.simple_feed(1, price=price)
        job, _ = imports.queue(merchant_id=seller.pk, filename="feed.csv", file=io.BytesIO(body), now=NOW)
        imports.run(import_id=job.pk, now=NOW)
        return make.problems(job)

    assert read("19.90") == []
    fig, rose = Variant.objects.filter(merchant=seller).order_by("title")
    set_floor(fig, 1500)
    assert read("14.99") == [(2, "PRICE_BELOW_FLOOR")]
    assert {pk: price.amount for pk, price in prices.current([fig.pk, rose.pk]).items()} == {
        fig.pk: 1990,
        rose.pk: 1499,
    }


def test_the_table_itself_takes_no_floor_of_nothing() -> None:
    one = make.variant(make.merchant())
    with pytest.raises(IntegrityError, match="floor_positive"), transaction.atomic():
        PriceFloor.objects.create(variant=one, merchant=one.merchant, amount=0, currency="EUR")
