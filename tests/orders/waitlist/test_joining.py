"""Joining a line: who may, for what, and every refusal."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

from catalog import bundles, preorders
from catalog.models import BundlePart, Product, Stock, Variant
from catalog.pricing import floors, prices
from catalog.shelf import stock
from orders import pricing, quotes
from orders.models import WaitlistEntry
from orders.till import refusals
from orders.waitlist import keeping, places, queue, waiting
from streams import offers, shows
from streams import queries as show_queries
from streams.models import Offer
from tests.orders import make
from tests.orders.make import NOW, after
from tests.orders.waitlist.lining import Drop, drop, sold_out, status, told

pytestmark = pytest.mark.django_db


def refused(refusal: type[Exception], made: Drop, **more: Any) -> Any:
    asked = {
        "buyer_id": make.buyer().id,
        "stream_id": made.stream.id,
        "variant_id": made.variant.id,
        "offer_id": made.offer.id,
        "quantity": 1,
        "now": NOW,
        **more,
    }
    with pytest.raises(refusal) as caught:
        places.join(**asked)
    assert not WaitlistEntry.objects.filter(buyer_id=asked["buyer_id"]).exists()
    return caught.value


# --- pre-orders ---


def test_the_line_for_a_preorder_is_open_before_it_can_be_bought_once_it_is_sold_out() -> None:
    made, ana = drop(stocked=1), make.buyer()
    opens_at = NOW + timedelta(days=4)
    Variant.objects.update(release_at=opens_at + preorders.WITHIN)
    assert refused(places.NotSoldOut, made, offer_id=None).data == {"left": 1}

    Stock.objects.update(available=0)
    entry = made.join(ana, listed=True)
    stock.adjust(
        merchant_id=made.variant.merchant_id, variant_id=made.variant.id, delta=1, note="", now=after(1)
    )
    queue.serve(variant_ids=[made.variant.id], offer_ids=[], now=after(1))

    # Her turn is a promise, though she could not buy before it would have ended.
    entry.refresh_from_db()
    assert entry.turn_until == opens_at + timedelta(seconds=settings.WAITLIST_TURN_SECONDS)
    with pytest.raises(refusals.PreorderTooEarly):
        made.buy(ana, listed=True)
    assert keeping.end_turns(now=opens_at) == 0
    make.basket((made.variant, 1), by=ana, stream=made.stream).go(now=opens_at)
    assert (status(entry), make.left(made.variant)) == ("bought", 0)


# --- joining ---


def test_whoever_joins_has_a_place_behind_those_before_her() -> None:
    made, _ = sold_out()
    made.join()
    made.join()

    body = waiting.body(made.join())

    assert (body["number"], body["ahead"], body["status"], body["until"]) == (3, 2, "waiting", None)
    assert body["price"] == {"amount": 999, "currency": "EUR"}
    assert [each["number"] for each in told("waitlist.joined")] == [1, 2, 3]


def test_one_lines_up_only_for_what_is_sold_out() -> None:
    made = drop()

    assert refused(places.NotSoldOut, made).data == {"left": 2}
    made.buy()
    assert refused(places.NotSoldOut, made).data == {"left": 1}
    assert refused(places.NotSoldOut, made, offer_id=None).data == {"left": 1}


def test_the_offer_may_be_sold_out_while_the_goods_are_not() -> None:
    made, _ = sold_out(stocked=5)

    made.join()
    refused(places.NotSoldOut, made, offer_id=None)


def test_one_stands_in_a_line_once() -> None:
    made, _ = sold_out()
    ana = make.buyer()
    place = made.join(ana)

    with pytest.raises(places.AlreadyInLine) as caught:
        made.join(ana)
    assert caught.value.data["entry"]["id"] == str(place.id)
    # The line for the list price is another one.
    made.join(ana, listed=True)
    places.leave(buyer_id=ana.id, variant_id=made.variant.id, offer_id=made.offer.id, now=NOW)
    assert made.join(ana).id > place.id


@pytest.mark.parametrize("quantity", [-1, 0, 100, 10_000])
def test_a_senseless_quantity_is_refused(quantity: int) -> None:
    made, _ = sold_out()
    refused(quotes.BadQuantity, made, quantity=quantity)


def test_more_than_the_offer_grants_a_buyer_is_refused() -> None:
    made, _ = sold_out(quota=3, stocked=3, per_buyer=3)
    refused(offers.CustomerLimit, made, quantity=4)
    other = drop(quota=2, per_buyer=2)
    ana = make.buyer()
    other.buy(ana)
    other.buy()

    refused(offers.CustomerLimit, other, buyer_id=ana.id, quantity=2)


def test_what_is_not_there_or_not_of_this_show_has_no_line() -> None:
    made, _ = sold_out()
    elsewhere, _ = sold_out()
    refused(offers.OfferMismatch, made, offer_id=uuid4())
    refused(offers.OfferMismatch, made, offer_id=elsewhere.offer.id)
    refused(quotes.UnknownVariant, made, variant_id=uuid4())
    refused(quotes.UnknownVariant, made, variant_id=elsewhere.variant.id)
    refused(places.UnknownStream, made, stream_id=uuid4())


def test_an_offer_that_is_over_or_to_come_has_no_line() -> None:
    made, _ = sold_out()
    refused(offers.OfferEnded, made, now=after(61))
    Offer.objects.filter(pk=made.offer.pk).update(opens_at=after(5))
    told = {"offer": str(made.offer.id), "starts_at": int(after(5).timestamp() * 1000)}
    assert refused(offers.OfferNotStarted, made).data == told
    Offer.objects.filter(pk=made.offer.pk).update(opens_at=NOW, reason="host")
    refused(offers.OfferEnded, made)


def test_an_offer_whose_price_the_merchant_takes_no_more_has_no_line() -> None:
    made, _ = sold_out()
    given = {"merchant_id": made.variant.merchant_id, "variant_id": made.variant.id}

    floors.set_floor(**given, amount=1000, currency=None, now=NOW)
    assert refused(pricing.PriceBelowFloor, made).data == {"price": {"amount": 999, "currency": "EUR"}}
    floors.clear_floor(**given)
    prices.change(**given, amount=5000, compare_at=None, currency="JPY", now=after(1))
    assert refused(refusals.CurrencyMismatch, made, now=after(2)).data == {"currency": "JPY"}
    assert made.join(listed=True).status == "waiting"


def test_a_show_that_is_over_has_no_lines() -> None:
    made, _ = sold_out()
    shows.end(host_id=made.stream.host_id, stream_id=made.stream.id, now=NOW)

    refused(show_queries.StreamNotLive, made)


def test_a_retired_product_and_a_bundle_have_no_line() -> None:
    made, _ = sold_out()
    Product.objects.filter(pk=made.variant.product_id).update(status=Product.Status.RETIRED)
    refused(quotes.NotForSale, made)

    other = drop()
    part = make.variant(seller=other.variant.merchant)
    Stock.objects.filter(pk=other.variant.pk).delete()
    BundlePart.objects.create(merchant=part.merchant, bundle=other.variant, part=part)
    refused(places.NoLine, other)


def test_nobody_stands_in_more_lines_than_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "MOST", 1)
    made, _ = sold_out()
    ana = make.buyer()
    made.join(ana)

    with pytest.raises(places.TooManyLines):
        made.join(ana, listed=True)


def test_a_bundle_has_no_line_though_its_variant_has_a_stock_of_none() -> None:
    made = drop(stocked=0)
    bundle = made.variant
    part = make.variant(stocked=0, seller=bundle.merchant)
    bundles.set_parts(merchant_id=part.merchant_id, bundle_id=bundle.id, parts={part.id: 2}, now=NOW)

    with pytest.raises(places.NoLine):
        made.join(listed=True)

    bundles.clear_parts(merchant_id=part.merchant_id, bundle_id=bundle.id, now=NOW)
    assert made.join(listed=True).status == "waiting", "the same variant, plain again"
