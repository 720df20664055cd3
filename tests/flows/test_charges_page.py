"""Shipping and tax on the shopper's page: shown before she presses, and what is shown is what is paid."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.utils.timezone import now
from playwright.sync_api import Page, expect

from commerce.models import User
from orders.models import Purchase, ShippingZone
from orders.tariffs import keeping
from tests.live_server import cookie_of
from tests.orders import tariffing
from tests.shopper import PHONE, Shop, Shopper, aside, fits, lipstick

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

People = Callable[..., Shopper]
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


def picture(page: Page, name: str) -> None:
    """Keep a screenshot where somebody asked for it."""
    folder = os.environ.get("PICTURES")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def test_shipping_and_tax_are_shown_and_a_changed_rate_is_shown_again(shop: Shop, shopper: People) -> None:
    product = lipstick()
    zone = aside(lambda: tariffing.zone(product.merchant, "GB", amount=490, name="Royal post"))
    aside(lambda: tariffing.tax(product.merchant, "GB", 2000, valid_from=LONG_AGO))
    aside(lambda: tariffing.on_top(product.merchant, now=now()))
    stream = shop.show(product)
    shop.pin(stream)
    ada = shopper(PHONE)
    ada.sign_in()
    ada.save_card()
    variant = aside(lambda: str(product.variants.get().pk))
    assert ada.call("cart/lines", {"variant": variant, "quantity": 1}).ok
    ada.open(stream)
    page = ada.page

    page.locator("#cart").click()
    page.get_by_role("tab", name="Your cart").click()
    expect(page.locator(".total__sum")).to_have_text("€29.76")
    picture(page, "charges-cart")
    ada.button("Check out").click()
    rows = page.locator(".total--charge:visible")
    expect(rows).to_have_text(["Royal post (2–4 days)€4.90", "VAT 20 %€4.96"])
    expect(ada.button("Pay €29.76")).to_be_enabled()
    assert fits(page)
    picture(page, "charges-checkout")

    dearer = keeping.Rate("Royal post", "EUR", 990, None, 2, 4)
    change = keeping.Zone("Zone", ["GB"], False, [dearer])
    aside(
        lambda: keeping.change_zone(merchant_id=product.merchant_id, zone_id=zone.id, new=change, now=now())
    )
    ada.button("Pay €29.76").click()
    expect(page.get_by_role("alert")).to_contain_text("The price has changed")
    assert not aside(Purchase.objects.exists)
    ada.button("Pay €35.76").click()
    expect(ada.panel("paid")).to_contain_text("Royal post")
    assert aside(Purchase.objects.get).amount == 3576
    picture(page, "charges-paid")


def test_who_is_not_shipped_to_is_told_before_she_pays(shop: Shop, shopper: People) -> None:
    product = lipstick()
    aside(lambda: tariffing.zone(product.merchant, "DE"))
    stream = shop.show(product)
    shop.pin(stream)
    ada = shopper(PHONE)
    ada.sign_in()
    ada.save_card()
    ada.open(stream)

    ada.button("Buy Lipstick").click()
    expect(ada.page.get_by_role("alert")).to_contain_text("does not ship to your address")
    expect(ada.button("Pay €19.90")).to_be_disabled()
    picture(ada.page, "charges-not-shipped")


def test_operators_see_and_change_what_merchants_charge(shop: Shop, shopper: People) -> None:
    product = lipstick()
    aside(lambda: tariffing.zone(product.merchant, "GB", "IE"))
    aside(lambda: tariffing.tax(product.merchant, "GB", 2000, valid_from=LONG_AGO))
    ops = shopper({"width": 1280, "height": 900})
    boss = aside(lambda: User.objects.create_superuser("ops@example.com", "long enough 1", name="Ops"))
    name, _, value = aside(lambda: cookie_of(boss)).partition("=")
    ops.page.context.add_cookies([{"name": name, "value": value, "url": shop.address}])
    page = ops.page

    page.goto(f"{shop.address}/admin/orders/shippingzone/")
    expect(page.get_by_text("GB, IE")).to_be_visible()
    picture(page, "charges-zones")
    zone = aside(ShippingZone.objects.get)
    page.goto(f"{shop.address}/admin/orders/shippingzone/{zone.pk}/change/")
    page.locator("#id_countries").fill("GB XX")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("There is no such country.").first).to_be_visible()
    picture(page, "charges-zone")
    page.locator("#id_countries").fill("fr, gb")
    page.locator("#id_rates-0-amount").fill("690")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("FR, GB")).to_be_visible()
    found = aside(lambda: keeping.zone(merchant_id=product.merchant_id, zone_id=zone.pk))
    assert aside(lambda: [rate.amount for rate in found.rates.all()]) == [690]
    page.goto(f"{shop.address}/admin/orders/taxrate/")
    expect(page.get_by_text("20 %")).to_be_visible()
    picture(page, "charges-taxes")
