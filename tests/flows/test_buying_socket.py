"""Buying inside the show: over a real socket, settled by a real worker, and the books in order."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from catalog.models import Variant
from commerce.models import User
from config.children import Child
from orders import recovery
from orders.models import Purchase
from streams import client
from streams.models import Offer, Stream
from tests.live_server import LiveRoom, aside
from tests.orders import make
from tests.stripe_server import StripeServer
from tests.worker_process import relay_until


def _show() -> tuple[Stream, Variant, Offer]:
    lipstick = make.variant(stocked=10, amount=1999)
    stream = make.show(lipstick, now=timezone.now())
    return stream, lipstick, make.offer(stream, lipstick, amount=999, quota=5, now=timezone.now())


def body(lipstick: Variant, offer: Offer | None = None, **more: Any) -> dict[str, Any]:
    line = {"variant": str(lipstick.id), "quantity": 1, "offer": str(offer.id) if offer else None}
    amount = offer.amount if offer else 1999
    return {"lines": [line], "expect_total": {"amount": amount, "currency": "EUR"}, **more}


async def until_status(room: client.Room, purchase: str, status: str) -> dict[str, Any]:
    """Deliver events until the buyer has been told this status of a purchase; returns the frame's body."""

    def relay() -> None:
        relay_until(lambda: Purchase.objects.filter(pk=purchase, status=status).exists())
        LiveRoom.relay()

    await aside(relay)
    event = await room.wait("order.updated", lambda d: d["id"] == purchase and d["status"] == status)
    told: dict[str, Any] = event["d"]
    return told


async def test_a_shopper_buys_what_is_pinned_and_is_told_that_it_is_paid(
    live_room: LiveRoom, worker: Child, stripe_server: StripeServer
) -> None:
    stream, lipstick, offer = await aside(_show)
    noa = await aside(make.real_buyer)

    async with await aside(live_room.visitor, stream, noa) as room:
        reply = await room.command("purchase.create", body(lipstick, offer), key=uuid4())
        assert (reply["status"], reply["replayed"]) == ("accepted", False)

        told = await until_status(room, reply["id"], "paid")

    assert told["version"] == 2
    assert told["orders"][0]["status"] == "open"
    assert await aside(make.left, lipstick) == 9
    purchase = await aside(Purchase.objects.get)
    line = await aside(lambda: purchase.orders.get().lines.get())
    assert line.frame_offset is not None, "the socket says how much of the show the buyer had seen"
    assert await aside(make.broken) == []


async def test_the_bank_asks_on_the_buyers_lane_and_nobody_elses(
    live_room: LiveRoom, worker: Child, stripe_server: StripeServer
) -> None:
    stream, lipstick, _ = await aside(_show)
    noa = await aside(make.real_buyer, "pm_card_authenticationRequired")
    other = await aside(make.user, "Ben")

    async with (
        await aside(live_room.visitor, stream, noa) as room,
        await aside(live_room.visitor, stream, other) as bystander,
    ):
        reply = await room.command("purchase.create", body(lipstick), key=uuid4())
        await until_status(room, reply["id"], "action_required")
        asked = (await room.wait("payment.action_required"))["d"]
        assert asked["purchase"] == reply["id"]
        assert asked["publishable_key"] is None

        # A page that was reloaded asks, and is asked again.
        since = len(room.events)
        status = await room.command("purchase.status", {"key": reply["key"]})
        assert status["status"] == "action_required"
        await aside(LiveRoom.relay)
        again = (await room.wait("payment.action_required", since=since))["d"]
        assert again["client_secret"] == asked["client_secret"]

        await aside(make.answer_bank, stripe_server, asked["client_secret"])
        await aside(_sweep)
        told = await until_status(room, reply["id"], "paid")
        assert told["status"] == "paid"
        assert {event["t"] for event in bystander.events}.isdisjoint(
            {"payment.action_required", "order.updated"}
        )
    assert await aside(make.broken) == []


def _sweep() -> None:
    recovery.finish(now=timezone.now() + timedelta(seconds=31))


