"""What a cart holds, what a household or a coupon grants, and what comes back: counted in the batch."""

import threading
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.db import connection, transaction

from catalog.models import Stock, Variant
from catalog.shelf import stock
from orders import transactions
from orders.carts import contents, policies
from orders.models import CartHold, OrderLine, Purchase, WaitlistEntry
from orders.settling import charging, payments
from orders.till import refusals
from orders.till.asking import Asked, Receipt
from streams import grants
from streams.models import Coupon, CouponClaim, OfferHousehold
from tests.orders import make
from tests.orders.make import NOW, after
from tests.orders.till.asks import asked, kinds, rung, wants
from tests.orders.till.test_ringing import locked

pytestmark = pytest.mark.django_db(transaction=True)


# --- what a cart holds, households, coupons ---


def test_what_her_cart_holds_is_bought_without_taking_it_again() -> None:
    lipstick, buyer = make.variant(stocked=10), make.buyer()
    policies.set_policy(merchant_id=lipstick.merchant_id, hold_seconds=300, now=NOW)
    contents.add(buyer_id=buyer.id, variant_id=lipstick.id, quantity=2, stream_id=None, now=NOW)

    assert kinds(rung(wants(lipstick, 3, by=buyer))) == [Receipt]

    assert make.left(lipstick) == 7
    assert not CartHold.objects.exists()
    assert make.broken() == []


def test_what_is_held_for_one_cart_is_nobody_elses() -> None:
    lipstick, buyer = make.variant(stocked=2), make.buyer()
    policies.set_policy(merchant_id=lipstick.merchant_id, hold_seconds=300, now=NOW)
    contents.add(buyer_id=buyer.id, variant_id=lipstick.id, quantity=2, stream_id=None, now=NOW)

    assert kinds(rung(wants(lipstick), wants(lipstick, by=buyer))) == [stock.OutOfStock, Receipt]
    assert CartHold.objects.get().quantity == 1
    assert make.broken() == []


def test_a_household_gets_its_limit_however_many_live_in_it() -> None:
    lipstick = make.variant(stocked=10)
    stream = make.show(lipstick)
    offer = make.offer(stream, lipstick, quota=9)
    type(offer).objects.update(per_household=2)
    family = [make.buyer(name) for name in ("Noa", "Mara", "Ida")]  # One address, three cards.

    outcomes = rung(
        *(asked(make.basket((lipstick, 1, offer), by=each, stream=stream)) for each in family), now=after(1)
    )

    assert kinds(outcomes) == [Receipt, Receipt, refusals.HouseholdLimit]
    assert OfferHousehold.objects.get().units == 2
    assert make.left(lipstick) == 8


def claimed(stream: Any, variant: Variant, buyer: Any, **more: Any) -> Coupon:
    coupon = Coupon.objects.create(
        stream=stream,
        merchant_id=variant.merchant_id,
        code=f"C{uuid4().hex[:8]}",
        currency="EUR",
        quota=5,
        left=4,
        opens_at=NOW,
        closes_at=after(600),
        **{"amount_off": 500, **more},
    )
    CouponClaim.objects.create(coupon=coupon, buyer=buyer, cap=1)
    return coupon


def test_a_claimed_coupon_comes_off_the_price_once() -> None:
    lipstick, buyer = make.variant(amount=1999), make.buyer()
    stream = make.show(lipstick)
    coupon = claimed(stream, lipstick, buyer)

    def press() -> Asked:
        return asked(make.basket((lipstick, 2), by=buyer, stream=stream, total=3498), coupon_id=coupon.id)

    first, second = rung(press(), press(), now=after(1))

    assert isinstance(first, Receipt)
    assert isinstance(second, refusals.CouponSpent)
    line = OrderLine.objects.get()
    assert (line.amount, line.discount_amount) == (3498, 500)
    assert CouponClaim.objects.get().used == 1
    assert make.broken() == []


