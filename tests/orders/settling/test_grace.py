"""The grace after a decline: the units wait for another card, for as long as their offer gives."""

from typing import Any

import pytest
from django.conf import LazySettings

from commerce.models import User
from orders import expiry, queries
from orders.models import Hold, Payment, Purchase
from orders.settling import charging, payments
from orders.till.refusals import HouseholdLimit
from streams import coupons
from streams.bodies import unix_ms
from streams.models import CouponClaim, Offer, OfferHousehold
from tests.orders import make
from tests.orders.make import after
from tests.orders.waitlist.lining import Drop, drop, status, told

pytestmark = pytest.mark.django_db

GRACE = 60


def decline(purchase: Purchase, *, seconds: float = 1) -> Purchase:
    payment = Payment.objects.filter(purchase=purchase, status="created").first() or make.sent(purchase)
    payments.apply(intent=make.said(payment, "declined"), now=after(seconds))
    return Purchase.objects.get(pk=purchase.pk)


def declined(made: Drop, **more: Any) -> Purchase:
    return decline(made.buy(**more))


def retried(purchase: Purchase, *, seconds: float) -> Purchase:
    return charging.retry(
        purchase_id=purchase.id, buyer_id=purchase.buyer_id, card_id=None, now=after(seconds)
    )


def pay(purchase: Purchase, *, seconds: float) -> Purchase:
    payment = Payment.objects.exclude(status="declined").get(purchase=purchase)
    payments.apply(intent=make.said(payment, "succeeded"), now=after(seconds))
    return Purchase.objects.get(pk=purchase.pk)


def retry_until(purchase: Purchase) -> int | None:
    until: int | None = queries.purchase_body(purchase.id)["retry_until"]
    return until


def test_nobody_gets_the_units_while_she_may_try_another_card() -> None:
    made = drop(stocked=1, quota=1, seconds=600, grace_seconds=GRACE)
    purchase = declined(made)
    entry = made.join()

    assert expiry.sweep(now=after(GRACE)) == 0
    assert (status(entry), made.left()) == ("waiting", (0, 0))
    assert retry_until(purchase) == unix_ms(after(1 + GRACE))
    assert make.broken() == []

    retried(purchase, seconds=GRACE)
    assert retry_until(purchase) is None
    assert pay(purchase, seconds=GRACE + 1).status == "paid"
    assert (status(entry), made.left()) == ("waiting", (0, 0))
    assert make.broken() == []


def test_afterwards_the_next_in_line_gets_them_and_she_is_told() -> None:
    made = drop(stocked=1, quota=1, seconds=600, grace_seconds=GRACE)
    purchase = declined(made)
    entry = made.join()

    assert expiry.sweep(now=after(1 + GRACE)) == 1

    assert status(entry) == "offered"
    assert told("waitlist.turn")[0]["id"] == str(entry.id)
    assert retry_until(purchase) is None
    last = make.events("purchase.moved")[-1]
    assert (last["purchase"], last["status"]) == (str(purchase.id), "declined")
    assert last["version"] == purchase.version + 1 == queries.purchase_body(purchase.id)["version"]
    assert expiry.sweep(now=after(2 + GRACE)) == 0
    assert make.broken() == []


def test_without_a_line_they_go_back_on_sale_and_can_be_taken_again() -> None:
    made = drop(stocked=1, quota=1, seconds=600, grace_seconds=GRACE)
    purchase = declined(made)
    expiry.sweep(now=after(1 + GRACE))
    assert made.left() == (1, 1)

    retried(purchase, seconds=2 + GRACE)

    assert made.left() == (0, 0)
    assert pay(purchase, seconds=3 + GRACE).status == "paid"
    assert make.broken() == []


def test_control_without_a_grace_they_are_back_at_once() -> None:
    made = drop(stocked=1, quota=1, seconds=600)
    purchase = declined(made)

    assert made.left() == (1, 1)
    assert retry_until(purchase) is None


def test_the_longest_grace_of_its_offers_is_that_of_a_purchase() -> None:
    lipstick, blush, comb = (make.variant(stocked=1) for _ in range(3))
    stream = make.show(lipstick, blush, comb)
    short, long = make.offer(stream, lipstick), make.offer(stream, blush)
    Offer.objects.filter(pk=short.pk).update(grace_seconds=10)
    Offer.objects.filter(pk=long.pk).update(grace_seconds=40)
    basket = make.basket((lipstick, 1, short), (blush, 1, long), (comb, 1), stream=stream)

    purchase = decline(basket.go())

    assert retry_until(purchase) == unix_ms(after(41))
    assert [make.left(each) for each in (lipstick, blush, comb)] == [0, 0, 0]


