"""Announced offers and coupons over real sockets: who hears what, in which order, and what latecomers see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from commerce.models import User
from streams import client, coupons, offers, tasks
from streams.models import Coupon, CouponClaim, Offer, Stream
from tests.live_server import LiveRoom, aside
from tests.streams import make

pytestmark = pytest.mark.django_db(transaction=True)


def _show() -> Stream:
    return Stream.objects.select_related("host__user").get(pk=make.show(products=(make.product(),)).pk)


def _coupon(stream: Stream, *, quota: int = 1) -> Coupon:
    new = coupons.New(make.item(stream).product.merchant_id, "MIRA-20", 2000, None, 0, quota, 1, 300)
    return coupons.create(host_id=stream.host_id, stream_id=stream.id, new=new, now=timezone.now())


async def test_a_room_hears_of_an_offer_before_it_opens_and_a_latecomer_sees_it(live_room: LiveRoom) -> None:
    stream = await aside(_show)

    def announce() -> Offer:
        now = timezone.now()
        offer = make.offer(stream, opens_at=now + timedelta(seconds=30), now=now)
        live_room.relay()
        return offer

    async with await aside(live_room.visitor, stream, None) as early:
        offer = await aside(announce)
        told = await early.wait("offer.announced")
        assert (told["d"]["id"], told["d"]["status"]) == (str(offer.id), "announced")
        async with await aside(live_room.visitor, stream, None) as late:
            assert late.snapshot is not None
            if not late.snapshot["offers"]:  # A shot of the second before: what came after it is told.
                assert (await late.wait("offer.announced"))["d"]["id"] == str(offer.id)

            def open_now() -> None:
                offers.open_now(host_id=stream.host_id, offer_id=offer.id, now=timezone.now())
                live_room.relay()

            await aside(open_now)
            for room in (early, late):
                started = await room.wait("offer.started")
                assert started["d"]["starts_at"] < told["d"]["starts_at"]


async def test_the_sweep_tells_the_room_that_an_announced_offer_runs(live_room: LiveRoom) -> None:
    stream = await aside(_show)

    def announce_and_sweep() -> None:
        now = timezone.now()
        offer = make.offer(stream, opens_at=now + timedelta(seconds=30), now=now)
        Offer.objects.filter(pk=offer.pk).update(opens_at=now - timedelta(seconds=1))
        assert tasks.sweep() == 1
        live_room.relay()

    async with await aside(live_room.visitor, stream, None) as room:
        await aside(announce_and_sweep)
        assert (await room.wait("offer.started"))["d"]["status"] == "open"


async def test_a_coupon_is_claimed_on_the_socket_and_told_on_all_of_her_devices(live_room: LiveRoom) -> None:
    stream = await aside(_show)
    noa, ben = await aside(make.user, "Noa"), await aside(make.user, "Ben")

    async def enter(user: User | None) -> client.Room:
        room: client.Room = await aside(live_room.visitor, stream, user)
        return room

    async def claim(room: client.Room, coupon: Coupon) -> dict[str, Any]:
        reply: dict[str, Any] = await room.command("coupon.claim", {"coupon": str(coupon.id)})
        await aside(live_room.relay)
        return reply

    async with await enter(noa) as phone, await enter(noa) as tablet, await enter(ben) as other:
        coupon = await aside(_coupon, stream)
        await aside(live_room.relay)
        opened = await other.wait("coupon.opened")
        assert (opened["d"]["id"], opened["d"]["left"]) == (str(coupon.id), 1)

        claimed = await claim(phone, coupon)
        assert (claimed["used"], claimed["cap"], claimed["coupon"]["left"]) == (0, 1, 0)
        assert (await tablet.wait("coupon.claimed"))["d"] == claimed
        assert (await other.wait("coupon.updated"))["d"] == {"id": str(coupon.id), "left": 0, "quota": 1}
        assert not other.of("coupon.claimed")
        assert await claim(tablet, coupon) == claimed
        with pytest.raises(client.RefusedByServer) as gone:
            await claim(other, coupon)
        assert gone.value.code == "COUPON_GONE"

        async with await enter(noa) as later, await enter(None) as nobody:
            assert later.snapshot is not None and nobody.snapshot is not None
            assert later.snapshot["claims"] == [claimed]
            assert nobody.snapshot["claims"] == []
            if [one["left"] for one in nobody.snapshot["coupons"]] != [0]:  # A shot of the second before.
                assert (await nobody.wait("coupon.updated"))["d"]["left"] == 0
            with pytest.raises(client.RefusedByServer) as unknown:
                await claim(nobody, coupon)
            assert unknown.value.code == "UNAUTHENTICATED"

        def end() -> None:
            coupons.end(host_id=stream.host_id, coupon_id=coupon.id, now=timezone.now())
            live_room.relay()

        await aside(end)
        assert (await phone.wait("coupon.ended"))["d"] == {"id": str(coupon.id), "reason": "host"}
    assert await aside(CouponClaim.objects.count) == 1
