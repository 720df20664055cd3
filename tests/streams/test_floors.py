"""A floor that is raised above an offer's price ends the offer, and everybody hears of it."""

from datetime import datetime
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from catalog.models import PriceFloor, Variant
from catalog.pricing import floors
from config.subscriptions import SUBSCRIPTIONS
from streams import client, offers, tasks
from streams.models import Offer, Stream
from tests.live_server import LiveRoom, aside
from tests.streams import make
from tests.streams.make import after

pytestmark = pytest.mark.django_db


LATER = after(5)


def raise_floor(offer: Offer, amount: int, *, title: str = "Red", now: datetime = LATER) -> None:
    variant = Variant.objects.get(product=offer.item.product_id, title=title)
    floors.set_floor(
        merchant_id=variant.merchant_id, variant_id=variant.pk, amount=amount, currency=None, now=now
    )


def stands(offer: Offer) -> tuple[str, str]:
    offer.refresh_from_db()
    return offer.status, offer.reason


@pytest.fixture
def stream() -> Stream:
    return make.show(products=(make.product(variants=(("Red", 1999, 10), ("Coral", 1499, 10))),))


@pytest.mark.parametrize("announced", [False, True], ids=["running", "announced"])
def test_an_offer_below_a_raised_floor_ends_and_says_why(stream: Stream, announced: bool) -> None:
    offer = make.offer(stream, amount=999, opens_at=after(30) if announced else None)

    raise_floor(offer, 999)
    assert offers.end_below(now=after(5)) == 0, "not below it"
    raise_floor(offer, 1000)
    assert offers.end_below(now=after(5)) == 1
    assert offers.end_below(now=after(5)) == 0

    assert stands(offer) == ("ended", "floor")
    assert offer.ended_at == after(5)
    assert make.told(stream)[-1] == ("offer.ended", {"id": str(offer.id), "reason": "floor"})


def test_an_offer_for_all_variants_ends_by_the_floor_of_any_and_one_for_a_variant_by_its_own() -> None:
    shows = [
        make.show(products=(make.product(variants=(("Red", 1999, 10), ("Coral", 1499, 10))),))
        for _ in range(2)
    ]
    all_of_it = make.offer(shows[0])
    red = Variant.objects.get(product=make.item(shows[1]).product_id, title="Red")
    only_red = make.offer(shows[1], variant_id=red.id)
    for offer in (all_of_it, only_red):
        raise_floor(offer, 1200, title="Coral")

    assert offers.end_below(now=after(5)) == 1

    assert (stands(all_of_it)[0], stands(only_red)[0]) == ("ended", "open")


def test_only_offers_for_what_has_another_floor_are_looked_at(stream: Stream) -> None:
    offer = make.offer(stream)
    PriceFloor.objects.create(
        variant=(red := Variant.objects.get(title="Red")), merchant=red.merchant, amount=1500, currency="EUR"
    )
    other = Variant.objects.get(product=make.product().id)

    assert offers.end_below(variant_ids=[other.id], now=after(5)) == 0
    assert offers.end_below(variant_ids=[red.id], now=after(5)) == 1
    assert stands(offer) == ("ended", "floor")


def test_units_that_return_do_not_open_a_sold_out_offer_below_the_floor(stream: Stream) -> None:
    offer, buyer = make.offer(stream, quota=1), make.user()

    def sell_and_return() -> str:
        with transaction.atomic():
            offers.take(offer_id=offer.id, buyer_id=buyer.id, units=1, now=after(1))
        with transaction.atomic():
            offers.put_back(offer_id=offer.id, units=1, now=after(6))
        return Offer.objects.get(pk=offer.pk).status

    raise_floor(offer, 1000)
    assert sell_and_return() == "ended"


def test_an_offer_that_was_opened_at_the_moment_of_the_raise_is_ended_by_the_sweep(stream: Stream) -> None:
    """Its host had read the old floor; the word of the new one came before the offer was there."""
    now = timezone.now()
    offer = make.offer(stream, seconds=600, now=now)
    raise_floor(offer, 1000, now=now)

    tasks.sweep()

    assert stands(offer) == ("ended", "floor")


@pytest.mark.django_db(transaction=True)
async def test_the_room_sees_the_offer_end_when_the_merchant_raises_the_floor(live_room: LiveRoom) -> None:
    assert "floor.moved" in SUBSCRIPTIONS

    def a_show() -> tuple[Stream, Offer]:
        stream = make.show(products=(make.product(),))
        return stream, make.offer(stream, seconds=600, now=timezone.now())

    stream, offer = await aside(a_show)

    def act() -> Any:
        raise_floor(offer, 1000, now=timezone.now())
        LiveRoom.relay()

    viewer: client.Room
    async with live_room.room(stream) as viewer:
        await aside(act)
        ended = await viewer.wait("offer.ended")

    assert ended["d"] == {"id": str(offer.id), "reason": "floor"}
