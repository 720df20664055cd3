"""Lining up over HTTP: joining, seeing one's turn, leaving, and every refusal with its code."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from commerce.models import User
from orders import holds
from orders.models import WaitlistEntry
from tests.orders import make
from tests.orders.waitlist.lining import Drop

pytestmark = pytest.mark.django_db(transaction=True)  # The till has a connection of its own.


@pytest.fixture
def shopper() -> User:
    return make.buyer("Noa")


@pytest.fixture
def shop(shopper: User) -> Client:
    client = Client()
    client.force_login(shopper)
    return client


def sold_out() -> tuple[Drop, Any]:
    variant = make.variant(stocked=1)
    stream = make.show(variant, now=timezone.now())
    offer = make.offer(stream, variant, quota=1, per_buyer=2, now=timezone.now())
    made = Drop(variant, stream, offer)
    return made, make.basket((variant, 1, offer), stream=stream).go(now=timezone.now())


def ask(client: Client, made: Drop, **more: Any) -> Any:
    body = {"stream": made.stream.slug, "variant": str(made.variant.id), "offer": str(made.offer.id), **more}
    return client.post("/api/v1/waitlist", body, content_type="application/json")


def code(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.content
    return str(answer.json()["code"])


def test_a_shopper_lines_up_gets_her_turn_and_leaves(shop: Client) -> None:
    made, purchase = sold_out()

    answer = ask(shop, made)

    assert answer.status_code == 201
    place = answer.json()
    assert (place["status"], place["number"], place["ahead"]) == ("waiting", 1, 0)
    holds.release(purchase=purchase, now=timezone.now())
    (turn,) = shop.get("/api/v1/waitlist").json()
    assert (turn["id"], turn["status"]) == (place["id"], "offered")
    assert turn["until"] > timezone.now().timestamp() * 1000

    left = shop.delete(f"/api/v1/waitlist/{place['id']}")

    assert (left.status_code, left.json()["status"]) == (200, "left")
    assert shop.get("/api/v1/waitlist").json() == []
    assert made.left() == (1, 1)


def test_every_refusal_has_its_code_and_nothing_is_kept(shop: Client) -> None:
    made, _ = sold_out()
    other, _ = sold_out()
    assert code(ask(shop, made, stream="nowhere"), 404) == "NOT_FOUND"
    assert code(ask(shop, made, variant=str(uuid4())), 404) == "NOT_FOUND"
    assert code(ask(shop, made, variant=str(other.variant.id)), 404) == "NOT_FOUND"
    assert code(ask(shop, made, offer=str(other.offer.id)), 409) == "OFFER_MISMATCH"
    assert code(ask(shop, made, offer=str(uuid4())), 409) == "OFFER_MISMATCH"
    for quantity in (0, -1, 100, 10**12):
        assert ask(shop, made, quantity=quantity).status_code == 400
    assert ask(shop, made, quantity="many").status_code == 400
    assert code(ask(shop, made, quantity=3), 409) == "CUSTOMER_LIMIT"
    assert WaitlistEntry.objects.count() == 0

    ask(shop, made)
    assert code(ask(shop, made), 409) == "ALREADY_IN_LINE"
    assert WaitlistEntry.objects.count() == 1


def test_who_is_not_signed_in_and_somebody_elses_place_are_refused(shop: Client) -> None:
    made, _ = sold_out()
    assert Client().get("/api/v1/waitlist").status_code == 401
    assert ask(Client(), made).status_code == 401
    place = ask(shop, made).json()["id"]
    stranger = Client()
    stranger.force_login(make.user("Ben"))

    assert code(stranger.delete(f"/api/v1/waitlist/{place}"), 404) == "NOT_IN_LINE"
    assert stranger.get("/api/v1/waitlist").json() == []
    assert WaitlistEntry.objects.get().status == "waiting"
