"""What goes wrong while shoppers buy, in real browsers with every process running, and how it ends right."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.utils.timezone import now
from playwright.sync_api import expect

from catalog.pricing import prices
from catalog.shelf import stock
from orders.models import Payment, Purchase
from orders.settling import charging
from streams import offers
from tests.shopper import PHONE, Shop, Shopper, aside, fits, left, lipstick

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

People = Callable[..., Shopper]


def test_a_declined_card_gives_the_piece_back_and_another_card_gets_it(shop: Shop, shopper: People) -> None:
    product = lipstick(units=1)
    stream = shop.show(product)
    shop.pin(stream)
    ada = shopper(PHONE)
    ada.sign_in()
    ada.save_card("pm_card_visa")
    ada.save_card("pm_card_chargeCustomerFail")
    ada.open(stream)

    ada.buy("Lipstick")
    expect(ada.panel("declined")).to_contain_text("You were not charged")
    assert left(product) == 1

    ada.button("Use another card").click()
    ada.page.locator(".sheet--choose-card").get_by_role("button", name="Pay with Visa ending in 4242").click()
    expect(ada.panel("paid")).to_be_visible()
    assert left(product) == 0
    assert aside(Purchase.objects.get).status == "paid"


def test_a_declined_buyer_is_told_how_long_her_piece_waits_for_another_card(
    shop: Shop, shopper: People
) -> None:
    product = lipstick(units=1)
    stream = shop.show(product)
    shop.pin(stream)
    shop.offer(stream, grace_seconds=600)
    ada = shopper(PHONE)
    ada.sign_in()
    ada.save_card("pm_card_visa")
    ada.save_card("pm_card_chargeCustomerFail")
    ada.open(stream)

    ada.buy("Lipstick")
    expect(ada.panel("declined")).to_contain_text(re.compile(r"kept for another card until \d\d?:\d\d:\d\d"))
    assert fits(ada.page)
    assert left(product) == 0

    ada.button("Use another card").click()
    ada.page.locator(".sheet--choose-card").get_by_role("button", name="Pay with Visa ending in 4242").click()
    expect(ada.panel("paid")).to_be_visible()
    assert aside(Purchase.objects.get).grace_until is None


def test_the_bank_asks_and_the_answer_pays(shop: Shop, shopper: People) -> None:
    stream = shop.show(lipstick())
    shop.pin(stream)
    ada = shopper(PHONE)
    ada.sign_in()
    ada.save_card("pm_card_authenticationRequired")
    ada.open(stream)

    ada.buy("Lipstick")
    bank = ada.page.frame_locator('iframe[title="Your bank\'s page"]')
    bank.get_by_role("button", name="Complete authentication").click()
    expect(ada.page.locator(".sheet--bank")).to_have_count(0)
    # Its webhook is lost here; the sweep asks the provider.
    payment = aside(Payment.objects.get)
    aside(lambda: charging.check(payment_id=payment.id, now=now()))

    expect(ada.panel("paid")).to_be_visible()


def test_the_last_piece_goes_to_one_and_the_other_is_told_so(shop: Shop, shopper: People) -> None:
    product = lipstick(units=1)
    stream = shop.show(product)
    shop.pin(stream)
    ada, bob = shopper(PHONE), shopper(PHONE)
    for one in (ada, bob):
        one.sign_in()
        one.save_card()
        one.open(stream)
        one.button("Buy Lipstick").click()
        expect(one.button("Pay €")).to_be_enabled()

    ada.button("Pay €").click()
    expect(ada.panel("paid")).to_be_visible()

    expect(bob.button("Sold out").first).to_be_disabled()
    bob.page.keyboard.press("Escape")
    expect(bob.button("Lipstick is sold out")).to_be_disabled()
    aside(lambda: stock.set_level(**_level(product, 3)))
    expect(bob.button("Buy Lipstick")).to_be_enabled()
    bob.buy("Lipstick")
    expect(bob.panel("paid")).to_be_visible()


def _level(product: Any, units: int) -> dict[str, Any]:
    variant = product.variants.get()
    return {
        "merchant_id": product.merchant_id,
        "variant_id": variant.id,
        "available": units,
        "note": "",
        "now": now(),
    }


def test_an_offer_that_ends_while_the_sheet_is_open_leaves_the_list_price(
    shop: Shop, shopper: People
) -> None:
    stream = shop.show(lipstick())
    shop.pin(stream)
    offer = shop.offer(stream)
    ada = shopper(PHONE)
    ada.sign_in()
    ada.save_card()
    ada.open(stream)
    ada.button("Buy Lipstick").click()
    expect(ada.button("Pay €9.90")).to_be_visible()

    aside(lambda: offers.end(host_id=stream.host_id, offer_id=offer.id, now=now()))

    expect(ada.button("Pay €19.90")).to_be_visible()
    expect(ada.page.locator(".pinned__state")).to_contain_text("live price is over")
    ada.button("Pay €19.90").click()
    expect(ada.panel("paid")).to_be_visible()
    assert aside(Purchase.objects.get).amount == 1990


def test_a_press_whose_answer_was_lost_buys_once(shop: Shop, shopper: People) -> None:
    stream = shop.show(lipstick())
    shop.pin(stream)
    ada = shopper(PHONE)
    ada.sign_in()
    ada.save_card()
    # The first answer to a purchase never reaches the page.
    ada.page.add_init_script(
        """
        const send = WebSocket.prototype.send;
        WebSocket.prototype.send = function (data) {
          send.call(this, data);
          if (!window.lost && data.includes("purchase.create")) { window.lost = true; this.close(); }
        };
        """
    )
    ada.open(stream)

    ada.buy("Lipstick")

    expect(ada.panel("paid")).to_be_visible()
    assert ada.page.evaluate("window.lost") is True
    assert aside(Purchase.objects.count) == 1


def test_with_the_socket_shut_one_still_buys_over_http(shop: Shop, shopper: People) -> None:
    stream = shop.show(lipstick())
    shop.pin(stream)
    ada = shopper(PHONE)
    ada.sign_in()
    ada.save_card()
    ada.page.route_web_socket(re.compile("/ws/"), lambda socket: socket.close(code=1013))
    ada.page.goto(f"{shop.address}/live/{stream.slug}")
    expect(ada.page.locator("#banner")).to_contain_text("Reconnecting")

    ada.buy("Lipstick")

    expect(ada.panel("paid")).to_be_visible()
    assert aside(Purchase.objects.get).stream_id == stream.id


def test_a_price_that_changed_behind_the_page_is_shown_before_it_is_paid(shop: Shop, shopper: People) -> None:
    product = lipstick()
    stream = shop.show(product)
    shop.pin(stream)
    ada = shopper(PHONE)
    ada.sign_in()
    ada.save_card()
    # The page hears nothing more of the show.
    ada.page.route_web_socket(re.compile("/ws/"), lambda socket: socket.close(code=1013))
    ada.page.goto(f"{shop.address}/live/{stream.slug}")
    # Else what is quoted could be the new price, and be shown before she presses.
    with ada.page.expect_response("**/purchases/quote"):
        ada.button("Buy Lipstick").click()
    expect(ada.button("Pay €19.90")).to_be_visible()
    aside(lambda: prices.change(**_price(product, 2490)))

    ada.button("Pay €19.90").click()

    expect(ada.page.get_by_role("alert").filter(has_text="price has changed")).to_be_visible()
    assert aside(Purchase.objects.count) == 0
    ada.button("Pay €24.90").click()
    expect(ada.panel("paid")).to_be_visible()
    assert aside(Purchase.objects.get).amount == 2490


def _price(product: Any, amount: int) -> dict[str, Any]:
    return {
        "merchant_id": product.merchant_id,
        "variant_id": product.variants.get().id,
        "amount": amount,
        "compare_at": None,
        "currency": "EUR",
        "now": now(),
    }


def test_one_more_than_an_offer_allows_is_told_why(shop: Shop, shopper: People) -> None:
    stream = shop.show(lipstick())
    shop.pin(stream)
    shop.offer(stream, per_buyer=1)
    ada = shopper(PHONE)
    ada.sign_in()
    ada.save_card()
    ada.open(stream)
    ada.buy("Lipstick")
    expect(ada.panel("paid")).to_be_visible()
    ada.button("Back to the show").click()

    ada.buy("Lipstick")

    expect(ada.page.get_by_role("alert").filter(has_text="it is 1 per person")).to_be_visible()
    assert aside(Purchase.objects.count) == 1
