"""An offer is ended, extended and closed by the sweep at once."""

import threading
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from streams import offers
from streams.models import Offer, Stream
from streams.offers import clock, rows
from tests.races.test_offers import at_once
from tests.streams import make
from tests.streams.make import after

pytestmark = pytest.mark.django_db(transaction=True)


def ending_and_extending(stream: Stream) -> Offer:
    """End an offer and let it run longer at the same moment; return what became of it."""
    offer = make.offer(stream, seconds=60)
    her = {"host_id": stream.host_id, "offer_id": offer.id}
    ended, extended = at_once(
        lambda: offers.end(**her, now=after(1)),
        lambda: offers.extend(**her, seconds=30, now=after(1)),
    )
    assert isinstance(ended, Offer)
    assert isinstance(extended, Offer | offers.OfferEnded)
    offer.refresh_from_db()
    assert (offer.status, offer.reason) == ("ended", "host")
    return offer


def test_an_offer_that_is_ended_and_extended_at_once_has_ended_and_runs_no_longer_after() -> None:
    for _ in range(5):
        stream = make.show(products=(make.product(),))
        offer = ending_and_extending(stream)
        changes = make.told_types(stream)[-2:]
        if offer.closes_at == after(60):  # Ended first, so there was nothing to extend.
            assert changes == ["offer.started", "offer.ended"]
            assert offer.version == 1
        else:
            assert changes == ["offer.updated", "offer.ended"]
            assert (offer.closes_at, offer.version) == (after(90), 2)


def test_control_without_its_lock_an_offer_is_extended_after_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    both_have_read = threading.Barrier(2)

    def unlocked(*, host_id: Any, offer_id: Any) -> Offer:
        offer = Offer.objects.select_related("item").get(pk=offer_id)
        both_have_read.wait(10)
        return offer

    monkeypatch.setattr(rows, "of_host", unlocked)
    offer = ending_and_extending(make.show(products=(make.product(),)))
    assert (offer.closes_at, offer.version) == (after(90), 1)  # Two changes under one version.


def test_an_offer_whose_time_is_up_is_extended_or_closed_by_the_sweep_never_both() -> None:
    for _ in range(5):
        stream = make.show(products=(make.product(),))
        offer = make.offer(stream, seconds=60)
        her = {"host_id": stream.host_id, "offer_id": offer.id}
        extended, closed = at_once(
            partial(offers.extend, **her, seconds=30, now=after(59.9)),
            partial(offers.close_due, now=after(60)),
        )
        offer.refresh_from_db()
        if isinstance(extended, offers.OfferEnded):
            assert (offer.status, closed) == ("ended", 1)
        else:
            assert (offer.status, offer.closes_at, closed) == ("open", after(90), 0)


def closed_after_the_sweep_saw_it_over(monkeypatch: pytest.MonkeyPatch, close: Any) -> tuple[Offer, int]:
    """Extend an offer, whose host was in time, when the sweep has found it and not ended it yet.

    Returns the offer, and how many the sweep has closed.
    """
    stream = make.show(products=(make.product(),))
    offer = make.offer(stream, seconds=60)
    found, extended = threading.Event(), threading.Event()

    def late(offer_id: Any, now: Any) -> Any:
        return close(offer_id, now, found, extended)

    def extend() -> Offer:
        found.wait(10)
        longer = offers.extend(host_id=stream.host_id, offer_id=offer.id, seconds=30, now=after(59.9))
        extended.set()
        return longer

    monkeypatch.setattr(clock, "_close", late)
    outcome, closed = at_once(extend, lambda: offers.close_due(now=after(60)))
    assert isinstance(outcome, Offer), outcome
    offer.refresh_from_db()
    return offer, closed


def test_an_offer_that_is_extended_after_the_sweep_found_it_stays_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = clock._close

    def close(offer_id: Any, now: Any, found: threading.Event, extended: threading.Event) -> bool:
        found.set()
        extended.wait(10)
        return real(offer_id, now)

    offer, closed = closed_after_the_sweep_saw_it_over(monkeypatch, close)
    assert (offer.status, offer.closes_at, closed) == ("open", after(90), 0)


def test_control_without_looking_again_under_the_lock_an_extended_offer_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def careless(offer_id: Any, now: Any, found: threading.Event, extended: threading.Event) -> bool:
        offer = Offer.objects.select_related("item").get(pk=offer_id)
        found.set()
        extended.wait(10)
        with transaction.atomic():
            rows.end(offer, reason=Offer.Reason.TIME, at=offer.closes_at)
        return True

    offer, closed = closed_after_the_sweep_saw_it_over(monkeypatch, careless)
    assert (offer.status, offer.ended_at, offer.closes_at, closed) == ("ended", after(60), after(90), 1)
