"""Offers that are announced: a countdown, opened by the clock or by the host, never two at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction

from catalog.models import Variant
from catalog.pricing import floors
from commerce.models import Event, User
from streams import offers, queries, showcase, shows, snapshot
from streams.models import Offer, Stream
from tests.streams import make
from tests.streams.make import NOW, after

pytestmark = pytest.mark.django_db


@pytest.fixture
def stream() -> Stream:
    return make.show(products=(make.product(),))


def announced(stream: Stream, *, opens: float = 30, seconds: int = 60, **more: object) -> Offer:
    return make.offer(stream, opens_at=after(opens), seconds=seconds, **more)  # type: ignore[arg-type]


def take(offer: Offer, *, seconds: float) -> Offer:
    with transaction.atomic():
        return offers.take(offer_id=offer.id, buyer_id=make.user().id, units=1, now=after(seconds))


def hers(stream: Stream, offer: Offer) -> dict[str, object]:
    return {"host_id": stream.host_id, "offer_id": offer.id}


def test_the_room_hears_when_an_offer_will_open_and_late_joiners_see_it(stream: Stream) -> None:
    offer = announced(stream)

    t, d = make.told(stream)[-1]
    assert (t, d["status"], d["starts_at"], d["ends_at"]) == (
        "offer.announced",
        "announced",
        int(after(30).timestamp() * 1000),
        int(after(90).timestamp() * 1000),
    )
    assert [one["id"] for one in snapshot.public(stream=stream)["offers"]] == [str(offer.id)]


@pytest.mark.parametrize("ahead", [-1, 0, 4.9, 86_401])
def test_an_offer_is_announced_five_seconds_to_a_day_ahead(stream: Stream, ahead: float) -> None:
    with pytest.raises(offers.BadOffer) as refused:
        announced(stream, opens=ahead)

    assert list(refused.value.data["errors"]) == ["opens_in"]
    assert announced(stream, opens=5).status == "announced"


def test_before_its_time_it_sells_nothing_and_at_its_time_it_does_though_no_sweep_came(
    stream: Stream,
) -> None:
    offer = announced(stream)

    with pytest.raises(offers.OfferNotStarted) as refused:
        take(offer, seconds=29.999)
    assert refused.value.data["starts_at"] == int(after(30).timestamp() * 1000)
    assert take(offer, seconds=30).left == 4
    assert Offer.objects.get().status == "announced"


def test_the_sweep_opens_it_at_its_time_and_tells_the_room_once(stream: Stream) -> None:
    offer = announced(stream)

    assert offers.open_due(now=after(29.9)) == 0
    assert offers.open_due(now=after(31)) == 1
    assert offers.open_due(now=after(31)) == 0

    offer.refresh_from_db()
    assert (offer.status, offer.opens_at, offer.closes_at) == ("open", after(30), after(90))
    assert make.told_types(stream)[-2:] == ["offer.announced", "offer.started"]


def test_an_offer_that_cannot_open_keeps_no_other_closed() -> None:
    shows_ = [make.show(products=(make.product(),)) for _ in range(3)]
    first, bad, last = (announced(each) for each in shows_)
    make.closed_to_change(bad, while_="status = 'announced'")

    assert offers.open_due(now=after(31)) == 2

    now = [Offer.objects.get(pk=each.pk).status for each in (first, bad, last)]
    assert now == ["open", "announced", "open"]


def test_an_offer_sold_out_before_any_sweep_ends_and_opens_again_when_a_unit_returns(stream: Stream) -> None:
    offer, buyer = announced(stream, quota=1), make.user()
    with transaction.atomic():
        offers.take(offer_id=offer.id, buyer_id=buyer.id, units=1, now=after(31))
    assert offers.open_due(now=after(32)) == 0
    make.given_back(offer, buyer, now=after(33))

    assert Offer.objects.get().status == "open"
    assert make.told_types(stream)[-2:] == ["offer.ended", "offer.started"]


def test_the_host_opens_it_early_for_as_long_as_was_announced(stream: Stream) -> None:
    offer = announced(stream)

    for _ in range(2):
        opened = offers.open_now(**hers(stream, offer), now=after(10))  # type: ignore[arg-type]

        assert (opened.status, opened.opens_at, opened.closes_at) == ("open", after(10), after(70))
    assert make.told_types(stream).count("offer.started") == 1
    assert take(offer, seconds=11).left == 4


def test_opened_by_hand_after_its_time_it_keeps_its_window(stream: Stream) -> None:
    offer = announced(stream)

    opened = offers.open_now(**hers(stream, offer), now=after(40))  # type: ignore[arg-type]

    assert (opened.opens_at, opened.closes_at) == (after(30), after(90))


def test_an_announced_offer_can_be_called_off_and_is_never_opened(stream: Stream) -> None:
    offer = announced(stream)
    offers.end(**hers(stream, offer), now=after(5))  # type: ignore[arg-type]

    assert offers.open_due(now=after(31)) == 0
    with pytest.raises(offers.OfferEnded):
        take(offer, seconds=31)
    with pytest.raises(offers.OfferEnded):
        offers.open_now(**hers(stream, offer), now=after(31))  # type: ignore[arg-type]
    assert make.told(stream)[-1] == ("offer.ended", {"id": str(offer.id), "reason": "host"})


def test_an_announced_offer_ends_with_its_show(stream: Stream) -> None:
    offer = announced(stream)
    shows.end(host_id=stream.host_id, stream_id=stream.id, now=after(5))

    offer.refresh_from_db()
    assert (offer.status, offer.reason) == ("ended", "host")


def test_the_windows_of_one_item_never_overlap(stream: Stream) -> None:
    running = make.offer(stream, seconds=40)
    with pytest.raises(offers.OfferAlreadyOpen):
        announced(stream, opens=39)
    ahead = announced(stream, opens=40, seconds=60)
    with pytest.raises(offers.OfferAnnounced):
        announced(stream, opens=200)
    with pytest.raises(offers.OfferAnnounced):
        offers.extend(**hers(stream, running), seconds=5, now=after(1))  # type: ignore[arg-type]
    with pytest.raises(offers.OfferAlreadyOpen):
        offers.open_now(**hers(stream, ahead), now=after(39))  # type: ignore[arg-type]
    offers.end(**hers(stream, running), now=after(2))  # type: ignore[arg-type]
    with pytest.raises(offers.OfferAnnounced):
        make.offer(stream, seconds=39, now=after(3))

    assert make.offer(stream, seconds=37, now=after(3)).status == "open"
    assert offers.close_due(now=after(41)) == 1
    assert offers.open_due(now=after(41)) == 1


def test_one_that_is_due_ends_the_one_before_whichever_sweep_comes_first(stream: Stream) -> None:
    before = make.offer(stream, seconds=40)
    announced(stream, opens=41)

    assert offers.open_due(now=after(42)) == 1
    assert offers.close_due(now=after(42)) == 0

    before.refresh_from_db()
    assert (before.reason, before.ended_at) == ("time", after(40))
    assert make.told_types(stream)[-2:] == ["offer.ended", "offer.started"]


@pytest.mark.django_db(transaction=True)
def test_one_that_is_due_waits_while_somebody_keeps_the_one_before_locked(stream: Stream) -> None:
    before = make.offer(stream, seconds=40)
    announced(stream, opens=40)
    with transaction.atomic():
        Offer.objects.select_for_update().get(pk=before.pk)
        with ThreadPoolExecutor(1) as elsewhere:
            opened = elsewhere.submit(_and_close, lambda: offers.open_due(now=after(41)))
            assert opened.result(10) == 0
    assert offers.open_due(now=after(41)) == 1


def _and_close(act: Callable[[], int]) -> int:
    try:
        return act()
    finally:
        connection.close()


def test_the_database_refuses_two_announced_offers_for_one_item(stream: Stream) -> None:
    offer = announced(stream)
    offer.pk = None
    with pytest.raises(IntegrityError, match="offer_one_announced_per_item"), transaction.atomic():
        Offer(
            **{
                field.attname: getattr(offer, field.attname)
                for field in Offer._meta.concrete_fields
                if field.attname not in ("id", "created_at")
            }
        ).save(force_insert=True)


def test_an_announced_offer_can_be_extended(stream: Stream) -> None:
    offer = announced(stream)

    assert offers.extend(**hers(stream, offer), seconds=30, now=after(1)).closes_at == after(120)  # type: ignore[arg-type]
    assert make.told_types(stream)[-1] == "offer.updated"


def test_an_item_with_an_announced_offer_stays_in_the_showcase(stream: Stream) -> None:
    announced(stream)

    with pytest.raises(showcase.ItemHasOffer):
        showcase.remove(
            host_id=stream.host_id, stream_id=stream.id, item_id=make.item(stream).id, now=after(1)
        )


def test_only_her_host_announces_and_only_in_a_live_show(stream: Stream) -> None:
    offer = announced(stream)
    with pytest.raises(offers.UnknownOffer):
        offers.open_now(host_id=make.host().id, offer_id=offer.id, now=after(1))
    with pytest.raises(queries.StreamNotLive):
        announced(make.show(live=False, products=(make.product(),)))


# --- floors ---


def floor(variant: Variant, amount: int) -> None:
    floors.set_floor(
        merchant_id=variant.merchant_id, variant_id=variant.pk, amount=amount, currency=None, now=NOW
    )


def test_no_host_opens_an_offer_below_the_floor_of_any_of_its_variants() -> None:
    stream = make.show(products=(make.product(variants=(("Red", 1999, 10), ("Coral", 1499, 10))),))
    red, coral = Variant.objects.order_by("position")
    floor(red, 1200)
    floor(coral, 1000)

    with pytest.raises(offers.PriceBelowFloor) as refused:
        make.offer(stream, amount=1199)
    assert refused.value.data == {"floor": {"amount": 1200, "currency": "EUR"}}
    with pytest.raises(offers.PriceBelowFloor):
        announced(stream, amount=999, variant_id=coral.id)
    assert announced(stream, amount=1199, variant_id=coral.id).amount == 1199
    assert not Event.objects.filter(payload__t="offer.started").exists()


# --- a sold-out offer that comes back before the next one ---


def sold_out_then_announced(stream: Stream) -> tuple[Offer, User, Offer]:
    """An offer until 100 that is sold out, its buyer, and the next offer of the item from 50 on."""
    first, buyer = make.offer(stream, quota=1, seconds=100), make.user()
    with transaction.atomic():
        offers.take(offer_id=first.id, buyer_id=buyer.id, units=1, now=after(1))
    return first, buyer, announced(stream, opens=50, seconds=60)


def back(offer: Offer, buyer: User, *, seconds: float) -> Offer:
    return make.given_back(offer, buyer, now=after(seconds))


def test_an_offer_that_sells_again_ends_when_the_next_one_begins(stream: Stream) -> None:
    first, buyer, following = sold_out_then_announced(stream)

    again = back(first, buyer, seconds=10)

    assert (again.status, again.closes_at) == ("open", after(50))
    assert make.told(stream)[-1][1]["ends_at"] == int(after(50).timestamp() * 1000)
    with pytest.raises(offers.OfferEnded):
        take(first, seconds=50)
    assert offers.close_due(now=after(50)) == 1
    assert offers.open_due(now=after(50)) == 1
    following.refresh_from_db()
    assert (following.status, following.opens_at) == ("open", after(50))


def test_an_offer_does_not_sell_again_once_the_next_one_has_begun(stream: Stream) -> None:
    first, buyer, _ = sold_out_then_announced(stream)

    again = back(first, buyer, seconds=50)  # No sweep has opened the next one yet.

    assert (again.status, again.reason, again.left) == ("ended", "sold_out", 1)
    assert offers.open_due(now=after(51)) == 1


def test_the_clock_ends_what_runs_where_the_next_one_was_announced_for(stream: Stream) -> None:
    """As when a unit came back while the next offer was just being announced."""
    first, _, following = sold_out_then_announced(stream)
    Offer.objects.filter(pk=first.pk).update(status="open", reason="", ended_at=None, left=1)

    assert offers.open_due(now=after(51)) == 1

    first.refresh_from_db()
    following.refresh_from_db()
    assert (first.status, first.reason, first.ended_at) == ("ended", "time", after(50))
    assert (following.status, following.opens_at) == ("open", after(50))
    assert make.told_types(stream)[-2:] == ["offer.ended", "offer.started"]


def test_a_floor_that_rose_meanwhile_keeps_the_host_from_opening_it(stream: Stream) -> None:
    offer = announced(stream)
    variant = Variant.objects.filter(product=make.item(stream).product).first()
    assert variant is not None
    floors.set_floor(
        merchant_id=variant.merchant_id, variant_id=variant.id, amount=1000, currency=None, now=after(1)
    )

    with pytest.raises(offers.PriceBelowFloor):
        offers.open_now(**hers(stream, offer), now=after(10))  # type: ignore[arg-type]

    offer.refresh_from_db()
    assert offer.status == "announced"
