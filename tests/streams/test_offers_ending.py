"""How offers end, and what a newcomer is told of those that are sold out."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from streams import offers, shows, snapshot
from streams.models import Offer, Stream
from tests.streams import make
from tests.streams.make import after
from tests.streams.test_offers import give_back, take

pytestmark = pytest.mark.django_db


@pytest.fixture
def stream() -> Stream:
    return make.show(products=(make.product(variants=(("Red", 1999, 10), ("Coral", 1499, 10))),))


# --- ending ---


def test_an_extended_offer_runs_longer_and_the_room_is_told(stream: Stream) -> None:
    offer = make.offer(stream, seconds=60)

    longer = offers.extend(host_id=stream.host_id, offer_id=offer.id, seconds=30, now=after(59))

    assert longer.closes_at == after(90)
    t, d = make.told(stream)[-1]
    assert (t, d["ends_at"]) == ("offer.updated", int(after(90).timestamp() * 1000))
    assert take(offer, seconds=89).left == 4


def test_an_offer_that_is_over_cannot_be_extended(stream: Stream) -> None:
    offer = make.offer(stream, seconds=60)

    with pytest.raises(offers.OfferEnded):
        offers.extend(host_id=stream.host_id, offer_id=offer.id, seconds=30, now=after(60))
    with pytest.raises(offers.BadOffer):
        offers.extend(host_id=stream.host_id, offer_id=offer.id, seconds=86_400, now=after(1))


def test_the_host_ends_an_offer_once(stream: Stream) -> None:
    offer = make.offer(stream)
    offers.end(host_id=stream.host_id, offer_id=offer.id, now=after(5))
    offers.end(host_id=stream.host_id, offer_id=offer.id, now=after(6))

    offer.refresh_from_db()
    assert (offer.reason, offer.ended_at) == ("host", after(5))
    assert make.told_types(stream).count("offer.ended") == 1


def test_the_sweep_ends_what_is_over_and_nothing_else(stream: Stream) -> None:
    other = make.show(products=(make.product(),))
    due, running = make.offer(stream, seconds=10), make.offer(other, seconds=20)

    assert offers.close_due(now=after(10)) == 1
    assert offers.close_due(now=after(10)) == 0

    due.refresh_from_db()
    running.refresh_from_db()
    assert (due.status, due.reason, due.ended_at) == ("ended", "time", after(10))
    assert running.status == "open"
    assert make.told(stream)[-1] == ("offer.ended", {"id": str(due.id), "reason": "time"})


def test_an_offer_that_cannot_end_keeps_no_other_open() -> None:
    shows_ = [make.show(products=(make.product(),)) for _ in range(3)]
    first, bad, last = (make.offer(each, seconds=10) for each in shows_)
    make.closed_to_change(bad, while_="status = 'open'")

    assert offers.close_due(now=after(10)) == 2

    assert [Offer.objects.get(pk=each.pk).status for each in (first, bad, last)] == ["ended", "open", "ended"]
    assert [make.told_types(each).count("offer.ended") for each in shows_] == [1, 0, 1]


def test_every_change_makes_the_version_grow(stream: Stream) -> None:
    offer, buyer = make.offer(stream, quota=2), make.user()
    versions = [offer.version]

    versions.append(take(offer, buyer=buyer).version)
    versions.append(give_back(offer, buyer).version)
    versions.append(
        offers.extend(host_id=stream.host_id, offer_id=offer.id, seconds=30, now=after(3)).version
    )
    versions.append(offers.end(host_id=stream.host_id, offer_id=offer.id, now=after(4)).version)

    assert versions == sorted(set(versions))


def test_the_windows_length_is_what_was_asked(stream: Stream) -> None:
    offer = make.offer(stream, seconds=45)

    assert offer.closes_at - offer.opens_at == timedelta(seconds=45)


def test_an_offer_ended_by_hand_after_its_time_has_ended_by_its_time(stream: Stream) -> None:
    offer = make.offer(stream, seconds=60)
    ended = offers.end(host_id=stream.host_id, offer_id=offer.id, now=after(300))
    assert (ended.reason, ended.ended_at) == ("time", after(60))


# --- what a newcomer is told of sold-out offers ---


def sold_out_now(stream: Stream) -> list[str]:
    return [one["id"] for one in snapshot.public(stream=stream)["sold_out"]]


@pytest.fixture
def lately(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set the clock that snapshots are taken by."""

    def at(seconds: float) -> None:
        monkeypatch.setattr("django.utils.timezone.now", lambda: after(seconds))

    at(2)
    return at


def test_a_newcomer_hears_of_a_sold_out_offer_as_long_as_its_time_runs(
    stream: Stream, lately: Callable[[float], None]
) -> None:
    offer = make.offer(stream, quota=1, seconds=60)
    assert sold_out_now(stream) == []
    take(offer)

    shown = snapshot.public(stream=stream)
    assert shown["offers"] == []
    (one,) = shown["sold_out"]
    assert (one["id"], one["status"], one["left"]) == (str(offer.id), "ended", 0)
    lately(59.9)
    assert sold_out_now(stream) == [str(offer.id)]
    lately(60)
    assert sold_out_now(stream) == []


def test_a_newcomer_hears_only_of_the_latest_of_an_item_and_not_beside_an_open_one(
    stream: Stream, lately: Callable[[float], None]
) -> None:
    for seconds in (1, 2):
        latest = sold_out_at(stream, seconds)
        assert sold_out_now(stream) == [str(latest.id)]


def sold_out_at(stream: Stream, seconds: float) -> Offer:
    """An offer of the item that opens and sells out at that time, and is shown as sold out only then."""
    offer = make.offer(stream, quota=1, seconds=60, now=after(seconds))
    assert sold_out_now(stream) == []
    return take(offer, seconds=seconds + 0.5)


def test_offers_that_ended_otherwise_or_with_their_show_are_over(
    stream: Stream, lately: Callable[[float], None]
) -> None:
    ended = make.offer(stream, seconds=60)
    offers.end(host_id=stream.host_id, offer_id=ended.id, now=after(1))
    assert sold_out_now(stream) == []
    take(make.offer(stream, quota=1, seconds=60, now=after(1)), seconds=1.5)
    shows.end(host_id=stream.host_id, stream_id=stream.id, now=after(2))
    assert sold_out_now(Stream.objects.get(pk=stream.pk)) == []
