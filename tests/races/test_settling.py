"""Answers, presses and the end of the hold at the same moment, against the simulator's own books."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import Q

from commerce import gateway
from commerce.models import LedgerTransaction
from orders import expiry, moves
from orders.models import Payment, Purchase
from orders.settling import attempts, charging, payments
from tests.orders import make
from tests.orders.make import after
from tests.orders.threads import at_once
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db(transaction=True)


def bought(card: str = "pm_card_visa", *, stocked: int = 10) -> Purchase:
    return make.basket((make.variant(stocked=stocked), 1), by=make.real_buyer(card)).go()


def intents(server: StripeServer, purchase: Purchase) -> list[Any]:
    customer = purchase.buyer.customer.provider_id
    return list(server.client().v1.payment_intents.list({"customer": customer}).data)


def charging_of(purchase: Purchase, *, seconds: float = 1) -> Callable[[], None]:
    return lambda: charging.charge(purchase_id=purchase.id, now=after(seconds))


# --- one charge per attempt ---


def test_control_with_a_key_per_request_a_task_that_runs_twice_charges_twice(
    stripe_server: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    purchase = bought()
    charge, both = gateway.charge, threading.Barrier(2)

    def with_a_key_per_request(**given: Any) -> Any:
        both.wait(20)  # Neither has paid before the other asks.
        return charge(**{**given, "key": str(uuid4())})

    monkeypatch.setattr(gateway, "charge", with_a_key_per_request)
    monkeypatch.setattr(attempts, "ASKED_AGAIN_AFTER", after(0) - after(0))

    at_once([charging_of(purchase)] * 2)

    assert len(intents(stripe_server, purchase)) == 2


def test_a_task_that_runs_four_times_at_once_charges_once(
    stripe_server: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when nothing but the attempt's key stands in the way."""
    purchase = bought()
    monkeypatch.setattr(attempts, "ASKED_AGAIN_AFTER", after(0) - after(0))

    at_once([charging_of(purchase)] * 4)
    charging.charge(purchase_id=purchase.id, now=after(60))

    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.PAID
    assert len(intents(stripe_server, purchase)) == 1
    assert make.broken() == []


def test_pay_pressed_on_two_devices_is_one_attempt(stripe_server: StripeServer) -> None:
    purchase = bought("pm_card_chargeCustomerFail")
    charging.charge(purchase_id=purchase.id, now=after(1))

    def press() -> Purchase:
        return charging.retry(purchase_id=purchase.id, buyer_id=purchase.buyer_id, card_id=None, now=after(5))

    outcomes = at_once([press] * 3)

    assert [outcome.status for outcome in outcomes] == ["accepted"] * 3
    assert Payment.objects.filter(purchase=purchase).count() == 2
    assert make.broken() == []


# --- one effect per answer ---


def _says_paid(purchase: Purchase) -> Callable[[], Purchase | None]:
    intent = make.said(make.sent(purchase), "succeeded")
    return lambda: payments.apply(intent=intent, now=after(2))


def test_task_webhook_and_sweep_at_once_book_once() -> None:
    purchase = make.basket((make.variant(), 1)).go()

    outcomes = at_once([_says_paid(purchase)] * 4)

    assert {outcome.status for outcome in outcomes} == {"paid"}
    assert sorted(LedgerTransaction.objects.values_list("kind", flat=True)) == ["capture", "sale"]
    assert make.broken() == []


