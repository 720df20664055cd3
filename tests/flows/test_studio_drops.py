"""A host announces offers and opens coupons in her control room, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import expect

from catalog.models import Variant
from catalog.pricing import floors
from commerce.models import User
from streams import offers
from streams.models import Coupon, Offer
from tests.browsing import aside
from tests.flows.test_studio import DESK, PHONE, Studio, site, studio  # noqa: F401  # its fixtures
from tests.shopper import fits
from tests.streams import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("studio", [DESK, PHONE], ids=["desk", "phone"], indirect=True)
def test_a_host_announces_an_offer_opens_it_early_and_calls_another_off(studio: Studio) -> None:  # noqa: F811
    product = aside(lambda: make.product("Lipstick", variants=(("Red", 1990, 10),)))
    aside(lambda: _floor(900))
    stream = aside(lambda: make.show(studio.host, products=(product,)))
    page = studio.page
    studio.room(stream)

    page.get_by_role("button", name="Open an offer for Lipstick").click()
    note = page.locator(".cr-offerform__note[role=status]")
    expect(note).to_contain_text("not below €9.00")
    expect(note).to_contain_text("shown beside €19.90, the lowest of 30 days")
    page.get_by_label("Price (EUR)").fill("8.90")
    page.get_by_role("radiogroup", name="When it opens").get_by_role(
        "radio", name="5 min", exact=True
    ).check()
    page.get_by_role("button", name="Announce the offer").click()
    expect(page.locator(".cr-offerform .form__wrong")).to_contain_text(
        "The merchant does not sell this below €9.00."
    )
    page.get_by_label("Price (EUR)").fill("9.90")
    page.get_by_text("Advanced").click()
    page.get_by_label("Per household").fill("2")
    page.get_by_label("Let in per second").fill("50")
    page.get_by_label("Seconds for another card").fill("90")
    page.get_by_label("Coupons count on top").check()
    assert fits(page)
    page.get_by_role("button", name="Announce the offer").click()

    card = page.get_by_label("Offer for Lipstick", exact=True)
    expect(card).to_contain_text(re.compile(r"in [45]:\d\d"))
    expect(page.get_by_role("button", name="An offer for Lipstick is announced")).to_be_disabled()
    offer = aside(Offer.objects.get)
    assert (offer.status, offer.per_household, offer.admits_per_second, offer.takes_coupons) == (
        "announced",
        2,
        50,
        True,
    )
    assert offer.grace_seconds == 90
    card.get_by_role("button", name="Open now").click()
    expect(card).to_contain_text("10 of 10 left")
    assert aside(Offer.objects.get).status == "open"
    card.get_by_role("button", name="End early").click()
    expect(card).to_be_hidden()

    page.get_by_role("button", name="Open an offer for Lipstick").click()
    expect(note).to_contain_text("no price is struck through")
    page.get_by_role("radiogroup", name="When it opens").get_by_role(
        "radio", name="1 min", exact=True
    ).check()
    page.get_by_role("button", name="Announce the offer").click()
    card.get_by_role("button", name="Call off").click()
    expect(card).to_be_hidden()
    assert aside(lambda: set(Offer.objects.values_list("status", "reason"))) == {("ended", "host")}


@pytest.mark.parametrize("studio", [DESK], ids=["desk"], indirect=True)
def test_a_host_hears_that_a_merchants_floor_has_ended_her_offer(studio: Studio) -> None:  # noqa: F811
    product = aside(lambda: make.product("Lipstick", variants=(("Red", 1990, 10),)))
    stream = aside(lambda: make.show(studio.host, products=(product,)))
    aside(lambda: make.offer(stream, amount=990, seconds=600, now=timezone.now()))
    page = studio.page
    studio.room(stream)
    card = page.get_by_label("Offer for Lipstick", exact=True)
    expect(card).to_contain_text("5 of 5 left")

    aside(lambda: _floor(1500))

    expect(card).to_be_hidden()
    expect(page.locator("#alerts")).to_contain_text(
        "Lipstick: ended, because the merchant does not sell this below a higher price any more"
    )


@pytest.mark.parametrize("studio", [DESK, PHONE], ids=["desk", "phone"], indirect=True)
def test_a_host_ends_a_sold_out_offer_for_good(studio: Studio) -> None:  # noqa: F811
    product = aside(lambda: make.product("Lipstick", variants=(("Red", 1990, 10),)))
    stream = aside(lambda: make.show(studio.host, products=(product,)))
    offer = aside(lambda: make.offer(stream, amount=990, quota=1, seconds=600, now=timezone.now()))
    buyer = aside(make.user)
    page = studio.page
    studio.room(stream)
    card = page.get_by_label("Offer for Lipstick", exact=True)
    expect(card).to_contain_text("1 of 1 left")

    aside(lambda: _move(offers.take, offer, buyer))

    expect(card).to_contain_text(
        "All 1 taken. Until then, what a declined card gives back is sold at this price"
    )
    expect(card.get_by_role("button")).to_have_text(["End for good"])
    assert fits(page)
    page.reload()
    card.get_by_role("button", name="End for good").click()
    expect(card).to_be_hidden()
    aside(lambda: make.given_back(offer, buyer, units=1, now=timezone.now()))
    assert aside(lambda: set(Offer.objects.values_list("status", "reason", "left"))) == {("ended", "host", 1)}


def _move(verb: Callable[..., Offer], offer: Offer, buyer: User) -> None:
    with transaction.atomic():
        verb(offer_id=offer.id, buyer_id=buyer.id, units=1, now=timezone.now())


def _floor(amount: int) -> None:
    variant = Variant.objects.get()
    floors.set_floor(
        merchant_id=variant.merchant_id,
        variant_id=variant.pk,
        amount=amount,
        currency=None,
        now=timezone.now(),
    )


def test_a_forms_button_is_in_sight_wherever_the_form_opens(studio: Studio) -> None:  # noqa: F811
    products = tuple(
        aside(lambda title=title: make.product(title, variants=(("Red", 1990, 1), ("Rose", 1990, 1))))  # type: ignore[misc]
        for title in ("Lipstick", "Gloss", "Balm", "Blush", "Serum", "Mist")
    )
    stream = aside(lambda: make.show(studio.host, products=products))
    page = studio.page
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        studio.room(stream)

        page.get_by_role("button", name="Open an offer for Serum").click()
        expect(page.get_by_role("button", name="Open the offer")).to_be_in_viewport(ratio=1)
        page.get_by_text("Advanced").click()
        expect(page.get_by_role("button", name="Open the offer")).to_be_in_viewport(ratio=1)
        page.get_by_role("button", name="New coupon").click()
        expect(page.get_by_role("button", name="Open the coupon")).to_be_in_viewport(ratio=1)
        assert fits(page)

    page.get_by_label("Units").fill("1")
    page.get_by_role("radiogroup", name="When it opens").get_by_role(
        "radio", name="1 min", exact=True
    ).check()
    page.get_by_role("button", name="Announce the offer").click()
    expect(page.get_by_label("Offer for Serum", exact=True)).to_contain_text("1 unit for 1:00")


@pytest.mark.parametrize("studio", [DESK, PHONE], ids=["desk", "phone"], indirect=True)
def test_a_host_opens_a_coupon_and_ends_it(studio: Studio) -> None:  # noqa: F811
    product = aside(lambda: make.product("Lipstick", variants=(("Red", 1990, 10),)))
    stream = aside(lambda: make.show(studio.host, products=(product,)))
    page = studio.page
    studio.room(stream)

    page.get_by_role("button", name="New coupon").click()
    page.get_by_role("button", name="Open the coupon").click()
    expect(page.locator(".cr-offerform .form__wrong")).to_contain_text("A code has 3 to 40")
    page.get_by_label("Code").fill("mira-20")
    page.get_by_label("Percent", exact=True).fill("20")
    page.get_by_label("From (EUR)").fill("25,00")
    assert fits(page)
    page.get_by_role("button", name="Open the coupon").click()

    row = page.locator(".cr-coupon")
    expect(row).to_contain_text("MIRA-20 · 20% off from €25.00")
    expect(row).to_contain_text("0 of 100 claimed")
    made = aside(Coupon.objects.get)
    assert (made.percent_bp, made.min_amount, made.quota) == (2000, 2500, 100)
    page.get_by_role("button", name="End MIRA-20").click()
    expect(row).to_have_count(0)
    assert aside(Coupon.objects.get).status == "ended"
