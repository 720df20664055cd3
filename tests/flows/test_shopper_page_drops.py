"""Sold out on the shopper's page: lining up, the turn, and the waiting room before an offer."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import expect

from catalog.shelf import stock
from commerce.models import User
from orders.models import WaitlistEntry
from orders.waitlist import keeping, queue
from streams import announce as room
from streams import grants, offers
from streams.models import Offer
from tests.orders import make as trade
from tests.shopper import DESK, PHONE, Shop, Shopper, aside, fits, lipstick

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

People = Callable[..., Shopper]


def taken_by_somebody(product: Any, offer: Offer) -> User:
    """Somebody has all of the offer, and no worker charges her meanwhile."""
    variant, somebody = product.variants.get(), trade.buyer("Cleo")
    with transaction.atomic():
        offers.take(offer_id=offer.id, buyer_id=somebody.id, units=offer.quota, now=timezone.now())
        stock.take(units={variant.id: offer.quota}, now=timezone.now())
        room.stock_moved(variants=[variant.id], offers=[offer.id])
    return somebody


def give_back(product: Any, offer: Offer, somebody: User) -> None:
    def count_back() -> None:
        grants.give_back(buyers={(offer.id, somebody.id): offer.quota}, households={}, claims={})

    with transaction.atomic():
        queue.returned(
            units={product.variants.get().id: offer.quota},
            of_offers={offer.id: offer.quota},
            now=timezone.now(),
            meanwhile=count_back,
        )
    keeping.sweep(now=timezone.now())


def test_who_lines_up_gets_her_turn_and_buys(shop: Shop, shopper: People) -> None:
    product = lipstick(1)
    stream = shop.show(product)
    shop.pin(stream)
    offer = shop.offer(stream, quota=1)
    ada, bea = shopper(PHONE), shopper(PHONE)
    for one, name in ((ada, "Ada"), (bea, "Bea")):
        one.sign_in(name=name)
        one.open(stream)
        expect(one.button("Buy Lipstick")).to_be_visible()
    ada.save_card()
    somebody = aside(lambda: taken_by_somebody(product, offer))

    drops = ada.page.locator(".drop")
    expect(drops).to_contain_text("Live price sold out: Lipstick")
    expect(drops).to_contain_text("€9.90 when one comes back")
    assert fits(ada.page)
    ada.button("Line up for Lipstick").click()
    expect(drops).to_contain_text("You are next")
    bea.button("Line up for Lipstick").click()
    expect(bea.page.locator(".drop")).to_contain_text("1 ahead of you")

    aside(lambda: give_back(product, offer, somebody))

    expect(drops).to_contain_text("Your turn: Lipstick")
    expect(drops).to_contain_text(re.compile(r"held for [12]:\d\d"))
    expect(bea.page.locator(".drop")).to_contain_text("You are next")
    assert fits(ada.page)
    # A page that is opened anew shows it, too.
    ada.page.reload()
    expect(drops).to_contain_text("Your turn: Lipstick")

    ada.button("Buy Lipstick in your turn").click()
    ada.button("Pay €9.90").click()
    expect(ada.panel("paid")).to_contain_text("Paid")
    mine = aside(lambda: WaitlistEntry.objects.order_by("id").first())
    assert mine is not None
    assert mine.status == "bought"

    bea.button("Leave the line for Lipstick").click()
    expect(bea.page.locator(".drop")).to_contain_text("Line up")
    assert aside(lambda: WaitlistEntry.objects.filter(status="waiting").count()) == 0


def test_who_comes_back_lines_up_for_the_price_that_sold_out_before(shop: Shop, shopper: People) -> None:
    product = lipstick(5)
    stream = shop.show(product)
    shop.pin(stream)
    offer = shop.offer(stream, quota=1)
    aside(lambda: taken_by_somebody(product, offer))
    for ada in (shopper(PHONE), shopper(DESK)):
        page = ada.page
        ada.sign_in()
        ada.open(stream)
        page.reload()

        expect(page.locator(".drop")).to_contain_text("Live price sold out: Lipstick")
        page.locator(".pinned__open").click()
        line = page.locator(".detail__line")
        expect(line).to_contain_text("The live price of €9.90 is sold out. Line up")
        expect(page.locator(".detail__state")).to_have_text("Only 4 left")
        assert fits(page)
        line.get_by_role("button").click()

        expect(line).to_be_hidden()
        page.keyboard.press("Escape")
        expect(page.locator(".drop")).to_contain_text("In line for Lipstick")
    entries = aside(lambda: list(WaitlistEntry.objects.order_by("id")))
    assert [(one.offer_id, one.status) for one in entries] == [(offer.id, "waiting")] * 2


def test_a_waiting_room_shows_ones_number_and_lets_one_in(shop: Shop, shopper: People) -> None:
    product = lipstick(5)
    stream = shop.show(product)
    shop.pin(stream)
    opens = timezone.now() + timedelta(seconds=12)
    offer = shop.offer(stream)
    aside(
        lambda: Offer.objects.filter(pk=offer.pk).update(
            admits_per_second=1,
            status="announced",
            announced_at=timezone.now(),
            opens_at=opens,
            closes_at=opens + timedelta(seconds=120),
        )
    )
    ada, page = (one := shopper(PHONE)), one.page
    ada.sign_in()
    ada.open(stream)

    drops = page.locator(".drop")
    expect(drops).to_contain_text("Waiting room: Lipstick")
    ada.button("Waiting room for Lipstick").click()
    expect(drops).to_contain_text("Places are drawn when it opens")
    expect(drops).to_contain_text("You may buy now: Lipstick", timeout=20_000)
    assert fits(page)
