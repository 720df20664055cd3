"""Another card is tried in the moment in which the grace ends: the units are hers or go back, never both."""

import threading
from typing import Any

import pytest

from orders import expiry, holds, moves
from orders.models import Hold, Payment, Purchase
from orders.settling import charging, payments
from tests.orders import make
from tests.orders.make import after
from tests.orders.threads import at_once
from tests.orders.waitlist.lining import Drop, drop

pytestmark = pytest.mark.django_db(transaction=True)

GRACE = 60
OVER = after(1 + GRACE)


def declined() -> tuple[Drop, Purchase]:
    made = drop(stocked=1, quota=1, seconds=600, grace_seconds=GRACE)
    purchase = made.buy()
    payments.apply(intent=make.said(make.sent(purchase), "declined"), now=after(1))
    return made, Purchase.objects.get(pk=purchase.pk)


def retry(purchase: Purchase) -> Purchase:
    return charging.retry(purchase_id=purchase.id, buyer_id=purchase.buyer_id, card_id=None, now=OVER)


@pytest.mark.parametrize("number", range(5))
def test_whoever_is_first_the_unit_is_in_one_place(number: int) -> None:
    made, purchase = declined()

    outcomes = at_once([lambda: retry(purchase), lambda: expiry.sweep(now=OVER)])

    assert not [each for each in outcomes if isinstance(each, Exception)]
    purchase.refresh_from_db()
    assert (purchase.status, purchase.grace_until) == ("accepted", None)
    assert made.left() == (0, 0)
    assert Hold.objects.get().status == "held"
    assert Payment.objects.filter(purchase=purchase, status="created").count() == 1
    assert make.broken() == []


def sweep_between(monkeypatch: pytest.MonkeyPatch, let_go: Any) -> Drop:
    """Retry in the moment between the sweep's look at what is over and its turn to give it back."""
    made, purchase = declined()
    looked, tried = threading.Event(), threading.Event()

    def late(ids: Any, now: Any) -> Any:
        looked.set()
        tried.wait(10)
        return let_go(ids, now)

    def hers() -> None:
        looked.wait(10)
        retry(purchase)
        tried.set()

    monkeypatch.setattr(expiry, "_let_go", late)
    assert at_once([hers, lambda: expiry.sweep(now=OVER)])[0] is None
    return made


def test_what_she_takes_after_the_sweep_has_looked_stays_hers(monkeypatch: pytest.MonkeyPatch) -> None:
    made = sweep_between(monkeypatch, expiry._let_go)

    assert made.left() == (0, 0)
    assert make.broken() == []


def test_control_a_sweep_that_does_not_look_again_gives_her_unit_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def careless(ids: Any, now: Any) -> Any:
        rows = list(Purchase.objects.filter(pk__in=ids))
        moves.notes(rows, reason="over", now=now)
        holds.release_all(purchases=rows, now=now)
        return ids

    made = sweep_between(monkeypatch, careless)

    assert made.left() == (1, 1)
    assert "holds-follow-purchases" in make.broken()