def test_control_without_the_lock_the_second_ring_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have read "not paid yet": the conditional update lets one through, and the other rolls back."""
    purchase = make.basket((make.variant(), 1)).go()
    both_have_read = threading.Barrier(2)

    def unlocked(ours: Any, *, in_company: bool) -> Any:
        assert not in_company
        ((_, payment_id, purchase_id),) = ours
        found = Purchase.objects.in_bulk([purchase_id]), Payment.objects.in_bulk([payment_id])
        both_have_read.wait(10)
        return found

    monkeypatch.setattr(payments, "_locked", unlocked)

    outcomes = at_once([_says_paid(purchase)] * 2)

    assert sum(isinstance(outcome, moves.IllegalMove) for outcome in outcomes) <= 1
    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.PAID
    assert LedgerTransaction.objects.count() == 2
    assert make.broken() == []


# --- the end of the hold ---


@pytest.mark.parametrize("round_", range(4))
def test_a_buyer_answers_her_bank_at_the_moment_the_hold_ends(
    stripe_server: StripeServer, round_: int
) -> None:
    purchase = bought("pm_card_authenticationRequired", stocked=1)
    charging.charge(purchase_id=purchase.id, now=after(1))
    found = charging.action(purchase_id=purchase.id)
    payment = Payment.objects.get()
    assert found is not None
    secret = str(found[1].client_secret)

    def answer() -> None:
        make.answer_bank(stripe_server, secret)
        charging.check(payment_id=payment.id, now=after(701))

    at_once([answer, lambda: expiry.expire(purchase_id=purchase.id, now=after(700))])

    purchase.refresh_from_db()
    (intent,) = intents(stripe_server, purchase)
    assert (intent.status, purchase.status) in [("succeeded", "paid"), ("canceled", "expired")]
    assert make.broken() == []


def test_an_unsent_charge_and_the_end_of_the_hold_do_not_both_win(stripe_server: StripeServer) -> None:
    purchase = bought(stocked=1)

    at_once(
        [
            charging_of(purchase, seconds=599),
            lambda: expiry.expire(purchase_id=purchase.id, now=after(600)),
            lambda: expiry.expire(purchase_id=purchase.id, now=after(600)),
        ]
    )
    expiry.expire(purchase_id=purchase.id, now=after(700))

    purchase.refresh_from_db()
    taken = sum(intent.amount_received for intent in intents(stripe_server, purchase))
    assert (purchase.status, taken) in [("paid", purchase.amount), ("expired", 0)]
    assert make.broken() == []


def test_two_sweeps_at_once_are_harmless(stripe_server: StripeServer) -> None:
    purchases = [bought() for _ in range(4)]

    def sweep() -> None:
        for purchase_id in expiry.due(now=after(600), limit=10):
            expiry.expire(purchase_id=purchase_id, now=after(600))

    at_once([sweep] * 3)

    assert {Purchase.objects.get(pk=purchase.pk).status for purchase in purchases} == {"expired"}
    assert make.broken() == []


def asked_by_two_sweeps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often the provider is asked to end each of two late charges, by two sweeps that found both."""
    purchases = [bought("pm_card_authenticationRequired", stocked=1) for _ in range(2)]
    for purchase in purchases:
        charging.charge(purchase_id=purchase.id, now=after(1))
    found, asking = threading.Barrier(2), threading.Barrier(2)
    cancel = gateway.cancel
    asked: list[str] = []

    def counted(provider_id: str) -> Any:
        asked.append(provider_id)
        with suppress(threading.BrokenBarrierError):
            asking.wait(5)  # Neither has its answer before the other one asks.
        return cancel(provider_id)

    def sweep() -> None:
        late = expiry.in_flight(now=after(700), limit=10)
        found.wait(20)
        for purchase_id in late:
            expiry.expire(purchase_id=purchase_id, now=after(700))

    monkeypatch.setattr(gateway, "cancel", counted)

    assert at_once([sweep] * 2) == [None, None]
    assert set(Purchase.objects.values_list("status", flat=True)) == {"expired"}
    assert make.broken() == []
    return [asked.count(str(payment.provider_id)) for payment in Payment.objects.all()]


def test_two_sweeps_at_once_ask_the_provider_once_for_each_purchase(
    stripe_server: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked_by_two_sweeps(monkeypatch) == [1, 1]


def test_control_without_writing_down_who_asks_both_ask(
    stripe_server: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "_unasked", lambda now: Q())

    assert asked_by_two_sweeps(monkeypatch) == [2, 2]
