"""The cart on the shopper page: collected as a guest, taken along when signing in, held with a countdown."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now
from playwright.sync_api import expect

from catalog.models import Variant
from commerce import clock
from orders.carts import contents, lapsing, policies
from orders.models import CartHold, CartLine, GuestCart, Purchase
from tests.shopper import DESK, PASSWORD, PHONE, Shop, Shopper, aside, fits, left, new_user
from tests.streams import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

People = Callable[..., Shopper]
LINE = ".sheet--yellowcart li"


def goods(title: str = "Lipstick", units: int = 5, *, held: bool = True) -> Any:
    """A product of one variant, whose merchant holds for carts or not."""

    def made() -> Any:
        product = make.product(title, variants=(("Red", 1990, units),))
        if held:
            policies.set_policy(merchant_id=product.merchant_id, hold_seconds=600, now=now())
        return product

    return aside(made)


def collect(one: Shopper, title: str) -> None:
    one.page.locator("#cart").click()
    one.page.locator(".sheet--yellowcart .product").filter(has_text=title).click()
    one.button("Add to cart").click()
    expect(one.page.locator("#toast")).to_contain_text("In your cart")


def open_cart(one: Shopper) -> None:
    one.page.locator("#cart").click()
    one.page.get_by_role("tab", name="Your cart").click()


def bring_the_end_to(seconds: float) -> None:
    def move() -> None:
        CartHold.objects.update(until=clock.database_now() + timedelta(seconds=seconds))

    aside(move)


def sweep() -> None:
    aside(lambda: lapsing.sweep(now=clock.database_now()))


def test_a_guest_collects_keeps_it_over_a_reload_and_takes_it_along(shop: Shop, shopper: People) -> None:
    lipstick, serum = goods(), goods("Serum", held=False)
    stream = shop.show(lipstick, serum)
    ada = shopper(PHONE)
    ada.open(stream)
    page = ada.page
    collect(ada, "Lipstick")
    collect(ada, "Serum")
    open_cart(ada)
    expect(page.locator(LINE)).to_have_count(2)
    first = page.locator(LINE).filter(has_text="Lipstick")
    expect(first.locator(".line__hold")).to_have_text("Sign in and it is held for you for 10 minutes.")
    expect(page.locator(LINE).filter(has_text="Serum").locator(".line__hold")).to_be_hidden()
    first.get_by_role("button", name="One more").click()
    expect(page.locator(".total__sum")).to_have_text("€59.70")
    assert fits(page)

    page.reload()
    expect(page.locator("#cart")).to_have_attribute("aria-label", re.compile("3 in your cart"))
    open_cart(ada)
    page.locator(LINE).filter(has_text="Serum").get_by_role("button", name="Remove").click()
    expect(page.locator(LINE)).to_have_count(1)
    assert left(lipstick) == 5, "nothing is held for a guest"

    user = aside(lambda: new_user("Ada", address=True, password=PASSWORD))
    aside(
        lambda: contents.add(
            buyer_id=user.id, variant_id=serum.variants.get().id, quantity=1, stream_id=None, now=now()
        )
    )
    first.get_by_role("button", name="Sign in").click()
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator(".sheet--account").get_by_role("button", name="Sign in").click()

    expect(page.locator(LINE)).to_have_count(2)
    expect(first.locator(".line__hold")).to_have_text(re.compile(r"^Held for (10:00|9:\d\d)$"))
    expect(page.locator("#cart")).to_have_attribute("aria-label", re.compile("3 in your cart"))
    assert left(lipstick) == 3
    assert not aside(GuestCart.objects.exists)
    assert page.evaluate("localStorage.getItem('yellowcart:guest')") is None
    page.reload()
    expect(page.locator("#cart")).to_have_attribute("aria-label", re.compile("3 in your cart"))


def test_a_guests_two_tabs_show_one_cart(shop: Shop, shopper: People) -> None:
    stream = shop.show(goods())
    ada = shopper(PHONE)
    ada.open(stream)
    second = ada.page.context.new_page()
    second.goto(ada.page.url)
    expect(second.locator("body[data-online=yes]")).to_be_attached()

    collect(ada, "Lipstick")

    expect(second.locator("#cart")).to_have_attribute("aria-label", re.compile("1 in your cart"))


def test_what_is_held_counts_down_warns_and_is_held_anew(shop: Shop, shopper: People) -> None:
    lipstick = goods(units=1)
    stream = shop.show(lipstick)
    ada, bob = shopper(PHONE), shopper(DESK)
    ada.sign_in()
    ada.open(stream)
    collect(ada, "Lipstick")
    bob.open(stream)
    expect(bob.page.locator(".product").first).to_contain_text("Sold out")
    bring_the_end_to(30)
    ada.page.reload()
    expect(ada.page.locator("body[data-online=yes]")).to_be_attached()

    sweep()
    expect(ada.page.locator("#toast")).to_contain_text("Held 1 more minute: Lipstick")
    open_cart(ada)
    hold = ada.page.locator(".line__hold")
    expect(hold).to_have_text(re.compile(r"^Held for 0:\d\d$"))
    expect(hold).to_have_class(re.compile("line__hold--soon"))
    assert ada.page.locator(".line__gone:visible").count() == 0, "the last piece is hers"
    expect(ada.button("Check out")).to_be_enabled()
    assert fits(ada.page)

    bring_the_end_to(0)
    sweep()
    expect(hold).to_have_text("No longer held. Hold it again")
    expect(bob.page.locator(".product").first).not_to_contain_text("Sold out")
    assert left(lipstick) == 1

    ada.button("Hold it again").click()
    expect(hold).to_have_text(re.compile(r"^Held for (10:00|9:\d\d)$"))
    assert left(lipstick) == 0


def test_the_clock_on_the_page_ends_a_hold_without_a_word_from_the_shop(shop: Shop, shopper: People) -> None:
    stream = shop.show(goods())
    ada = shopper(PHONE)
    user = ada.sign_in()
    aside(
        lambda: contents.add(
            buyer_id=user.id,
            variant_id=Variant.objects.get(product__title="Lipstick").id,
            quantity=1,
            stream_id=None,
            now=now(),
        )
    )
    bring_the_end_to(8)
    ada.open(stream)

    expect(ada.page.locator("#toast")).to_contain_text("No longer held: Lipstick")
    open_cart(ada)
    expect(ada.page.locator(".line__hold")).to_contain_text("Hold it")
    assert aside(CartHold.objects.exists), "the sweep has not come yet"


def test_the_last_piece_is_paid_by_the_one_who_holds_it(shop: Shop, shopper: People) -> None:
    stream = shop.show(goods(units=1))
    ada = shopper(PHONE)
    ada.sign_in()
    ada.save_card()
    ada.open(stream)
    collect(ada, "Lipstick")
    open_cart(ada)
    ada.button("Check out").click()
    ada.button("Pay €19.90").click()

    expect(ada.panel("paid")).to_be_visible()
    expect(ada.page.locator("#cart")).to_have_attribute("aria-label", re.compile("0 in your cart"))
    assert aside(Purchase.objects.get).status == "paid"
    assert not aside(CartHold.objects.exists)
    assert not aside(CartLine.objects.exists)
