"""Sold out, and then: the line and the waiting room over real sockets, in real live processes."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from catalog.shelf import stock
from commerce import redis_client
from commerce.models import Event
from orders import holds
from orders.models import WaitlistEntry
from orders.waitlist import keeping
from streams import client, waitingroom
from streams.models import Offer
from tests.live_server import LiveRoom, aside
from tests.orders import make
from tests.orders.waitlist.lining import Drop


def _drop(*, stocked: int = 1, quota: int = 1, opens_in: float | None = None, **more: Any) -> Drop:
    variant = make.variant(stocked=stocked)
    stream = make.show(variant, now=timezone.now())
    offer = make.offer(stream, variant, quota=quota, per_buyer=2, now=timezone.now())
    if opens_in is not None:
        opens = timezone.now() + timedelta(seconds=opens_in)
        more |= {"opens_at": opens, "closes_at": opens + timedelta(seconds=600)}
    Offer.objects.filter(pk=offer.pk).update(**more)
    return Drop(variant, stream, Offer.objects.get(pk=offer.pk))


def _sold_out() -> tuple[Drop, Any]:
    made = _drop()
    purchase = make.basket((made.variant, 1, made.offer), stream=made.stream).go(now=timezone.now())
    # Nobody is to charge it: a worker that runs for other tests would find the card unknown.
    Event.objects.filter(name="purchase.accepted").update(delivered_at=timezone.now())
    return made, purchase


def _line(made: Drop) -> dict[str, Any]:
    return {"variant": str(made.variant.id), "offer": str(made.offer.id)}


async def test_who_is_next_is_told_and_buys_what_came_back(live_room: LiveRoom) -> None:
    made, purchase = await aside(_sold_out)
    ana, bea = await aside(make.buyer, "Ana"), await aside(make.buyer, "Bea")
    async with (
        await aside(live_room.visitor, made.stream, ana) as one,
        await aside(live_room.visitor, made.stream, bea) as two,
    ):
        assert (await one.command("waitlist.join", _line(made)))["ahead"] == 0
        place = await two.command("waitlist.join", _line(made))
        assert (place["number"], place["ahead"]) == (2, 1)
        await aside(keeping.tell)
        said = (await two.wait("waitlist.line"))["d"]
        assert said == {"variant": str(made.variant.id), "waiting": 2, "first": 1}

        await aside(lambda: holds.release(purchase=purchase, now=timezone.now()))
        await aside(keeping.tell)
        await aside(LiveRoom.relay)

        turn = (await one.wait("waitlist.turn"))["d"]
        assert (turn["status"], turn["offer"]) == ("offered", str(made.offer.id))
        moved = (await two.wait("waitlist.line", lambda d: d["first"] == 2))["d"]
        assert moved["waiting"] == 1
        assert "waitlist.turn" not in {event["t"] for event in two.events}

        async with await aside(live_room.visitor, made.stream, ana) as elsewhere:
            assert elsewhere.snapshot
            (own,) = elsewhere.snapshot["waitlist"]
            assert (own["id"], own["until"]) == (turn["id"], turn["until"])

        lines_wanted = [{**_line(made), "quantity": 1}]
        reply = await one.command(
            "purchase.create", {"lines": lines_wanted, "expect_total": turn["price"]}, key=uuid4()
        )
        assert reply["status"] == "accepted"
        with pytest.raises(client.RefusedByServer) as refused:
            await two.command(
                "purchase.create", {"lines": lines_wanted, "expect_total": turn["price"]}, key=uuid4()
            )
        assert refused.value.code == "OUT_OF_STOCK"
    assert await aside(_statuses) == ["bought", "waiting"]
    assert await aside(made.left) == (0, 0)


def _statuses() -> list[str]:
    return list(WaitlistEntry.objects.order_by("id").values_list("status", flat=True))


async def test_joining_leaving_and_lapsing_are_told_on_every_device(live_room: LiveRoom) -> None:
    made, purchase = await aside(_sold_out)
    ana = await aside(make.buyer, "Ana")
    async with (
        await aside(live_room.visitor, made.stream, ana) as phone,
        await aside(live_room.visitor, made.stream, ana) as desk,
    ):
        await phone.command("waitlist.join", _line(made))
        with pytest.raises(client.RefusedByServer) as refused:
            await desk.command("waitlist.join", _line(made))
        assert refused.value.code == "ALREADY_IN_LINE"
        await aside(LiveRoom.relay)
        await desk.wait("waitlist.joined")
        assert (await desk.command("waitlist.leave", _line(made)))["status"] == "left"
        await aside(LiveRoom.relay)
        await phone.wait("waitlist.left")
        with pytest.raises(client.RefusedByServer) as refused:
            await phone.command("waitlist.leave", _line(made))
        assert refused.value.code == "NOT_IN_LINE"

        await phone.command("waitlist.join", _line(made))
        await aside(lambda: holds.release(purchase=purchase, now=timezone.now()))
        await aside(lambda: keeping.end_turns(now=timezone.now() + timedelta(seconds=121)))
        await aside(LiveRoom.relay)
        lapsed = (await desk.wait("waitlist.lapsed"))["d"]
        assert (lapsed["reason"], lapsed["status"]) == ("turn_over", "lapsed")

        since = len(phone.events)
        await phone.command("resync", {"lanes": ["u"]})
        assert (await phone.wait("waitlist.updated", since=since))["d"] == {"places": []}


async def test_what_a_merchant_adds_reaches_the_line_through_the_relay(live_room: LiveRoom) -> None:
    made, _ = await aside(_sold_out)
    ana = await aside(make.buyer, "Ana")
    async with await aside(live_room.visitor, made.stream, ana) as room:
        await room.command("waitlist.join", {"variant": str(made.variant.id)})

        await aside(_add, made)
        await aside(LiveRoom.relay)
        await aside(LiveRoom.relay)

        turn = (await room.wait("waitlist.turn"))["d"]
        assert (turn["offer"], turn["price"]) == (None, {"amount": 1999, "currency": "EUR"})
    assert await aside(made.left) == (1, 0)


def _add(made: Drop) -> None:
    stock.adjust(
        merchant_id=made.variant.merchant_id,
        variant_id=made.variant.id,
        delta=2,
        note="",
        now=timezone.now(),
    )


async def test_a_waiting_room_draws_lets_in_and_tells(live_room: LiveRoom) -> None:
    made = await aside(lambda: _drop(stocked=5, quota=5, opens_in=2, admits_per_second=2))
    people = [await aside(make.buyer, name) for name in ("Ana", "Bea", "Cleo")]
    rooms = [await aside(live_room.visitor, made.stream, each) for each in people]
    async with rooms[0] as one, rooms[1] as two, rooms[2] as three:
        everybody, asked = (one, two, three), {"offer": str(made.offer.id)}
        for each in everybody:
            place = await each.command("waitingroom.enter", asked)
            assert (place["number"], place["until"]) == (None, None)
        await one.wait("waitingroom.moved", lambda d: d["waiting"] >= 1)
        # On another device, or after a reload, she is where she was.
        again = await aside(live_room.visitor, made.stream, people[0])
        async with again as elsewhere:
            assert elsewhere.snapshot
            (place,) = elsewhere.snapshot["rooms"]
            assert (place["offer"], place["number"], place["until"]) == (asked["offer"], None, None)

        drawn = [(await each.wait("waitingroom.drawn"))["d"]["number"] for each in everybody]
        assert sorted(drawn) == [1, 2, 3]
        for each in everybody:
            assert (await each.wait("waitingroom.admitted"))["d"]["until"] > 0
        moved = await one.wait("waitingroom.moved", lambda d: d["admitted"] == 3)
        assert moved["d"]["waiting"] == 0

        assert (await one.command("waitingroom.enter", asked))["until"] > 0
        await one.command("waitingroom.leave", asked)
        assert (await one.command("waitingroom.enter", asked))["number"] == 4


async def test_a_waiting_room_that_is_not_there_is_refused(live_room: LiveRoom) -> None:
    made = await aside(_drop)
    other = await aside(lambda: _drop(admits_per_second=2))
    async with await aside(live_room.visitor, made.stream, await aside(make.buyer)) as room:
        wrong = ((made.offer.id, "NO_WAITING_ROOM"), (other.offer.id, "NOT_FOUND"), (uuid4(), "NOT_FOUND"))
        for offer, code in wrong:
            with pytest.raises(client.RefusedByServer) as refused:
                await room.command("waitingroom.enter", {"offer": str(offer)})
            assert refused.value.code == code
    assert not await asyncio.to_thread(_exists, made)


def _exists(made: Drop) -> bool:
    return bool(redis_client.sync().exists(waitingroom.keys(made.offer.id)[0]))


async def test_presses_are_bounded_and_wait_for_their_turn_at_the_door(live_room: LiveRoom) -> None:
    made = await aside(lambda: _drop(stocked=5, quota=5, opens_in=-1, admits_per_second=50))
    ana = await aside(make.buyer, "Ana")
    line = {**_line(made), "quantity": 1}
    wanted = {"lines": [line], "expect_total": {"amount": 999, "currency": "EUR"}}
    async with await aside(live_room.visitor, made.stream, ana) as room:
        with pytest.raises(client.RefusedByServer) as refused:
            await room.command("purchase.create", wanted, key=uuid4())
        assert (refused.value.code, refused.value.data["position"]) == ("NOT_YOUR_TURN", None)
        assert refused.value.temporary

        await room.command("waitingroom.enter", {"offer": str(made.offer.id)})
        await room.wait("waitingroom.admitted")
        key = uuid4()
        assert (await room.command("purchase.create", wanted, key=key))["status"] == "accepted"
        assert (await room.command("purchase.create", wanted, key=key))["replayed"] is True
    assert await aside(made.left) == (4, 4)


async def test_who_presses_too_often_is_told_when_to_come_again(live_room: LiveRoom) -> None:
    made = await aside(lambda: _drop(stocked=9, quota=9, tries_per_minute=2))
    ana = await aside(make.buyer, "Ana")
    line = {**_line(made), "quantity": 1}
    wanted = {"lines": [line], "expect_total": {"amount": 1, "currency": "EUR"}}
    codes = []
    async with await aside(live_room.visitor, made.stream, ana) as room:
        for _ in range(5):
            with pytest.raises(client.RefusedByServer) as refused:
                await room.command("purchase.create", wanted, key=uuid4())
            codes.append(refused.value.code)
    # A minute may end in between, and with it the count.
    assert codes[:2] == ["PRICE_CHANGED"] * 2
    assert "RATE_LIMITED" in codes
    assert await aside(made.left) == (9, 9)
