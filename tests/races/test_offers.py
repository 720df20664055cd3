"""Buyers and hosts at the same moment. Controls beside the races show what happens when a guard is off."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, models, transaction

from commerce import ids
from commerce.models import User
from streams import offers, pins, queries, shows
from streams.models import ChatMessage, Offer, OfferBuyer, Pin, Stream
from streams.offers import clock, quota, rows
from tests.streams import make
from tests.streams.make import NOW, after

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Run the acts in threads that start together; return what each returned or the exception it raised."""
    outcomes: list[Any] = [None] * len(acts)
    line = threading.Barrier(len(acts))

    def run(number: int, act: Callable[[], Any]) -> None:
        try:
            line.wait(10)
            outcomes[number] = act()
        except Exception as error:
            outcomes[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    return outcomes


def taking(offer: Offer, buyer: User, *, units: int = 1) -> Callable[[], Offer]:
    def act() -> Offer:
        with transaction.atomic():
            return offers.take(offer_id=offer.id, buyer_id=buyer.id, units=units, now=after(1))

    return act


@contextmanager
def no_lock(monkeypatch: pytest.MonkeyPatch, *, meet: int = 2) -> Iterator[None]:
    """Switch the lock on the offer off, and let all buyers read it before one of them writes."""
    everybody_has_read = threading.Barrier(meet)

    def unlocked(offer_id: Any) -> Offer:
        offer = Offer.objects.select_related("item").get(pk=offer_id)
        everybody_has_read.wait(10)
        return offer

    with monkeypatch.context() as patch:
        patch.setattr(rows, "locked", unlocked)
        yield


def test_of_two_buyers_of_the_last_unit_one_gets_it() -> None:
    stream = make.show(products=(make.product(),))
    for _ in range(5):
        offer = make.offer(stream, quota=1)

        outcomes = at_once(taking(offer, make.user()), taking(offer, make.user()))

        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Offer", "OfferSoldOut"]
        offer.refresh_from_db()
        assert (offer.left, offer.reason) == (0, "sold_out")
        assert OfferBuyer.objects.filter(offer=offer, units=1).count() == 1


def test_control_without_the_lock_the_last_unit_is_sold_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = make.show(products=(make.product(),))
    offer = make.offer(stream, quota=1)

    with no_lock(monkeypatch):
        at_once(taking(offer, make.user()), taking(offer, make.user()))

    assert OfferBuyer.objects.filter(offer=offer, units=1).count() == 2


def test_twenty_buyers_of_seven_units_take_exactly_seven() -> None:
    stream = make.show(products=(make.product(),))
    offer = make.offer(stream, quota=7)

    outcomes = at_once(*(taking(offer, make.user()) for _ in range(20)))

    assert sum(isinstance(outcome, Offer) for outcome in outcomes) == 7
    assert sum(isinstance(outcome, offers.OfferSoldOut) for outcome in outcomes) == 13
    assert make.told_types(stream).count("offer.ended") == 1


def test_one_buyer_with_two_devices_gets_her_limit() -> None:
    stream, buyer = make.show(products=(make.product(),)), make.user()
    offer = make.offer(stream, quota=9, per_buyer=2)

    outcomes = at_once(*(taking(offer, buyer) for _ in range(4)))

    assert sum(isinstance(outcome, Offer) for outcome in outcomes) == 2
    assert sum(isinstance(outcome, offers.CustomerLimit) for outcome in outcomes) == 2
    offer.refresh_from_db()
    assert offer.left == 7


def test_control_without_the_condition_on_her_row_one_buyer_gets_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_limit(*, offer: Offer, buyer_id: Any, units: int) -> bool:
        holder, _ = OfferBuyer.objects.get_or_create(offer=offer, buyer_id=buyer_id, defaults={"cap": 99})
        holder.units = models.F("units") + units
        holder.save(update_fields=["units"])
        return True

    stream, buyer = make.show(products=(make.product(),)), make.user()
    offer = make.offer(stream, quota=9, per_buyer=2)
    monkeypatch.setattr(quota, "_grant", no_limit)

    at_once(*(taking(offer, buyer) for _ in range(4)))

    assert OfferBuyer.objects.get(offer=offer).units == 4


def test_behind_the_condition_the_rows_constraint_keeps_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_condition(*, offer: Offer, buyer_id: Any, units: int) -> bool:
        holder, _ = OfferBuyer.objects.get_or_create(
            offer=offer, buyer_id=buyer_id, defaults={"cap": offer.per_buyer}
        )
        holder.units = models.F("units") + units
        holder.save(update_fields=["units"])
        return True

    stream, buyer = make.show(products=(make.product(),)), make.user()
    offer = make.offer(stream, quota=9, per_buyer=2)
    monkeypatch.setattr(quota, "_grant", no_condition)

    outcomes = at_once(*(taking(offer, buyer) for _ in range(4)))

    assert sum(isinstance(outcome, IntegrityError) for outcome in outcomes) == 2
    assert OfferBuyer.objects.get(offer=offer).units == 2


def test_units_given_back_while_the_show_ends_leave_no_open_offer() -> None:
    for _ in range(8):
        stream, buyer = make.show(products=(make.product(),)), make.user()
        offer = make.offer(stream, quota=1)
        taking(offer, buyer)()

        def return_it(offer: Offer = offer, buyer: User = buyer) -> Offer:
            return make.given_back(offer, buyer, now=after(2))

        def end_it(stream: Stream = stream) -> Stream:
            return shows.end(host_id=stream.host_id, stream_id=stream.id, now=after(2))

        outcomes = at_once(return_it, end_it)

        assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        offer.refresh_from_db()
        assert (offer.status, offer.left) == ("ended", 1)


def test_of_two_pins_at_once_both_happen_and_one_stays() -> None:
    for _ in range(5):
        stream = make.show(products=(make.product(), make.product()))

        outcomes = at_once(*pinning_both(stream))

        assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        first, second = Pin.objects.filter(stream=stream).order_by("id")
        assert [pin.unpinned_at is None for pin in (first, second)].count(True) == 1
        assert make.told_types(stream).count("product.pinned") == 2


def test_control_without_the_lock_on_the_show_the_constraint_refuses_one_pin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both_have_looked = threading.Barrier(2)
    look = pins.current

    def look_together(*, stream_id: Any) -> Pin | None:
        held = look(stream_id=stream_id)
        both_have_looked.wait(10)
        return held

    def unlocked(*, host_id: Any, stream_id: Any) -> Stream:
        return Stream.objects.get(pk=stream_id)

    stream = make.show(products=(make.product(), make.product()))
    monkeypatch.setattr(queries, "live_show", unlocked)
    monkeypatch.setattr(pins, "current", look_together)

    outcomes = at_once(*pinning_both(stream))

    assert sum(isinstance(outcome, IntegrityError) for outcome in outcomes) == 1
    assert Pin.objects.filter(stream=stream, unpinned_at=None).count() == 1


def test_of_two_offers_for_one_item_at_once_one_opens() -> None:
    stream = make.show(products=(make.product(),))

    outcomes = at_once(lambda: make.offer(stream), lambda: make.offer(stream, amount=500))

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Offer", "OfferAlreadyOpen"]
    assert make.told_types(stream).count("offer.started") == 1


def opening(offer: Offer) -> Callable[[], int]:
    return lambda: offers.open_due(now=after(31))


def test_four_sweeps_and_the_host_open_an_announced_offer_once() -> None:
    stream = make.show(products=(make.product(),))
    offer = make.offer(stream, opens_at=after(30))

    def by_hand() -> Offer:
        return offers.open_now(host_id=stream.host_id, offer_id=offer.id, now=after(31))

    outcomes = at_once(by_hand, *(opening(offer) for _ in range(4)))

    assert isinstance(outcomes[0], Offer)
    assert make.told_types(stream).count("offer.started") == 1
    offer.refresh_from_db()
    assert (offer.status, offer.opens_at) == ("open", after(30))


def test_control_without_the_lock_two_sweeps_tell_the_room_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    both_have_read = threading.Barrier(2)

    def careless(offer_id: Any, item_id: Any, now: Any) -> bool:
        offer = Offer.objects.select_related("item").get(pk=offer_id)
        both_have_read.wait(10)
        with transaction.atomic():
            rows.begin(offer, at=offer.opens_at)
        return True

    stream = make.show(products=(make.product(),))
    offer = make.offer(stream, opens_at=after(30))
    monkeypatch.setattr(clock, "_open", careless)

    at_once(opening(offer), opening(offer))

    assert make.told_types(stream).count("offer.started") == 2


def test_of_two_shows_of_one_host_taken_live_at_once_one_is_live() -> None:
    host = make.host()
    planned = [make.show(host, live=False), make.show(host, live=False)]

    def go(stream: Stream) -> Callable[[], Stream]:
        return lambda: shows.go_live(host_id=host.id, stream_id=stream.id, now=NOW)

    outcomes = at_once(*(go(stream) for stream in planned))

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyLive", "Stream"]
    assert Stream.objects.filter(host=host, status="live").count() == 1


@pytest.mark.parametrize(("no_key", "waits"), [(True, False), (False, True)], ids=["as it is", "control"])
def test_what_refers_to_a_show_does_not_wait_for_its_host(no_key: bool, waits: bool) -> None:
    """Chat lines and purchases refer to the show, so the host's lock must leave the key alone."""
    stream, author = make.show(), make.user()

    def say() -> ChatMessage:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '300ms'")
        return ChatMessage.objects.create(stream=stream, author=author, key=ids.new(), text="Hi")

    with transaction.atomic():
        if no_key:
            queries.live_show(host_id=stream.host_id, stream_id=stream.id)
        else:
            Stream.objects.select_for_update().get(pk=stream.pk)
        [outcome] = at_once(say)

    assert isinstance(outcome, OperationalError) is waits, outcome


def pinning_both(stream: Stream) -> list[Callable[[], Pin]]:
    def pin(number: int) -> Callable[[], Pin]:
        item_id = make.item(stream, number).id
        return lambda: pins.pin(
            host_id=stream.host_id, stream_id=stream.id, item_id=item_id, now=after(1 + number)
        )

    return [pin(0), pin(1)]
