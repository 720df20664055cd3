"""What is a shopper's own on her page: the piece her cart holds, her place in a waiting room, her turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from commerce import redis_client
from orders.models import CartHold, Purchase, WaitlistEntry
from streams import shows, waitingroom
from streams.models import Offer
from tests.flows.test_carts_page import goods
from tests.flows.test_shopper_page_drops import give_back, taken_by_somebody
from tests.shopper import DESK, PHONE, Shop, Shopper, aside, fits, left, lipstick

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

People = Callable[..., Shopper]


@pytest.mark.parametrize("size", [PHONE, DESK])
def test_the_last_piece_that_her_cart_holds_is_bought_where_she_looks_at_it(
    shop: Shop, shopper: People, size: Any
) -> None:
    product = goods(units=1)
    stream = shop.show(product)
    shop.pin(stream)
    ada, bob = shopper(size), shopper(size)
    ada.sign_in()
    ada.save_card()
    ada.open(stream)
    ada.page.locator(".pinned__open").click()
    ada.button("Add to cart").click()
    expect(ada.page.locator("#toast")).to_contain_text("In your cart")
    bob.open(stream)
    expect(bob.page.locator(".pinned__buy")).to_have_text("Sold out")

    expect(ada.page.locator(".pinned__buy")).to_be_enabled()
    ada.page.locator(".pinned__open").click()
    detail = ada.page.locator(".sheet--product")
    expect(detail.locator(".detail__state")).to_have_text("The last one is held for you")
    expect(detail.locator(".detail__line")).to_contain_text("Line up")
    expect(detail.get_by_role("button", name="Add to cart")).to_be_disabled()
    assert fits(ada.page)
    detail.get_by_role("button", name="Buy now").click()
    ada.button("Pay €19.90").click()

    expect(ada.panel("paid")).to_be_visible()
    assert aside(Purchase.objects.get).status == "paid"
    assert not aside(CartHold.objects.exists)
    assert left(product) == 0


def with_room(shop: Shop, *, pace: int, opened: bool) -> tuple[Any, Offer]:
    product = lipstick(5)
    stream = shop.show(product)
    shop.pin(stream)
    offer = shop.offer(stream)
    opens = timezone.now() + timedelta(seconds=-1 if opened else 300)
    more: dict[str, Any] = {} if opened else {"status": "announced", "announced_at": timezone.now()}
    aside(
        lambda: Offer.objects.filter(pk=offer.pk).update(
            admits_per_second=pace, opens_at=opens, closes_at=opens + timedelta(seconds=600), **more
        )
    )
    return stream, offer


def test_ones_place_in_a_waiting_room_is_there_after_a_reload(shop: Shop, shopper: People) -> None:
    stream, _ = with_room(shop, pace=1, opened=False)
    ada = shopper(PHONE)
    ada.sign_in()
    ada.open(stream)
    drops = ada.page.locator(".drop")
    ada.button("Waiting room for Lipstick").click()
    expect(drops).to_contain_text("Places are drawn when it opens")

    ada.page.reload()

    expect(drops).to_contain_text("Places are drawn when it opens")
    expect(drops.get_by_text("Leave")).to_be_visible()
    assert fits(ada.page)


def test_who_waits_enters_anew_by_herself_where_redis_has_forgotten_the_room(
    shop: Shop, shopper: People
) -> None:
    stream, offer = with_room(shop, pace=1, opened=False)
    ada = shopper(PHONE)
    user = ada.sign_in()
    ada.open(stream)
    drops = ada.page.locator(".drop")
    ada.button("Waiting room for Lipstick").click()
    expect(drops).to_contain_text("Places are drawn when it opens")

    def forget() -> None:
        redis_client.sync().delete(*waitingroom.keys(offer.id))
        redis_client.sync().srem(waitingroom.ROOMS, str(offer.id))

    aside(forget)

    def waits() -> bool:
        return bool(waitingroom.places(user_id=user.id, offer_ids=[offer.id]))

    assert not aside(waits)
    end = time.monotonic() + 40
    while not aside(waits):
        assert time.monotonic() < end, "nobody entered anew"
        ada.page.wait_for_timeout(250)
    expect(drops).to_contain_text("Places are drawn when it opens")


def test_a_turn_is_bought_on_the_page_after_the_show_has_ended(shop: Shop, shopper: People) -> None:
    product = lipstick(1)
    stream = shop.show(product)
    shop.pin(stream)
    offer = shop.offer(stream, quota=1)
    ada = shopper(PHONE)
    ada.sign_in()
    ada.save_card()
    ada.open(stream)
    expect(ada.button("Buy Lipstick")).to_be_visible()
    somebody = aside(lambda: taken_by_somebody(product, offer))
    ada.button("Line up for Lipstick").click()
    drops = ada.page.locator(".drop")
    expect(drops).to_contain_text("You are next")
    aside(lambda: give_back(product, offer, somebody))
    expect(drops).to_contain_text("Your turn: Lipstick")

    aside(lambda: shows.end(host_id=stream.host_id, stream_id=stream.id, now=timezone.now()))
    expect(ada.page.locator("body[data-status=ended]")).to_be_attached()
    ada.page.reload()
    expect(drops).to_contain_text("Your turn: Lipstick")
    ada.button("Buy Lipstick in your turn").click()
    ada.button("Pay €9.90").click()

    expect(ada.panel("paid")).to_be_visible()
    entry = aside(WaitlistEntry.objects.get)
    assert entry.status == "bought"