async def test_what_is_refused_has_a_code_and_the_socket_stays(live_room: LiveRoom) -> None:
    stream, lipstick, offer = await aside(_show)
    noa = await aside(make.buyer)
    strange = str(uuid4())

    async with await aside(live_room.visitor, stream, noa) as room:
        for d, key, code in [
            ({**body(lipstick), "lines": [{"variant": strange, "quantity": 1}]}, uuid4(), "NOT_FOUND"),
            (body(lipstick, offer, expect_total={"amount": 1, "currency": "EUR"}), uuid4(), "PRICE_CHANGED"),
            (body(lipstick, card=strange), uuid4(), "NOT_FOUND"),
            ({**body(lipstick), "lines": [{"variant": strange, "quantity": -1}]}, uuid4(), "BAD_QUANTITY"),
            (
                {**body(lipstick), "lines": [{"variant": strange, "quantity": 10**30}]},
                uuid4(),
                "BAD_QUANTITY",
            ),
            ({**body(lipstick), "lines": []}, uuid4(), "NOTHING_WANTED"),
            ({**body(lipstick), "price": 1}, uuid4(), "BAD_REQUEST"),
            (body(lipstick), None, "BAD_IDEMPOTENCY_KEY"),
        ]:
            with pytest.raises(client.RefusedByServer) as refused:
                await room.command("purchase.create", d, key=key)
            assert refused.value.code == code, d
        with pytest.raises(client.RefusedByServer) as refused:
            await room.command("purchase.status", {"purchase": strange})
        assert refused.value.code == "NOT_FOUND"
        with pytest.raises(client.RefusedByServer) as refused:
            await room.command("purchase.status", {})
        assert refused.value.code == "BAD_REQUEST"
        reply = await room.command("purchase.create", body(lipstick), key=uuid4())
        assert reply["status"] == "accepted"
    assert await aside(make.broken) == []


async def test_anonymous_viewers_do_not_buy(live_room: LiveRoom) -> None:
    stream, lipstick, _ = await aside(_show)

    async with live_room.room(stream) as room:
        for t, d in [
            ("purchase.create", body(lipstick)),
            ("cart.add", {"variant": str(lipstick.id), "quantity": 1}),
            ("purchase.status", {"key": str(uuid4())}),
        ]:
            with pytest.raises(client.RefusedByServer) as refused:
                await room.command(t, d, key=uuid4())
            assert refused.value.code == "UNAUTHENTICATED"


async def test_one_key_on_two_sockets_is_one_purchase(live_room: LiveRoom) -> None:
    stream, lipstick, offer = await aside(_show)
    noa = await aside(make.buyer)
    key = uuid4()

    async with (
        await aside(live_room.visitor, stream, noa) as phone,
        await aside(live_room.visitor, stream, noa) as laptop,
    ):
        replies = await asyncio.gather(
            *(room.command("purchase.create", body(lipstick, offer), key=key) for room in (phone, laptop) * 3)
        )
        with pytest.raises(client.RefusedByServer) as refused:
            await phone.command("purchase.create", body(lipstick), key=key)

    assert refused.value.code == "IDEMPOTENCY_MISMATCH"
    assert len({reply["id"] for reply in replies}) == 1
    assert sorted(reply["replayed"] for reply in replies) == [False] + [True] * 5
    assert await aside(make.left, lipstick) == 9
    assert await aside(make.broken) == []


async def test_a_cart_is_the_same_on_all_sockets(live_room: LiveRoom) -> None:
    stream, lipstick, offer = await aside(_show)
    noa = await aside(make.buyer)

    async with (
        await aside(live_room.visitor, stream, noa) as phone,
        await aside(live_room.visitor, stream, noa) as laptop,
    ):
        cart = await phone.command("cart.add", {"variant": str(lipstick.id), "quantity": 1})
        assert cart["lines"][0]["offer"] == str(offer.id)
        await aside(LiveRoom.relay)
        assert (await laptop.wait("cart.updated"))["d"] == cart

        await laptop.command("cart.update", {"version": 1, "variant": str(lipstick.id), "quantity": 3})
        with pytest.raises(client.RefusedByServer) as refused:
            await phone.command("cart.remove", {"version": 1, "variant": str(lipstick.id)})
        assert refused.value.code == "CART_CONFLICT"
        cart = await phone.command("cart.remove", {"version": 2, "variant": str(lipstick.id)})
        assert (cart["version"], cart["lines"]) == (3, [])


async def test_a_snapshot_holds_the_shoppers_own_cart_and_purchases(live_room: LiveRoom) -> None:
    stream, lipstick, _ = await aside(_show)
    noa, ben = await aside(make.buyer, "Noa"), await aside(make.buyer, "Ben")

    async with await aside(live_room.visitor, stream, noa) as room:
        await room.command("cart.add", {"variant": str(lipstick.id), "quantity": 2})
        bought = await room.command("purchase.create", body(lipstick), key=uuid4())

    def looked(user: User) -> Any:
        return live_room.visitor(stream, user)

    async with await aside(looked, noa) as room:
        assert room.snapshot is not None
        assert [line["quantity"] for line in room.snapshot["cart"]["lines"]] == [1]
        assert [UUID(one["id"]) for one in room.snapshot["purchases"]] == [UUID(bought["id"])]
    async with await aside(looked, ben) as room:
        assert room.snapshot is not None
        assert room.snapshot["purchases"] == []
        assert room.snapshot["cart"]["lines"] == []