def test_what_a_declined_purchase_counted_is_given_back_and_counted_again() -> None:
    lipstick, buyer = make.variant(stocked=5, amount=1999), make.buyer()
    stream = make.show(lipstick)
    offer = make.offer(stream, lipstick, amount=999, quota=3)
    type(offer).objects.update(per_household=1, takes_coupons=True)
    coupon = claimed(stream, lipstick, buyer, amount_off=99)
    basket = make.basket((lipstick, 1, offer), by=buyer, stream=stream, total=900)
    (receipt,) = rung(asked(basket, coupon_id=coupon.id), now=after(1))
    purchase = Purchase.objects.get(pk=receipt.purchase_id)
    payments.apply(intent=make.said(make.sent(purchase), "declined"), now=after(2))

    assert CouponClaim.objects.get().used == 0
    assert set(OfferHousehold.objects.values_list("units", flat=True)) == {0}
    assert make.broken() == []

    neighbour = make.buyer("Mara")  # At the same address: she is faster.
    assert kinds(
        rung(asked(make.basket((lipstick, 1, offer), by=neighbour, stream=stream)), now=after(3))
    ) == [Receipt]
    with pytest.raises(refusals.HouseholdLimit):
        charging.retry(purchase_id=purchase.id, buyer_id=buyer.id, card_id=None, now=after(4))
    assert make.left(lipstick) == 4
    assert make.broken() == []


def test_a_declined_buyer_whose_turn_it_is_tries_another_card_with_her_turn() -> None:
    lipstick, buyer = make.variant(stocked=1), make.buyer()
    stream = make.show(lipstick)
    (receipt,) = rung(wants(lipstick, by=buyer, stream=stream), now=after(1))
    purchase = Purchase.objects.get(pk=receipt.purchase_id)
    WaitlistEntry.objects.create(variant=lipstick, buyer=buyer, stream=stream)
    payments.apply(intent=make.said(make.sent(purchase), "declined"), now=after(2))
    assert WaitlistEntry.objects.get().status == WaitlistEntry.Status.OFFERED
    assert make.left(lipstick) == 0

    charging.retry(purchase_id=purchase.id, buyer_id=buyer.id, card_id=None, now=after(3))

    assert WaitlistEntry.objects.get().status == WaitlistEntry.Status.BOUGHT
    assert make.left(lipstick) == 0
    assert make.broken() == []


def test_a_claim_that_is_locked_costs_its_own_buyer_and_not_the_batch() -> None:
    lipstick, buyer = make.variant(amount=1999), make.buyer()
    stream = make.show(lipstick)
    coupon = claimed(stream, lipstick, buyer)
    hers = asked(make.basket((lipstick, 2), by=buyer, stream=stream, total=3498), coupon_id=coupon.id)

    with locked(CouponClaim.objects.filter(coupon=coupon)):
        outcomes = rung(wants(lipstick), hers, wants(lipstick), now=after(1))

    assert kinds(outcomes) == [Receipt, transactions.Busy, Receipt]
    assert kinds(rung(hers, now=after(2))) == [Receipt]
    assert make.broken() == []


def test_who_tries_another_card_waits_for_her_claim_before_she_keeps_the_stock() -> None:
    """As the till does: in another order, two that have the one wait for each other's."""
    lipstick, buyer = make.variant(amount=1999), make.buyer()
    stream = make.show(lipstick)
    coupon = claimed(stream, lipstick, buyer)
    basket = make.basket((lipstick, 2), by=buyer, stream=stream, total=3498)
    (receipt,) = rung(asked(basket, coupon_id=coupon.id), now=after(1))
    purchase = Purchase.objects.get(pk=receipt.purchase_id)
    payments.apply(intent=make.said(make.sent(purchase), "declined"), now=after(2))
    free: list[bool] = []

    def look_at_the_stock(*args: Any, **more: Any) -> Any:
        thread = threading.Thread(target=lambda: free.append(_is_free(lipstick)))
        thread.start()
        thread.join(10)
        return again(*args, **more)

    again = grants.spend_again
    with patch.object(grants, "spend_again", look_at_the_stock):
        charging.retry(purchase_id=purchase.id, buyer_id=buyer.id, card_id=None, now=after(3))

    assert free == [True]
    assert CouponClaim.objects.get().used == 1
    assert make.broken() == []


def _is_free(variant: Variant) -> bool:
    try:
        with transaction.atomic():
            return bool(Stock.objects.select_for_update(skip_locked=True).filter(pk=variant.id))
    finally:
        connection.close()


def test_a_coupon_that_somebody_else_claimed_is_unknown() -> None:
    lipstick, buyer = make.variant(amount=1999), make.buyer()
    stream = make.show(lipstick)
    coupon = claimed(stream, lipstick, make.buyer())

    outcomes = rung(
        asked(make.basket((lipstick, 1), by=buyer, stream=stream), coupon_id=coupon.id), now=after(1)
    )

    assert kinds(outcomes) == [refusals.UnknownCoupon]
