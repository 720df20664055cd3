"""Two relays that find at once that little is left of a variant."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from catalog import telling
from catalog.models import Variant
from catalog.shelf import stock, thresholds
from commerce import clock
from commerce.models import WebhookMessage
from commerce.webhooks import endpoints
from tests.catalog import make
from tests.catalog.make import NOW

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def low() -> Variant:
    """A variant that has fallen to its threshold, which nobody has noticed yet."""
    one = make.variant(make.merchant(), stocked=10)
    endpoints.create(
        merchant_id=one.merchant_id,
        url="https://hooks.example.com/",
        description="",
        event_types=["stock.low"],
        now=clock.database_now() - timedelta(days=1),
    )
    thresholds.set_threshold(merchant_id=one.merchant_id, variant_id=one.pk, low_at=5, now=NOW)
    stock.set_level(merchant_id=one.merchant_id, variant_id=one.pk, available=4, note="", now=NOW)
    return one


def at_once(act: Callable[[], Any], times: int = 2) -> None:
    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)


def together(what: Callable[..., Any]) -> Callable[..., Any]:
    """Have both come to the end of something before either goes on."""
    both = threading.Barrier(2, timeout=10)

    def slowly(*given: Any, **named: Any) -> Any:
        found = what(*given, **named)
        both.wait()
        return found

    return slowly


def test_two_who_find_it_at_once_tell_it_once(low: Variant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thresholds, "moved", together(thresholds.moved))
    at_once(lambda: telling.tell_low(variant_ids=[low.pk], now=clock.database_now()))
    assert WebhookMessage.objects.count() == 1


def test_control_without_the_lock_they_tell_it_twice(low: Variant, monkeypatch: pytest.MonkeyPatch) -> None:
    def unlocked(rows: Any, **_: Any) -> Any:
        return rows.all()

    monkeypatch.setattr(QuerySet, "select_for_update", unlocked)
    monkeypatch.setattr(stock, "look", together(stock.look))
    at_once(lambda: telling.tell_low(variant_ids=[low.pk], now=clock.database_now()))
    assert WebhookMessage.objects.count() == 2


def test_who_looked_too_early_tells_nothing_of_what_has_risen_since(
    low: Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = thresholds.moved

    def late(rows: Any) -> Any:
        found = real(rows)
        stock.adjust(merchant_id=low.merchant_id, variant_id=low.pk, delta=50, note="", now=NOW)
        return found

    monkeypatch.setattr(thresholds, "moved", late)
    assert telling.tell_low(variant_ids=[low.pk], now=clock.database_now()) == 0


def test_what_rises_while_somebody_notes_that_it_is_low_is_told_when_it_falls_again(
    low: Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = stock.look
    looked: list[Any] = []

    def look(variant_ids: Any) -> Any:
        found = real(variant_ids)
        if not looked:
            looked.append(found)
            at_once(rise, 1)
        return found

    def rise() -> None:
        stock.adjust(merchant_id=low.merchant_id, variant_id=low.pk, delta=50, note="", now=NOW)
        # What is not noted yet is not seen: it stands as high, as it is by now.
        assert telling.tell_low(variant_ids=[low.pk], now=clock.database_now()) == 0

    monkeypatch.setattr(stock, "look", look)
    assert telling.tell_low(variant_ids=[low.pk], now=clock.database_now()) == 1
    stock.set_level(merchant_id=low.merchant_id, variant_id=low.pk, available=3, note="", now=NOW)
    assert telling.tell_low(variant_ids=[low.pk], now=clock.database_now()) == 1
