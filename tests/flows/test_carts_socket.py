"""Carts inside a show: what one device does the other hears, and so it does of holds and their end."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import F
from django.test import Client
from django.utils import timezone

from catalog.models import Variant
from commerce import clock
from commerce.models import User
from config.children import Child
from orders.carts import contents, guests, lapsing, policies
from orders.models import CartHold
from streams import client
from streams.models import Stream
from tests.live_server import LiveRoom, aside
from tests.orders import make
from tests.shopper import aside as in_a_thread
from tests.worker_process import relay_until

pytestmark = pytest.mark.django_db(transaction=True)


async def test_what_is_held_is_told_warned_of_and_given_back_on_every_device(
    live_room: LiveRoom, worker: Child
) -> None:
    def begin() -> tuple[Variant, Stream, User]:
        lipstick = make.variant(stocked=3)
        policies.set_policy(merchant_id=lipstick.merchant_id, hold_seconds=600, now=timezone.now())
        return lipstick, make.show(lipstick, now=timezone.now()), make.user()

    lipstick, stream, noa = await aside(begin)
    async with (
        await aside(live_room.visitor, stream, noa) as phone,
        await aside(live_room.visitor, stream, noa) as laptop,
    ):
        cart = await phone.command("cart.add", {"variant": str(lipstick.id), "quantity": 2})
        assert (cart["lines"][0]["held"], cart["lines"][0]["left"]) == (2, 1)
        await aside(LiveRoom.relay)
        assert (await laptop.wait("cart.updated"))["d"] == cart

        with pytest.raises(client.RefusedByServer) as refused:
            await laptop.command("cart.add", {"variant": str(lipstick.id), "quantity": 2})
        assert (refused.value.code, refused.value.data["left"]) == ("OUT_OF_STOCK", 1)

        def nearly_over() -> None:
            CartHold.objects.update(until=F("until") - timedelta(seconds=570))
            lapsing.sweep(now=clock.database_now())
            LiveRoom.relay()

        await aside(nearly_over)
        for room in (phone, laptop):
            (line,) = (await room.wait("cart.hold_expiring"))["d"]["lines"]
            assert (line["variant"], line["held"]) == (str(lipstick.id), 2)

        def over() -> None:
            lapsing.sweep(now=CartHold.objects.get().until)
            relay_until(lambda: make.left(lipstick) == 3)
            LiveRoom.relay()

        await aside(over)
        for room in (phone, laptop):
            told = await room.wait("cart.updated", lambda d: d["version"] == 2)
            assert [(one["quantity"], one["held"]) for one in told["d"]["lines"]] == [(2, 0)]
    assert await aside(make.broken) == []


async def test_what_she_collected_as_a_guest_reaches_the_device_where_she_was_signed_in(
    live_room: LiveRoom,
) -> None:
    def begin() -> tuple[Variant, Stream, User]:
        lipstick = make.variant()
        return lipstick, make.show(lipstick, now=timezone.now()), make.user()

    lipstick, stream, noa = await aside(begin)

    def come_in() -> None:
        kept = guests.add(
            token=None,
            variant_id=lipstick.id,
            quantity=2,
            stream_id=None,
            network="192.0.2.1",
            now=timezone.now(),
        )
        guests.merge(token=kept.token, buyer_id=noa.id, now=timezone.now())
        LiveRoom.relay()

    async with await aside(live_room.visitor, stream, noa) as laptop:
        await aside(come_in)
        told = await laptop.wait("cart.updated")
        assert [line["quantity"] for line in told["d"]["lines"]] == [2]


async def test_a_change_over_http_is_heard_on_the_socket(live_room: LiveRoom) -> None:
    def begin() -> tuple[Variant, Stream, User]:
        lipstick = make.variant()
        return lipstick, make.show(lipstick, now=timezone.now()), make.user()

    lipstick, stream, noa = await aside(begin)

    def post() -> None:
        shop = Client()
        shop.force_login(noa)
        body = {"variant": str(lipstick.id), "quantity": 3}
        assert shop.post("/api/v1/cart/lines", body, content_type="application/json").status_code == 200
        LiveRoom.relay()

    async with await aside(live_room.visitor, stream, noa) as laptop:
        await aside(post)
        assert (await laptop.wait("cart.updated"))["d"]["lines"][0]["quantity"] == 3


async def test_a_guest_has_no_cart_on_the_socket(live_room: LiveRoom) -> None:
    lipstick = await aside(make.variant)
    stream = await aside(lambda: make.show(lipstick, now=timezone.now()))

    async with await aside(live_room.visitor, stream) as room:
        with pytest.raises(client.RefusedByServer) as refused:
            await room.command("cart.add", {"variant": str(lipstick.id), "quantity": 1})
        assert refused.value.code == "UNAUTHENTICATED"


async def test_a_cart_that_is_just_being_changed_is_given_back_by_the_next_sweep() -> None:
    """`SKIP LOCKED`: one busy shopper keeps nobody waiting, and loses nothing."""

    def sweep_beside_a_change() -> None:
        lipstick = make.variant(stocked=5)
        policies.set_policy(merchant_id=lipstick.merchant_id, hold_seconds=600, now=make.NOW)
        busy, other = make.user(), make.user()
        for each in (busy, other):
            contents.add(buyer_id=each.id, variant_id=lipstick.id, quantity=1, stream_id=None, now=make.NOW)
        with transaction.atomic():
            contents.locked(busy.id)
            swept = in_a_thread(lambda: lapsing.sweep(now=make.after(600)))
            assert swept["lapsed"] == 1
        assert CartHold.objects.get().buyer_id == busy.id
        assert lapsing.sweep(now=make.after(601))["lapsed"] == 1
        assert make.left(lipstick) == 5

    await aside(sweep_beside_a_change)
