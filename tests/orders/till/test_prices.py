"""Prices at the till: floors, coupons and currencies, and the evidence that is kept of what the buyer saw."""

from typing import Any
from uuid import uuid4

import pytest

from catalog import bundles
from catalog.models import Price, Variant
from catalog.pricing import floors, prices
from commerce.money import Money
from orders import pricing, quotes
from orders.models import Hold, OrderLine, Purchase
from orders.settling import charging, payments
from orders.till import asking, refusals, ringing
from streams import coupons, offers
from streams.models import Coupon, CouponClaim, Offer, OfferBuyer
from tests.orders import make
from tests.orders.make import NOW, after

pytestmark = pytest.mark.django_db


def raise_floor(one: Variant, amount: int) -> None:
    floors.set_floor(
        merchant_id=one.merchant_id, variant_id=one.id, amount=amount, currency=None, now=after(1)
    )


def claimed(coupon: Coupon, basket: make.Basket) -> Coupon:
    coupons.claim(stream_id=coupon.stream_id, user_id=basket.buyer.id, coupon_id=coupon.id, now=NOW)
    return coupon


def rung(basket: make.Basket, coupon: Coupon | None = None) -> Any:
    """Ring up a basket with a coupon; return the receipt, or raise why not."""
    asked = asking.ask(
        buyer_id=basket.buyer.id,
        key=basket.key,
        lines=basket.lines,
        expect_total=basket.total,
        stream_id=basket.stream.id if basket.stream else None,
        coupon_id=coupon.id if coupon else None,
    )
    (outcome,) = ringing.ring_up([asking.Press(asked)], now=after(5)).outcomes
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def nothing_happened(*goods: Variant) -> None:
    assert not Purchase.objects.exists()
    assert not Hold.objects.exists()
    assert not OfferBuyer.objects.filter(units__gt=0).exists()
    assert not CouponClaim.objects.filter(used__gt=0).exists()
    for offer in Offer.objects.all():
        assert offer.left == offer.quota
    for one in goods:
        assert make.left(one) == 10


# --- floors ---


def test_a_floor_raised_above_an_open_offer_ends_selling_at_its_price_and_holds_nothing() -> None:
    one = make.variant()
    stream = make.show(one)
    offer = make.offer(stream, one, amount=999)
    raise_floor(one, 1000)

    with pytest.raises(pricing.PriceBelowFloor):
        rung(make.basket((one, 1, offer), stream=stream))
    nothing_happened(one)

    raise_floor(one, 999)
    assert rung(make.basket((one, 1, offer), stream=stream))


def test_no_coupon_on_top_of_an_offer_gets_below_the_floor() -> None:
    one = make.variant()
    stream = make.show(one)
    offer = make.offer(stream, one, amount=999)
    Offer.objects.update(takes_coupons=True)
    raise_floor(one, 950)
    basket = make.basket((one, 1, offer), stream=stream, total=100)
    coupon = claimed(make.coupon(stream, one.merchant, percent_bp=9000), basket)

    with pytest.raises(refusals.PriceChanged) as refused:
        rung(basket, coupon)
    assert refused.value.data["total"] == {"amount": 950, "currency": "EUR"}
    basket.total = Money(950, "EUR")
    rung(basket, coupon)
    line = OrderLine.objects.get()
    assert (line.unit_amount, line.discount_amount, line.amount) == (999, 49, 950)


def test_a_declined_purchase_is_not_revived_below_a_floor_that_was_set_since() -> None:
    one = make.variant()
    purchase = declined(make.basket((one, 2)))
    prices.change(
        merchant_id=one.merchant_id,
        variant_id=one.id,
        amount=2500,
        compare_at=None,
        currency="EUR",
        now=after(2),
    )
    raise_floor(one, 2000)

    with pytest.raises(pricing.PriceBelowFloor):
        retried(purchase)
    assert make.left(one) == 10

    raise_floor(one, 1999)
    assert retried(purchase).status == Purchase.Status.ACCEPTED


