"""Pre-orders on the shopper's page: when they ship, and that they are charged then."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from catalog import preorders
from catalog.models import Variant
from orders.carts import contents
from orders.models import Purchase
from tests.browsing import aside
from tests.shopper import DESK, PHONE, Shop, Shopper, fits, lipstick

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

People = Callable[..., Shopper]


@pytest.mark.parametrize("screen", [PHONE, DESK], ids=["phone", "desk"])
def test_a_preorder_says_when_it_ships_and_is_charged_and_is_paid_apart(
    shop: Shop, shopper: People, screen: dict[str, object]
) -> None:
    plain, early = lipstick(), lipstick()
    plain_variant = aside(lambda: plain.variants.get().id)
    release = timezone.now() + timedelta(days=3)
    aside(lambda: Variant.objects.filter(product=early).update(release_at=release))
    stream = shop.show(plain, early)
    shop.pin(stream, 1)
    ada = shopper(screen)
    page = ada.page
    user = ada.sign_in()
    other = {"variant_id": plain_variant, "quantity": 2, "stream_id": None}
    aside(lambda: contents.add(buyer_id=user.id, **other, now=timezone.now()))
    ada.open(stream)
    ada.save_card()
    ships = f"ships from {release.day} {release:%B %Y}"

    page.locator(".pinned__open").click()
    expect(page.locator(".detail__state")).to_contain_text(f"Pre-order: {ships}")
    ada.button("Add to cart").click()
    ada.button("View cart").click()
    expect(page.locator(".line__release:visible")).to_have_text(f"Pre-order: {ships}, charged when it ships")
    expect(page.locator(".total")).to_have_text(["Ships now€39.80", "Pre-order from Atelier Sol€19.90"])
    assert fits(page)

    ada.button("Check out the pre-order").click()
    promise = page.locator(".checkout__promise")
    expect(promise).to_contain_text(f"they {ships.replace('ships', 'ship')}, and the card is charged then.")
    assert fits(page)
    ada.button("Pre-order for €19.90").click()
    expect(page.get_by_text("Your card is charged when it ships.")).to_be_visible()
    assert aside(lambda: Purchase.objects.get().status) == "authorized"


def test_a_preorder_that_is_not_taken_yet_says_from_when_and_cannot_be_pressed(
    shop: Shop, shopper: People
) -> None:
    early = lipstick()
    variant = aside(lambda: early.variants.get().id)
    release = timezone.now() + timedelta(days=20)
    aside(lambda: Variant.objects.filter(product=early).update(release_at=release))
    stream = shop.show(early)
    shop.pin(stream)
    ada = shopper(PHONE)
    page = ada.page
    user = ada.sign_in()
    aside(
        lambda: contents.add(
            buyer_id=user.id, variant_id=variant, quantity=1, stream_id=None, now=timezone.now()
        )
    )
    ada.open(stream)
    opens = release - preorders.WITHIN
    taken, short = f"taken from {opens.day} {opens:%B %Y}", f"{opens.day} {opens:%b}"

    expect(page.locator(".pinned__state")).to_have_text(re.compile(f"Pre-orders from {short}"))
    expect(page.locator(".pinned__buy")).to_be_disabled()
    page.locator(".pinned__open").click()
    expect(page.locator(".detail__state")).to_contain_text(f"Pre-order: {taken}, ships from {release.day}")
    expect(ada.button(f"From {short}").last).to_be_disabled()
    expect(ada.button("Add to cart")).to_be_disabled()
    assert fits(page)

    page.keyboard.press("Escape")
    page.locator("#cart").click()
    page.get_by_role("tab", name="Your cart").click()
    expect(page.locator(".line__release:visible")).to_contain_text(f"Pre-order: {taken}")
    expect(ada.button(f"Taken from {short}")).to_be_disabled()
