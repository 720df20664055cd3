"""Announced offers and coupons on the shopper's page, in real browsers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils.timezone import now
from playwright.sync_api import expect

from catalog.models import Price
from catalog.pricing import floors, prices
from orders.models import OrderLine
from streams import coupons, offers
from streams.models import Coupon, CouponClaim, Offer, Stream
from tests.browsing import aside
from tests.shopper import DESK, PHONE, Shop, Shopper, fits, lipstick
from tests.streams import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

People = Callable[..., Shopper]


def announce(stream: Stream, *, opens: int, amount: int = 990, quota: int = 5) -> Offer:
    return aside(
        lambda: offers.announce(
            host_id=stream.host_id,
            stream_id=stream.id,
            item_id=make.item(stream).id,
            amount=amount,
            quota=quota,
            seconds=60,
            opens_at=now() + timedelta(seconds=opens),
            now=now(),
        )
    )


def coupon(stream: Stream, *, quota: int = 5, code: str = "MIRA-20", percent_bp: int = 2000) -> Coupon:
    merchant_id = aside(lambda: make.item(stream).product.merchant_id)
    new = coupons.New(merchant_id, code, percent_bp, None, 1000, quota, 1, 300)
    return aside(lambda: coupons.create(host_id=stream.host_id, stream_id=stream.id, new=new, now=now()))


def test_a_shopper_sees_the_countdown_and_the_price_opens_by_the_clock(shop: Shop, shopper: People) -> None:
    stream = shop.show(lipstick())
    shop.pin(stream)
    ada, late, page = (one := shopper(PHONE)), shopper(DESK), one.page
    ada.open(stream)
    announce(stream, opens=8, quota=1)

    expect(page.locator(".offer__clock")).to_have_text(re.compile(r"^0:0\d$"))
    expect(page.locator(".offer__left")).to_have_text("Live price €9.90 · 1 piece")
    expect(page.locator(".pinned .price")).to_have_text("€19.90")
    assert fits(page)
    late.open(stream)
    expect(late.page.locator(".offer--ahead")).to_be_visible()

    for one in (ada, late):
        expect(one.page.locator(".pinned .price")).to_have_text("€9.90")
        expect(one.page.locator(".pinned .price__before")).to_have_text("€19.90")
        expect(one.page.locator(".offer__left")).to_have_text("1 of 1 left")
    assert aside(now) >= aside(Offer.objects.get).opens_at


def test_nothing_is_struck_through_that_is_not_proven(shop: Shop, shopper: People) -> None:
    stream = shop.show(lipstick())
    aside(lambda: Price.objects.update(valid_from=now() - timedelta(days=3)))
    shop.pin(stream)
    shop.offer(stream)
    ada, page = (one := shopper(PHONE)), one.page
    ada.open(stream)

    expect(page.locator(".pinned .price--live")).to_have_text("€9.90")
    expect(page.locator(".pinned .price__before")).to_have_count(0)
    ada.button("Lipstick: details").click()
    expect(page.locator(".detail__price")).to_have_text("€9.90")
    expect(page.locator("s:visible")).to_have_count(0)


def test_a_coupon_is_claimed_in_the_room_and_seen_again_after_coming_back(
    shop: Shop, shopper: People
) -> None:
    stream = shop.show(lipstick())
    ada, bob, page = (one := shopper(PHONE)), shopper(DESK), one.page
    ada.sign_in()
    ada.open(stream)
    bob.open(stream)
    made = coupon(stream, quota=1)

    card = page.locator(".coupon")
    expect(card).to_contain_text("20% off from €10.00")
    expect(card).to_contain_text("1 left")
    assert fits(page)
    ada.button("Claim 20% off").click()
    expect(card).to_contain_text("Yours")
    expect(bob.page.locator(".coupon__claim")).to_have_text("All claimed")
    expect(bob.page.locator(".coupon__claim")).to_be_disabled()
    assert aside(CouponClaim.objects.get).buyer_id == (ada.user and ada.user.id)

    again = ada.call(f"live/{stream.slug}/coupons/{made.id}/claim")
    assert again.status == 200 and again.json()["coupon"]["left"] == 0
    ada.open(stream)
    expect(card).to_contain_text("Yours")
    bob.sign_in(name="Bob")
    refused = bob.call(f"live/{stream.slug}/coupons/{made.id}/claim")
    assert (refused.status, refused.json()["code"]) == (409, "COUPON_GONE")
    bob.open(stream)

    aside(lambda: coupons.end(host_id=stream.host_id, coupon_id=made.id, now=now()))
    for one in (ada, bob):
        expect(one.page.locator(".coupon")).to_have_count(0)


def test_a_claimed_coupon_is_taken_off_at_checkout_and_no_further_than_the_floor(
    shop: Shop, shopper: People
) -> None:
    stream = shop.show(lipstick())
    shop.pin(stream)
    ada, page = (one := shopper(PHONE)), one.page
    ada.sign_in()
    ada.save_card()
    ada.open(stream)
    coupon(stream)
    ada.button("Claim 20% off").click()
    expect(page.locator(".coupon")).to_contain_text("Yours")
    # Else what is quoted could be of after the floor, and be shown before she presses.
    with page.expect_response("**/purchases/quote"):
        ada.button("Buy Lipstick").click()

    expect(page.locator(".total--coupon")).to_contain_text("−€3.98")
    aside(lambda: _floor(stream, 1700))
    ada.button("Pay €15.92").click()
    expect(page.locator(".form__wrong").filter(has_text="The price has changed")).to_be_visible()
    ada.button("Pay €17.00").click()

    expect(ada.panel("paid")).to_contain_text("Paid")
    line = aside(OrderLine.objects.get)
    assert (line.unit_amount, line.discount_amount, line.amount) == (1990, 290, 1700)
    # What is used up leaves the stage.
    expect(page.locator(".coupon")).to_have_count(0)
    assert aside(CouponClaim.objects.get).used == 1


def test_coupons_take_one_line_and_the_cart_shows_what_the_best_of_ones_own_takes_off(
    shop: Shop, shopper: People
) -> None:
    stream = shop.show(lipstick())
    shop.pin(stream)
    ada, page = (one := shopper(PHONE)), one.page
    ada.sign_in()
    ada.open(stream)
    for percent in (10, 20, 30):
        coupon(stream, code=f"MIRA-{percent}", percent_bp=100 * percent)

    cards = page.locator(".coupon")
    expect(cards).to_have_count(1)
    expect(cards.locator(".coupon__worth")).to_have_text("30% off from €10.00")
    expect(cards.locator(".coupon__more")).to_have_text("+2")
    box = cards.bounding_box()
    assert box and box["height"] < 60
    ada.button("Claim 30% off").click()
    expect(cards.locator(".coupon__worth")).to_have_text("20% off from €10.00")
    ada.button("Show 2 more coupons").click()
    expect(cards).to_have_count(3)
    ada.button("Dismiss 20% off").click()
    expect(cards).to_have_count(2)
    ada.button("Show one coupon").click()
    ada.button("Dismiss 2 coupons").click()
    expect(cards).to_have_count(0)
    page.reload()
    expect(page.locator("body[data-online=yes]")).to_be_attached()

    badge = page.locator(".cart-button__count")
    expect(badge).to_be_hidden()
    ada.button("Lipstick: details").click()
    ada.button("Add to cart").click()
    expect(badge).to_have_text("1")
    expect(cards).to_have_count(0)
    ada.button("View cart").click()
    expect(page.locator(".total--coupon:visible")).to_contain_text("−€5.97")
    expect(page.locator(".total__sum:visible")).to_have_text("€13.93")


def _floor(stream: Stream, amount: int) -> None:
    variant = make.item(stream).product.variants.get()
    floors.set_floor(
        merchant_id=variant.merchant_id, variant_id=variant.pk, amount=amount, currency=None, now=now()
    )


def test_what_the_merchant_changes_is_on_the_page_without_a_reload(shop: Shop, shopper: People) -> None:
    """A floor above the live price ends it, and another list price is the one that is shown."""
    stream = shop.show(lipstick())
    shop.pin(stream)
    shop.offer(stream)
    ada, page = (one := shopper(PHONE)), one.page
    ada.open(stream)
    expect(page.locator(".pinned .price--live")).to_have_text("€9.90")

    aside(lambda: _floor(stream, 1500))
    expect(page.locator(".pinned__state")).to_contain_text("The live price is over")
    expect(page.locator(".pinned .price")).to_have_text("€19.90")

    aside(lambda: _reprice(stream, 1750))
    expect(page.locator(".pinned .price")).to_have_text("€17.50")


def _reprice(stream: Stream, amount: int) -> None:
    variant = make.item(stream).product.variants.get()
    prices.change(
        merchant_id=variant.merchant_id,
        variant_id=variant.pk,
        amount=amount,
        compare_at=None,
        currency="EUR",
        now=now(),
    )


def test_who_is_not_signed_in_is_asked_to_before_she_claims(shop: Shop, shopper: People) -> None:
    stream = shop.show(lipstick())
    coupon(stream)
    ada = shopper(PHONE)
    ada.open(stream)

    ada.button("Claim 20% off").click()

    expect(ada.page.get_by_text("Sign in to claim the coupon.")).to_be_visible()
    assert not aside(CouponClaim.objects.exists)