def test_a_declined_bundle_is_not_revived_when_a_part_is_off_sale() -> None:
    seller = make.merchant()
    soap, towel = make.variant(seller=seller), make.variant(seller=seller)
    kit = make.variant(seller=seller, stocked=0)
    bundles.set_parts(merchant_id=seller.id, bundle_id=kit.id, parts={soap.id: 1, towel.id: 1}, now=NOW)
    purchase = declined(make.basket((kit, 1)))
    Variant.objects.filter(pk=towel.pk).update(is_active=False)

    with pytest.raises(quotes.NotForSale) as refused:
        retried(purchase)
    assert refused.value.data == {"variant": str(kit.id)}


def declined(basket: make.Basket) -> Purchase:
    purchase = basket.go()
    payments.apply(intent=make.said(make.sent(purchase), "declined"), now=after(1))
    return Purchase.objects.get(pk=purchase.pk)


def retried(purchase: Purchase) -> Purchase:
    return charging.retry(purchase_id=purchase.id, buyer_id=purchase.buyer_id, card_id=None, now=after(9))


# --- what an offer for a whole product is not for ---


def test_a_variant_without_a_price_is_not_sold_through_its_products_offer() -> None:
    one = make.variant()
    other = make.variant(product=one.product, title="Gold")
    Price.objects.filter(variant=other).delete()
    stream = make.show(one)
    offer = make.offer(stream, one)

    with pytest.raises(quotes.NotForSale):
        rung(make.basket((other, 1, offer), stream=stream))
    nothing_happened(one, other)


def test_a_variant_in_another_currency_is_not_sold_at_the_offers_number() -> None:
    one = make.variant()
    stream = make.show(one)
    offer = make.offer(stream, one)
    other = make.variant(product=one.product, title="Gold", amount=150_000, currency="JPY")

    with pytest.raises(refusals.CurrencyMismatch):
        rung(make.basket((other, 1, offer), stream=stream))
    nothing_happened(one, other)


# --- coupons ---


def test_a_coupon_is_only_for_who_claimed_it_in_its_own_show() -> None:
    one = make.variant()
    stream, elsewhere = make.show(one), make.show(one)
    coupon = make.coupon(stream, one.merchant)
    noa, lea = make.basket((one, 1), stream=stream), make.basket((one, 1), stream=stream)
    claimed(coupon, noa)

    for basket in (
        lea,
        make.basket((one, 1), by=noa.buyer, stream=elsewhere),
        make.basket((one, 1), by=noa.buyer),
    ):
        with pytest.raises(refusals.UnknownCoupon):
            rung(basket, coupon)
    nothing_happened(one)


def unusable(basket: make.Basket, coupon: Coupon) -> dict[str, Any]:
    """Return what the refusal of a coupon says beside the coupon."""
    with pytest.raises(refusals.CouponSpent) as refusal:
        rung(basket, coupon)
    data = dict(refusal.value.data)
    assert data.pop("coupon") == str(coupon.id)
    return data


def test_a_coupon_that_is_over_used_up_or_of_another_merchant_takes_nothing_off() -> None:
    one, foreign = make.variant(), make.variant()
    stream = make.show(one, foreign)
    basket = make.basket((foreign, 1), stream=stream)
    coupon = claimed(make.coupon(stream, one.merchant), basket)

    assert unusable(basket, coupon) == {"reason": "not_for_these"}
    again = make.basket((one, 1), by=basket.buyer, stream=stream, total=1799)
    Coupon.objects.update(status="ended")
    assert unusable(again, coupon) == {"reason": "over"}
    Coupon.objects.update(status="open", closes_at=after(5))
    assert unusable(again, coupon) == {"reason": "over"}
    Coupon.objects.update(closes_at=after(6))
    CouponClaim.objects.update(used=1)
    assert unusable(again, coupon) == {"reason": "used_up"}
    CouponClaim.objects.update(used=0)
    Coupon.objects.update(min_amount=2000)
    least = {"amount": 2000, "currency": "EUR"}
    assert unusable(again, coupon) == {"reason": "below_least", "least": least}
    Coupon.objects.update(min_amount=1999)
    raise_floor(one, 1999)
    assert unusable(again, coupon) == {"reason": "nothing_off"}
    raise_floor(one, 1)
    nothing_happened(one, foreign)
    rung(again, coupon)