def test_no_grace_lasts_longer_than_units_are_held_at_most(settings: LazySettings) -> None:
    settings.HOLD_MOST_SECONDS = 620
    made = drop(grace_seconds=600)

    assert declined(made).grace_until == after(601)
    assert decline(made.buy(), seconds=100).grace_until == after(620)


def test_who_may_try_no_other_card_keeps_nothing() -> None:
    made = drop(stocked=1, quota=1, seconds=600, grace_seconds=GRACE)
    purchase = declined(made)
    for number in range(2, charging.MAX_ATTEMPTS + 1):
        assert made.left() == (0, 0)
        retried(purchase, seconds=number)
        decline(purchase, seconds=number)

    assert made.left() == (1, 1)
    assert make.broken() == []


def test_money_that_comes_in_the_grace_pays_for_what_is_still_held() -> None:
    made = drop(stocked=1, quota=1, seconds=600, grace_seconds=GRACE)
    purchase = declined(made)
    payment = Payment.objects.get()

    payments.apply(intent=make.said(payment, "succeeded"), now=after(5))

    purchase.refresh_from_db()
    assert (purchase.status, purchase.grace_until) == ("paid", None)
    assert set(Hold.objects.values_list("status", flat=True)) == {"taken"}
    assert expiry.sweep(now=after(GRACE + 5)) == 0
    assert make.broken() == []


def test_a_coupon_used_for_it_is_used_once(settings: LazySettings) -> None:
    made = drop(stocked=1, quota=1, seconds=600, grace_seconds=GRACE, takes_coupons=True)
    buyer = make.buyer()
    coupon = make.coupon(made.stream, made.variant.merchant)
    coupons.claim(stream_id=made.stream.id, user_id=buyer.id, coupon_id=coupon.id, now=after(0))
    purchase = made.buy(buyer)
    Purchase.objects.filter(pk=purchase.pk).update(coupon=coupon)
    CouponClaim.objects.update(used=1)
    purchase.refresh_from_db()

    decline(purchase)
    retried(purchase, seconds=5)
    assert CouponClaim.objects.get().used == 1
    decline(purchase, seconds=6)
    expiry.sweep(now=after(6 + GRACE))

    assert CouponClaim.objects.get().used == 0


# --- limits per household ---


def units_of(keys: list[str]) -> list[int]:
    return [OfferHousehold.objects.get(key=key).units for key in keys]


def with_another_card(buyer: User) -> None:
    buyer.cards.update(is_default=False)
    make.card(buyer)
    buyer.cards.filter(is_default=True).update(fingerprint="another card")


def test_the_units_count_for_the_card_that_is_tried() -> None:
    made = drop(stocked=1, quota=1, seconds=600, grace_seconds=GRACE, per_household=1)
    buyer = make.buyer()
    buyer.cards.update(fingerprint="one card")
    purchase = declined(made, buyer=buyer)
    before = purchase.households
    with_another_card(buyer)

    retried(purchase, seconds=5)

    now = Purchase.objects.get(pk=purchase.pk).households
    (gone,), (fresh,), (same,) = set(before) - set(now), set(now) - set(before), set(now) & set(before)
    assert units_of([gone, fresh, same]) == [0, 1, 1]
    decline(purchase, seconds=6)
    expiry.sweep(now=after(6 + GRACE))
    assert units_of([gone, fresh, same]) == [0, 0, 0]
    assert make.broken() == []


def test_a_card_whose_household_has_its_units_is_refused_and_hers_wait_on() -> None:
    made = drop(stocked=2, quota=2, seconds=600, grace_seconds=GRACE, per_household=1)
    buyer, other = make.buyer(), make.buyer("Bea")
    buyer.cards.update(fingerprint="one card")
    other.cards.update(fingerprint="another card")
    other.addresses.update(line1="Other street 1")
    made.buy(other)
    purchase = declined(made, buyer=buyer)
    with_another_card(buyer)

    with pytest.raises(HouseholdLimit):
        retried(purchase, seconds=5)

    purchase.refresh_from_db()
    assert (purchase.status, retry_until(purchase)) == ("declined", unix_ms(after(1 + GRACE)))
    assert made.left() == (0, 0)
    assert make.broken() == []
