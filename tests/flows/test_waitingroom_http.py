"""A drop with a waiting room, for a shopper who has no socket."""

import time
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from streams.models import Offer
from tests.live_server import LiveRoom
from tests.orders import make

pytestmark = pytest.mark.django_db(transaction=True)


def drop() -> tuple[Client, Any, Offer]:
    lipstick, noa = make.variant(), make.buyer("Noa")
    stream = make.show(lipstick, now=timezone.now())
    offer = make.offer(stream, lipstick, now=timezone.now())
    Offer.objects.filter(pk=offer.pk).update(admits_per_second=5)
    shop = Client()
    shop.force_login(noa)
    return shop, lipstick, offer


def buy(shop: Client, lipstick: Any, offer: Offer) -> Any:
    body = {
        "lines": [{"variant": str(lipstick.id), "quantity": 1, "offer": str(offer.id)}],
        "expect_total": {"amount": offer.amount, "currency": "EUR"},
        "stream": offer.stream.slug,
    }
    headers = {"Idempotency-Key": str(uuid4())}
    return shop.post("/api/v1/purchases", body, content_type="application/json", headers=headers)


def let_in(shop: Client, room: str) -> None:
    """Ask for the place until one is let in, as a shopper without a socket does."""
    until = time.monotonic() + 20
    while shop.get(room).json()["until"] is None:
        assert time.monotonic() < until, "nobody was let in"
        time.sleep(0.1)


def test_who_enters_over_http_sees_her_place_is_let_in_and_buys(live_room: LiveRoom) -> None:
    """A live process lets people in; nobody need be connected to it."""
    shop, lipstick, offer = drop()
    room = f"/api/v1/live/{offer.stream.slug}/offers/{offer.id}/waiting-room"
    stranger = shop.get(room)
    assert (stranger.status_code, stranger.json()["code"]) == (404, "NOT_IN_ROOM")
    early = buy(shop, lipstick, offer).json()
    assert (early["code"], early["data"]) == ("NOT_YOUR_TURN", {"position": None})

    entered = shop.post(room).json()
    assert (entered["number"], entered["waiting"], entered["offer"]) == (1, 1, str(offer.id))
    let_in(shop, room)

    assert buy(shop, lipstick, offer).status_code == 201
    assert shop.delete(room).status_code == 204
    assert shop.get(room).status_code == 404


def test_without_a_session_there_is_no_waiting_room() -> None:
    _, _, offer = drop()
    room = f"/api/v1/live/{offer.stream.slug}/offers/{offer.id}/waiting-room"

    assert {Client().get(room).status_code, Client().post(room).status_code} == {401}
