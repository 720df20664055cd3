"""Shoppers in real browsers, with every process running: they watch, chat, buy and see what became of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils.timezone import now
from playwright.sync_api import expect

from commerce.models import Address, Card, User
from orders import fulfilment
from orders.models import Order, Purchase
from streams import chat, shows
from tests.shopper import (
    DESK,
    PASSWORD,
    PHONE,
    Shop,
    Shopper,
    aside,
    fits,
    left,
    lipstick,
)
from tests.streams import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

People = Callable[..., Shopper]


def test_a_newcomer_signs_up_adds_address_and_card_and_buys_inside_an_offer(
    shop: Shop, shopper: People
) -> None:
    product = lipstick()
    stream = shop.show(product)
    ada, page = (one := shopper(PHONE)), one.page
    ada.open(stream)
    expect(page.get_by_text("Nothing here yet")).to_be_hidden()

    shop.pin(stream)
    expect(ada.button("Buy Lipstick")).to_be_visible()
    assert page.locator(".pinned .price__before").count() == 0
    offer = shop.offer(stream)
    expect(page.locator(".pinned .price")).to_have_text("€9.90")
    expect(page.locator(".pinned .price__before")).to_have_text("€19.90")
    expect(page.locator(".offer__clock")).to_have_text(re.compile(r"^0:\d\d$"))
    expect(page.locator(".offer__left")).to_have_text("5 of 5 left")
    assert fits(page)

    ada.button("Buy Lipstick").click()
    ada.button("Sign in to buy").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    ada.button("Create an account").click()
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Password").fill("12345678")
    ada.button("Create account").click()
    expect(page.locator(".field__wrong").filter(has_text="too common")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    ada.button("Create account").click()

    ada.button("Add delivery address").click()
    page.get_by_label("Street and number").fill("1 Mill Lane")
    page.get_by_label("Postcode").fill("YO1 7HH")
    page.get_by_label("Town").fill("York")
    page.get_by_label("Country").select_option("GB")
    ada.button("Save address").click()

    ada.button("Add a card").click()
    sheet = page.frame_locator("iframe[title='Card form']")
    sheet.get_by_text("4242").first.click()
    sheet.get_by_role("button", name="Save card").click()

    expect(page.locator(".checkout__party")).to_contain_text("Visa ···· 4242")
    assert fits(page)
    ada.button("Pay €9.90").click()
    expect(ada.panel("paid")).to_contain_text("Paid")
    expect(page.locator(".offer__left")).to_have_text("4 of 5 left")
    assert fits(page)

    purchase = aside(Purchase.objects.get)
    assert (purchase.status, purchase.amount) == ("paid", 990)
    assert left(product) == 9
    line = aside(lambda: Order.objects.get().lines.get())
    assert (line.offer_id, line.list_amount) == (offer.id, 1990)
    assert line.frame_epoch
    card = aside(lambda: Card.objects.get(user__email="ada@example.com"))
    assert card.last4 == "4242"
    assert aside(Address.objects.get).country == "GB"


def test_what_one_says_in_the_chat_another_reads_and_markup_stays_text(shop: Shop, shopper: People) -> None:
    stream = shop.show()
    ada, bob = shopper(PHONE), shopper(DESK)
    ada.sign_in()
    ada.open(stream)
    bob.open(stream)
    expect(bob.page.get_by_placeholder("Sign in to chat")).to_be_visible()

    ada.page.get_by_label("Your message").fill("Is it <b>matte</b>?")
    ada.page.get_by_label("Your message").press("Enter")

    for one in (ada, bob):
        expect(one.page.get_by_role("log")).to_contain_text("Ada Is it <b>matte</b>?")
    expect(ada.page.get_by_label("Your message")).to_have_value("")
    expect(bob.page.locator(".viewers")).to_contain_text("2")

    aside(lambda: chat.slow(host_id=stream.host_id, stream_id=stream.id, seconds=60))
    expect(ada.page.get_by_label("Your message")).to_have_attribute("placeholder", re.compile("slow mode"))
    ada.page.get_by_label("Your message").fill("And this?")
    ada.page.get_by_label("Your message").press("Enter")
    expect(ada.page.get_by_label("Your message")).to_have_value("")
    ada.page.get_by_label("Your message").fill("And that?")
    ada.page.get_by_label("Your message").press("Enter")
    expect(ada.page.locator(".compose__note")).to_contain_text("you can write again in")
    expect(ada.page.get_by_label("Your message")).to_have_value("And that?")


def test_one_variant_is_chosen_and_a_cart_is_paid_at_once(shop: Shop, shopper: People) -> None:
    shades = (("Red", 1990, 5), ("Plum", 1990, 5), ("Nude", 1990, 0))
    stream = shop.show(
        aside(lambda: make.product("Lipstick", variants=shades)), aside(lambda: make.product("Serum"))
    )
    shop.pin(stream)
    ada = shopper(PHONE)
    ada.sign_in()
    ada.save_card()
    ada.open(stream)
    page = ada.page

    ada.button("Buy Lipstick").click()
    page.get_by_text("Nude").click()
    expect(ada.button("Sold out")).to_be_disabled()
    page.get_by_text("Plum", exact=True).click()
    ada.button("One more").click()
    ada.button("Add to cart").click()
    expect(page.locator("#cart")).to_have_attribute("aria-label", re.compile("2 in your cart"))

    page.locator("#cart").click()
    page.locator(".sheet--yellowcart .product").filter(has_text="Serum").click()
    ada.button("Add to cart").click()
    expect(page.locator("#cart")).to_have_attribute("aria-label", re.compile("3 in your cart"))

    page.locator("#cart").click()
    page.get_by_role("tab", name="Your cart").click()
    lines = page.locator(".sheet--yellowcart li")
    expect(lines).to_have_count(2)
    lines.filter(has_text="Plum").get_by_role("button", name="One less").click()
    expect(page.locator(".total__sum")).to_have_text("€39.89")
    assert fits(page)
    ada.button("Check out").click()
    ada.button("Pay €39.89").click()
    expect(ada.panel("paid")).to_be_visible()
    expect(page.locator("#cart")).to_have_attribute("aria-label", re.compile("0 in your cart"))
    assert aside(lambda: Order.objects.count()) == 2


def test_a_reload_keeps_the_order_and_shows_when_it_is_shipped(shop: Shop, shopper: People) -> None:
    stream = shop.show(lipstick())
    shop.pin(stream)
    ada = shopper(PHONE)
    ada.sign_in()
    ada.save_card()
    ada.open(stream)
    ada.buy("Lipstick")
    expect(ada.panel("paid")).to_be_visible()

    ada.page.reload()
    ada.page.locator("#orders").click()
    mine = ada.page.locator(".sheet--orders li")
    expect(mine).to_contain_text("Lipstick")
    expect(mine).to_contain_text("Paid")
    order = aside(Order.objects.get)
    aside(
        lambda: fulfilment.ship(
            merchant_id=order.merchant_id,
            order_id=order.id,
            carrier="DHL",
            tracking_number="JJD0099",
            tracking_url="https://example.com/JJD0099",
            now=now(),
        )
    )
    expect(mine).to_contain_text("Shipped")
    mine.get_by_role("button").click()
    link = ada.page.get_by_role("link", name="Track it: DHL JJD0099")
    expect(link).to_have_attribute("href", "https://example.com/JJD0099")


def test_the_show_ends_and_its_products_stay(shop: Shop, shopper: People) -> None:
    product = lipstick()
    stream = shop.show(product)
    shop.pin(stream)
    shop.offer(stream)
    ada = shopper(PHONE)
    ada.sign_in()
    ada.save_card()
    ada.open(stream)
    expect(ada.page.locator(".pinned .price")).to_have_text("€9.90")

    aside(lambda: shows.end(host_id=stream.host_id, stream_id=stream.id, now=now()))

    expect(ada.page.get_by_text("Thanks for watching!")).to_be_visible()
    expect(ada.button("Buy Lipstick")).to_be_hidden()
    ada.button("See the products").click()
    ada.page.locator(".sheet--yellowcart .product").click()
    ada.button("Buy now").click()
    ada.button("Pay €19.90").click()
    expect(ada.panel("paid")).to_be_visible()


def test_before_the_show_a_countdown_and_the_start_without_a_reload(shop: Shop, shopper: People) -> None:
    owner = aside(make.host)
    slug = f"soon-{uuid4().hex[:8]}"
    stream = aside(
        lambda: shows.plan(host_id=owner.id, title="Soon", starts_at=now() + timedelta(hours=1), slug=slug)
    )
    ada = shopper(PHONE)
    ada.open(stream)
    expect(ada.page.locator(".curtain__clock")).to_have_text(re.compile(r"^(59|1:00):\d\d(:\d\d)?$"))

    aside(lambda: shows.go_live(host_id=owner.id, stream_id=stream.id, now=now()))

    expect(ada.page.locator(".curtain")).to_be_hidden()
    expect(ada.page.locator(".badge")).to_have_text("Live")
    ada.page.locator("#cart").click()
    expect(ada.page.get_by_role("tabpanel").get_by_text("Nothing here yet")).to_be_visible()


def test_signing_out_takes_cart_and_orders_off_the_page(shop: Shop, shopper: People) -> None:
    stream = shop.show(lipstick())
    shop.pin(stream)
    ada = shopper(DESK)
    user = ada.sign_in()
    ada.save_card()
    ada.open(stream)
    ada.buy("Lipstick")
    expect(ada.panel("paid")).to_be_visible()
    ada.button("Back to the show").click()

    ada.page.locator("#account").click()
    expect(ada.page.get_by_text(f"Signed in as {user.email}")).to_be_visible()
    ada.button("Sign out").click()

    expect(ada.page.get_by_placeholder("Sign in to chat")).to_be_visible()
    ada.page.locator("#orders").click()
    expect(ada.page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert aside(lambda: User.objects.count()) == 2


def test_a_show_can_be_used_by_keyboard_alone(shop: Shop, shopper: People) -> None:
    stream = shop.show(lipstick())
    shop.pin(stream)
    ada = shopper(DESK)
    ada.sign_in()
    ada.save_card()
    ada.open(stream)
    buy = ada.button("Buy Lipstick")
    expect(buy).to_be_visible()
    for _ in range(40):
        ada.page.keyboard.press("Tab")
        if buy.evaluate("element => element === document.activeElement"):
            break
    ada.page.keyboard.press("Enter")
    expect(ada.button("Pay €19.90")).to_be_enabled()
    ada.page.keyboard.press("Escape")
    expect(ada.page.locator("dialog[open]")).to_have_count(0)
    expect(buy).to_be_focused()


def test_the_list_shows_what_is_on_and_what_comes(shop: Shop, shopper: People) -> None:
    ada = shopper(PHONE)
    ada.page.goto(shop.address)
    expect(ada.page.get_by_text("Nobody is live right now")).to_be_visible()

    stream = shop.show(lipstick())
    ada.page.reload()
    assert fits(ada.page)
    ada.page.get_by_role("link", name="Evening glow").click()
    expect(ada.page).to_have_url(f"{shop.address}/live/{stream.slug}")

    missing = ada.page.goto(f"{shop.address}/live/nowhere")
    assert missing is not None
    assert missing.status == 404
