"""Who is banned from a show does not trade in it either, on the socket and over HTTP."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from commerce.models import User
from orders import holds
from orders.models import Purchase, WaitlistEntry
from orders.settling import payments
from streams.models import CouponClaim, Offer, Stream
from streams.moderation import restraints
from tests.live_server import LiveRoom, aside
from tests.orders import make

pytestmark = pytest.mark.django_db(transaction=True)  # The till has a connection of its own.

JSON = "application/json"


@pytest.fixture
def noa() -> User:
    return make.buyer("Noa")


@pytest.fixture
def shop(noa: User) -> Client:
    client = Client()
    client.force_login(noa)
    return client


def ban(stream: Stream, user: User, *, seconds: int | None = None) -> None:
    restraints.ban(
        stream_id=stream.id,
        user_id=user.id,
        by_id=stream.host.user_id,
        seconds=seconds,
        rule="scam",
        reason="Resells",
        now=timezone.now(),
    )


def pardon(stream: Stream, user: User) -> None:
    restraints.pardon(
        stream_id=stream.id,
        user_id=user.id,
        by_id=stream.host.user_id,
        kind="ban",
        reason="",
        now=timezone.now(),
    )


def press(client: Client, body: Any, key: Any = None) -> Any:
    headers = {"Idempotency-Key": str(key or uuid4())}
    return client.post("/api/v1/purchases", body, content_type=JSON, headers=headers)


def wanted(variant: Any, stream: Stream | None = None, offer: Offer | None = None) -> dict[str, Any]:
    line = {"variant": str(variant.id), "quantity": 1, "offer": str(offer.id) if offer else None}
    amount = offer.amount if offer else 1999
    return {
        "lines": [line],
        "expect_total": {"amount": amount, "currency": "EUR"},
        "stream": stream.slug if stream else None,
    }


def refused(answer: Any) -> None:
    assert (answer.status_code, answer.json()["code"]) == (403, "BANNED"), answer.content
    assert answer.json()["data"] == {"until": None, "reason": "Resells"}


def test_a_banned_shopper_buys_nothing_of_that_show(shop: Client, noa: User) -> None:
    now, lipstick = timezone.now(), make.variant()
    stream, other = make.show(lipstick, now=now), make.show(lipstick, now=now)
    offer = make.offer(stream, lipstick, now=now)
    ban(stream, noa)

    refused(press(shop, wanted(lipstick, stream, offer)))
    refused(press(shop, wanted(lipstick, stream)))
    assert Purchase.objects.count() == 0
    assert make.left(lipstick) == 10

    assert press(shop, wanted(lipstick)).status_code == 201
    assert press(shop, wanted(lipstick, other)).status_code == 201
    pardon(stream, noa)
    assert press(shop, wanted(lipstick, stream, offer)).status_code == 201


def test_a_ban_that_is_over_binds_no_more(shop: Client, noa: User) -> None:
    lipstick = make.variant()
    stream = make.show(lipstick, now=timezone.now())
    ban(stream, noa, seconds=600)
    assert press(shop, wanted(lipstick, stream)).json()["code"] == "BANNED"

    stream.restraints.update(until=timezone.now())

    assert press(shop, wanted(lipstick, stream)).status_code == 201


def test_a_key_that_has_bought_gets_its_answer_after_a_ban(shop: Client, noa: User) -> None:
    lipstick, key = make.variant(), uuid4()
    stream = make.show(lipstick, now=timezone.now())
    first = press(shop, wanted(lipstick, stream), key)
    ban(stream, noa)

    again = press(shop, wanted(lipstick, stream), key)

    assert (again.status_code, again.json()) == (200, {**first.json(), "replayed": True})


def test_another_card_is_not_tried_for_a_show_one_is_banned_from(shop: Client, noa: User) -> None:
    lipstick = make.variant()
    stream = make.show(lipstick, now=timezone.now())
    bought = press(shop, wanted(lipstick, stream)).json()["id"]
    payments.apply(intent=make.said(make.sent(Purchase.objects.get()), "declined"), now=timezone.now())
    ban(stream, noa)

    refused(shop.post(f"/api/v1/purchases/{bought}/pay", {}, content_type=JSON))

    assert Purchase.objects.get().status == "declined"


def test_a_banned_shopper_claims_nothing_and_stands_in_no_line(shop: Client, noa: User) -> None:
    now, lipstick = timezone.now(), make.variant(stocked=1)
    stream = make.show(lipstick, now=now)
    offer = make.offer(stream, lipstick, quota=1, now=now)
    coupon = make.coupon(stream, lipstick.merchant)
    make.basket((lipstick, 1, offer), stream=stream).go(now=now)
    ban(stream, noa)
    place = {"stream": stream.slug, "variant": str(lipstick.id), "offer": str(offer.id)}

    refused(shop.post("/api/v1/waitlist", place, content_type=JSON))
    refused(shop.post(f"/api/v1/live/{stream.slug}/coupons/{coupon.id}/claim"))
    refused(shop.post(f"/api/v1/live/{stream.slug}/offers/{offer.id}/waiting-room"))

    assert not WaitlistEntry.objects.exists()
    assert not CouponClaim.objects.exists()


def test_a_line_passes_over_who_is_banned(noa: User) -> None:
    now, lipstick = timezone.now(), make.variant(stocked=1)
    stream = make.show(lipstick, now=now)
    bought = make.basket((lipstick, 1), stream=stream).go(now=now)
    for user in (noa, make.buyer("Ben")):
        client = Client()
        client.force_login(user)
        place = {"stream": stream.slug, "variant": str(lipstick.id)}
        assert client.post("/api/v1/waitlist", place, content_type=JSON).status_code == 201
    ban(stream, noa)

    holds.release(purchase=bought, now=timezone.now())

    assert dict(WaitlistEntry.objects.values_list("buyer__name", "status")) == {
        "Noa": "waiting",
        "Ben": "offered",
    }


async def test_on_the_socket_a_ban_ends_all_of_it(live_room: LiveRoom) -> None:
    noa, lipstick = await aside(make.buyer, "Noa"), await aside(make.variant)
    stream = await aside(lambda: make.show(lipstick, now=timezone.now()))

    async with await aside(live_room.visitor, stream, noa) as room:
        await aside(ban, stream, noa)
        await aside(live_room.relay)

        assert await room.wait_closed() == 4403
        assert room.of("error")[-1]["d"]["code"] == "BANNED"