def test_a_declined_purchase_is_not_revived_with_a_coupon_that_is_over() -> None:
    one = make.variant()
    stream = make.show(one)
    basket = make.basket((one, 1), stream=stream, total=1799)
    coupon = claimed(make.coupon(stream, one.merchant), basket)
    rung(basket, coupon)
    purchase = Purchase.objects.get()
    payments.apply(intent=make.said(make.sent(purchase), "declined"), now=after(6))
    assert CouponClaim.objects.get().used == 0
    coupons.end(host_id=stream.host_id, coupon_id=coupon.id, now=after(7))

    with pytest.raises(refusals.CouponSpent):
        retried(purchase)
    assert (CouponClaim.objects.get().used, make.left(one)) == (0, 10)

    Coupon.objects.update(status="open", closes_at=after(9))
    with pytest.raises(refusals.CouponSpent):
        retried(purchase)
    Coupon.objects.update(closes_at=after(10))
    assert retried(purchase).status == Purchase.Status.ACCEPTED
    assert CouponClaim.objects.get().used == 1


# --- evidence ---


def test_what_the_buyer_saw_is_kept_with_each_line() -> None:
    one, other = make.variant(), make.variant(amount=500)
    Price.objects.update(valid_from=after(-40 * 86_400))
    stream = make.show(one, other)
    offer = make.offer(stream, one, amount=999)
    make.pin(stream, one, now=after(2))
    basket = make.basket((one, 1, offer), (other, 2), stream=stream, seen=("e1", 41))

    purchase = basket.go(now=after(7))

    lines = {line.variant_id: line for line in OrderLine.objects.filter(order__purchase=purchase)}
    told = lines[one.id]
    assert (told.unit_amount, told.list_amount, told.reference_amount) == (999, 1999, 1999)
    assert (told.offer_id, told.stream_id, told.item_id) == (offer.id, stream.id, make.item(stream, one).id)
    assert told.pin is not None
    assert told.pin.item_id == told.item_id
    assert (told.frame_epoch, told.frame_offset, told.stream_ms) == ("e1", 41, 7000)
    told = lines[other.id]
    assert (told.unit_amount, told.list_amount, told.reference_amount) == (500, 500, None)
    assert (told.offer_id, told.pin_id) == (None, None)


@pytest.mark.parametrize("seen", [1998, 2000, 1, 10**9])
def test_a_total_that_was_not_shown_is_refused_with_the_new_one(seen: int) -> None:
    one = make.variant()
    with pytest.raises(refusals.PriceChanged) as refused:
        rung(make.basket((one, 1), total=seen))
    assert refused.value.data["total"] == {"amount": 1999, "currency": "EUR"}
    nothing_happened(one)


def test_an_offer_of_another_show_or_none_at_all_is_refused() -> None:
    one = make.variant()
    stream, elsewhere = make.show(one), make.show(one)
    offer = make.offer(elsewhere, one)
    for basket in (make.basket((one, 1, offer), stream=stream), make.basket((one, 1, offer))):
        with pytest.raises(offers.OfferMismatch):
            rung(basket)
    ghost = make.basket((one, 1), stream=stream)
    ghost.lines = [quotes.Wanted(one.id, 1, uuid4())]
    with pytest.raises(offers.OfferMismatch):
        rung(ghost)
    nothing_happened(one)
