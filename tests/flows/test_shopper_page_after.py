"""After the sale on the shopper's page: cancelling, asking to, and sending goods back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from commerce.models import Merchant
from orders import fulfilment
from orders.aftersales import refunding, returning
from orders.models import Cancellation, Order, Purchase, Refund, Return
from tests.shopper import DESK, PHONE, Shop, Shopper, aside, fits, lipstick

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

People = Callable[..., Shopper]


def buy(shop: Shop, shopper: People, screen: dict[str, int]) -> tuple[Shopper, Purchase]:
    """Buy one on the page and open the purchase from `My orders`."""
    one = lipstick()
    stream = shop.show(one)
    shop.pin(stream)
    ada = shopper(screen)
    ada.sign_in()
    ada.open(stream)
    ada.save_card()
    ada.buy("Lipstick")
    expect(ada.panel("paid")).to_be_visible()
    return ada, aside(lambda: Purchase.objects.get())


def ship(order: Order) -> None:
    parcel = {"carrier": "DHL", "tracking_number": "JD0001", "tracking_url": ""}
    fulfilment.ship(merchant_id=order.merchant_id, order_id=order.id, now=timezone.now(), **parcel)


@pytest.mark.parametrize("screen", [PHONE, DESK], ids=["phone", "desk"])
def test_she_cancels_and_her_money_goes_back(shop: Shop, shopper: People, screen: dict[str, int]) -> None:
    ada, purchase = buy(shop, shopper, screen)
    ada.button("Cancel this order").click()
    expect(ada.page.get_by_text("you get your money back")).to_be_visible()
    assert fits(ada.page)
    ada.button("Yes, cancel it").click()

    expect(ada.page.locator(".panel__title")).to_have_text("Cancelled")
    expect(ada.page.locator(".after__refunded")).to_contain_text("back to your card")
    assert aside(lambda: Refund.objects.get().amount) == purchase.amount
    assert fits(ada.page)


def test_afterwards_she_asks_and_reads_the_answer(shop: Shop, shopper: People) -> None:
    ada, _ = buy(shop, shopper, PHONE)
    aside(lambda: Merchant.objects.update(cancel_seconds=0))
    ada.page.reload()
    ada.page.locator("#orders").click()
    ada.page.locator(".sheet--orders li button").first.click()
    ada.button("Ask to cancel").click()
    ada.button("Ask the seller").click()
    expect(ada.page.get_by_text("You asked to cancel.")).to_be_visible()
    assert aside(lambda: Cancellation.objects.get().status) == "asked"


@pytest.mark.parametrize("screen", [PHONE, DESK], ids=["phone", "desk"])
def test_she_sends_goods_back(shop: Shop, shopper: People, screen: dict[str, int]) -> None:
    ada, _ = buy(shop, shopper, screen)
    aside(lambda: ship(Order.objects.get()))
    ada.button("Send something back").click()
    ada.page.get_by_label("Why?").select_option("damaged")
    ada.page.get_by_label("Tell the seller more (optional)").fill("It leaks.")
    assert fits(ada.page)
    ada.button("Ask to send it back").click()
    expect(ada.page.get_by_text("Return asked for.")).to_be_visible()
    back = aside(lambda: Return.objects.get())
    assert (back.reason, back.note) == ("damaged", "It leaks.")

    merchant = refunding.Actor(Refund.By.MERCHANT)
    ours: dict[str, Any] = {"merchant_id": back.merchant_id, "return_id": back.id, "actor": merchant}
    aside(lambda: returning.approve(**ours, answer="Use the label in the box.", now=timezone.now()))
    expect(ada.page.get_by_text("Use the label in the box.")).to_be_visible()
    assert fits(ada.page)
