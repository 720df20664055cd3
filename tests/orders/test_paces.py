"""How often one may press buy, and who is let in, over one real Redis."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings

from commerce import errors, redis_client
from config.embedded import free_port
from orders import paces
from streams import waitingroom
from streams.models import Offer
from tests.orders.make import after
from tests.orders.waitlist.lining import Drop, drop

pytestmark = pytest.mark.django_db

REDIS_URL = django_settings.REDIS_URL


@pytest.fixture(autouse=True)
def _one_minute(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All presses fall into one window, whenever the test runs; rules are read anew."""
    paces._rules.clear()
    monkeypatch.setattr(paces, "_away_until", 0.0)
    monkeypatch.setattr(paces, "WINDOW_MS", 24 * 3_600_000)
    yield
    paces._rules.clear()


def asked(made: Drop, buyer: Any) -> errors.Refusal | None:
    """Press once; returns why that may not be."""
    return paces.allow_many([(buyer, [made.offer.id])])[0]


def press(made: Drop, buyer: Any, times: int = 1) -> list[Any]:
    return [refusal and refusal.code for refusal in paces.allow_many([(buyer, [made.offer.id])] * times)]


def test_an_offer_bounds_how_often_one_buyer_presses() -> None:
    made, ana, bea = drop(tries_per_minute=3), uuid4(), uuid4()

    assert press(made, ana, 5) == [None] * 3 + ["RATE_LIMITED"] * 2
    assert press(made, bea, 1) == [None]
    # Another offer has its own count.
    assert press(drop(tries_per_minute=3), ana) == [None]


def test_who_presses_too_fast_is_told_when_to_come_again() -> None:
    made = drop(tries_per_minute=1)
    ana = uuid4()
    press(made, ana)

    refusal = asked(made, ana)

    assert isinstance(refusal, paces.TooFast)
    assert refusal.status == 429
    assert 0 < (refusal.retry_ms or 0) <= paces.WINDOW_MS


def test_there_is_a_bound_over_all_offers(settings: Any) -> None:
    settings.PURCHASES_PER_MINUTE = 2
    ana = uuid4()

    assert [press(drop(), ana)[0] for _ in range(3)] == [None, None, "RATE_LIMITED"]
    assert paces.allow_many([(uuid4(), [])]) == [None]


def test_an_offer_without_a_bound_has_none() -> None:
    assert press(drop(), uuid4(), 50) == [None] * 50


def test_a_batch_is_counted_in_one_journey(monkeypatch: pytest.MonkeyPatch) -> None:
    made, run = drop(tries_per_minute=1), redis_client.run
    journeys: list[int] = []

    def counted(*given: Any) -> Any:
        journeys.append(1)
        return run(*given)

    monkeypatch.setattr(redis_client, "run", counted)

    refusals = paces.allow_many([(uuid4(), [made.offer.id]) for _ in range(500)])

    assert refusals == [None] * 500
    assert len(journeys) == 1


def test_without_redis_everybody_is_let_through(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made, ana = drop(tries_per_minute=1, admits_per_second=1), uuid4()
    assert press(made, ana, 2) == ["NOT_YOUR_TURN", "RATE_LIMITED"]

    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    redis_client.sync.cache_clear()
    try:
        assert press(made, ana, 3) == [None] * 3
    finally:
        redis_client.sync.cache_clear()

    # It is not asked again at once, and then counts as before.
    settings.REDIS_URL = REDIS_URL
    assert press(made, ana, 3) == [None] * 3
    monkeypatch.setattr(paces, "_away_until", 0.0)
    assert press(made, ana) == ["RATE_LIMITED"]


def test_only_who_was_let_in_passes_the_door() -> None:
    made = drop(admits_per_second=1)
    ana, bea = uuid4(), uuid4()
    waitingroom.enter(user_id=ana, stream_id=made.stream.id, offer_id=made.offer.id, now=after(1))
    waiting = asked(made, ana)
    outside = asked(made, bea)
    assert isinstance(waiting, waitingroom.NotYourTurn)
    assert isinstance(outside, errors.Refusal)
    assert (waiting.data, outside.data) == ({"position": 1}, {"position": None})

    waitingroom.let_in(user_id=ana, offer_id=made.offer.id, until=after(3600))

    assert asked(made, ana) is None
    assert asked(made, bea) is not None


def test_rules_that_change_count_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    made, ana = drop(), uuid4()
    press(made, ana)
    Offer.objects.filter(pk=made.offer.pk).update(tries_per_minute=1)
    assert press(made, ana, 3) == [None] * 3

    monkeypatch.setattr(paces, "RULES_SECONDS", 0.0)
    assert press(made, ana, 3) == [None, "RATE_LIMITED", "RATE_LIMITED"]
