"""Many purchases on the conveyor: each ends as it would alone, and nobody is hurt by his neighbours."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commerce import gateway
from commerce.models import Card, Customer
from orders import recovery
from orders.models import Payment, Purchase, Setback
from orders.settling import attempts, conveyor, payments
from tests.orders import make
from tests.orders.threads import at_once
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db(transaction=True)


def bought(number: int, card: str = "pm_card_visa") -> list[Purchase]:
    goods, buyer = make.variant(stocked=number), make.real_buyer(card)
    return [make.basket((goods, 1), by=buyer).go(now=timezone.now()) for _ in range(number)]


def charged(purchases: Sequence[Purchase], *, seconds: float = 30) -> dict[UUID, Exception | None]:
    """Put them on the conveyor of this process; what went wrong with each."""
    passed = conveyor.belt().charge_all(
        [each.id for each in purchases], clock=timezone.now, until=time.monotonic() + seconds
    )
    return {each.purchase_id: each.error for each in passed}


def statuses(purchases: Sequence[Purchase]) -> list[str]:
    return [Purchase.objects.get(pk=each.pk).status for each in purchases]


def until(true: Callable[[], Any], *, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_each_ends_as_its_card_says(stripe_server: StripeServer) -> None:
    cards = ["pm_card_visa", "pm_card_chargeCustomerFail", "pm_card_authenticationRequired"]
    purchases = [each for card in cards for each in bought(3, card)]

    assert set(charged(purchases).values()) == {None}

    assert statuses(purchases) == ["paid"] * 3 + ["declined"] * 3 + ["action_required"] * 3
    assert make.broken() == []


def test_no_more_are_written_down_as_sent_than_are_asked(
    stripe_server: StripeServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SETTLE_THREADS, purchases, ask = 3, bought(8), attempts.ask
    may_ask, asking = threading.Event(), threading.Semaphore(0)

    def held_up(attempt: attempts.Attempt) -> attempts.Said:
        asking.release()
        may_ask.wait(20)
        return ask(attempt)

    monkeypatch.setattr(attempts, "ask", held_up)
    asker = threading.Thread(target=charged, args=[purchases])
    asker.start()
    for _ in range(3):
        assert asking.acquire(timeout=20)

    assert Payment.objects.count() == 3
    may_ask.set()
    asker.join(20)

    assert statuses(purchases) == ["paid"] * 8


def test_while_too_many_answers_wait_to_be_taken_in_nothing_more_is_asked(
    stripe_server: StripeServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SETTLE_THREADS, purchases, apply_all = 2, bought(12), payments.apply_all
    may_apply = threading.Event()

    def held_up(*given: Any, **more: Any) -> Any:
        may_apply.wait(30)
        return apply_all(*given, **more)

    monkeypatch.setattr(payments, "apply_all", held_up)
    monkeypatch.setattr(conveyor, "UNAPPLIED", 3)
    asker = threading.Thread(target=charged, args=[purchases])
    asker.start()
    belt = conveyor.belt()

    def stands() -> bool:
        with belt._lock:
            return len(belt._answered) >= 3 and not belt._asking and not belt._beginning

    until(stands)

    assert Payment.objects.count() < 12
    may_apply.set()
    asker.join(30)

    assert statuses(purchases) == ["paid"] * 12


def test_nothing_is_begun_past_its_time(stripe_server: StripeServer) -> None:
    purchases = bought(2)

    assert charged(purchases, seconds=-1) == {each.id: None for each in purchases}

    assert not Payment.objects.exists()


def test_the_threads_that_ask_have_no_connection_to_the_database(
    stripe_server: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking: dict[str, Any] = {}
    ask = attempts.ask

    def looked_at(attempt: attempts.Attempt) -> attempts.Said:
        asking[threading.current_thread().name] = connection.connection
        return ask(attempt)

    monkeypatch.setattr(attempts, "ask", looked_at)
    purchases = bought(6)

    charged(purchases)

    assert statuses(purchases) == ["paid"] * 6
    assert asking == {"settle.calls": None}


def test_one_that_the_database_will_not_take_fails_alone(
    stripe_server: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    purchases, other = bought(5), bought(1)[0]
    make.sent(other)
    Payment.objects.update(provider_id="pi_taken")
    ask = attempts.ask

    def with_the_intent_of_another(attempt: attempts.Attempt) -> Any:
        said = ask(attempt)
        if attempt.purchase_id == purchases[2].id:
            return make.said(Payment.objects.get(pk=attempt.payment_id), "succeeded", id="pi_taken")
        return said

    monkeypatch.setattr(attempts, "ask", with_the_intent_of_another)

    recovery.settle(purchase_ids=[each.id for each in purchases], clock=timezone.now)

    assert statuses(purchases) == ["paid", "paid", "accepted", "paid", "paid"]
    assert [each.subject for each in Setback.objects.all()] == [str(purchases[2].id)]


def test_control_who_is_not_done_alone_fails_with_the_others(
    stripe_server: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_the_others(work: Callable[[], Any], size: int) -> Any:
        try:
            return work()
        except Exception as error:
            return [error] * size

    monkeypatch.setattr(conveyor, "_tried", with_the_others)
    purchases = bought(3)
    monkeypatch.setattr(payments, "apply_all", raising(ValueError))

    assert {type(each) for each in charged(purchases).values()} == {ValueError}
    assert statuses(purchases) == ["accepted"] * 3


def raising(error: type[Exception]) -> Callable[..., Any]:
    def work(*_: object, **__: object) -> None:
        raise error

    return work


@pytest.mark.parametrize("step", ["begin_all", "apply_all"])
def test_when_many_cannot_be_written_together_each_is_alone(
    stripe_server: StripeServer, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    where: Any = attempts if step == "begin_all" else payments
    real, in_company = getattr(where, step), 0

    def only_alone(*given: Any, alone: bool = False) -> Any:
        nonlocal in_company
        if not alone:
            in_company += 1
            raise RuntimeError
        return real(*given, alone=True)

    monkeypatch.setattr(where, step, only_alone)
    purchases = bought(4)

    assert set(charged(purchases).values()) == {None}

    assert in_company
    assert statuses(purchases) == ["paid"] * 4
    assert Payment.objects.count() == 4


def test_one_that_cannot_be_asked_for_keeps_no_neighbour(
    stripe_server: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    purchases, ask = bought(4), attempts.ask

    def sometimes(attempt: attempts.Attempt) -> attempts.Said:
        if attempt.purchase_id == purchases[1].id:
            raise SystemExit("of this thread")
        return ask(attempt)

    monkeypatch.setattr(attempts, "ask", sometimes)

    failed = charged(purchases)

    assert isinstance(failed.pop(purchases[1].id), RuntimeError)
    assert set(failed.values()) == {None}
    assert statuses(purchases) == ["paid", "accepted", "paid", "paid"]


def test_a_buyer_whom_the_provider_does_not_know_keeps_no_neighbour(stripe_server: StripeServer) -> None:
    purchases = bought(2)
    stranger = make.basket((make.variant(stocked=1), 1), by=make.buyer()).go(now=timezone.now())
    Customer.objects.filter(user=stranger.buyer).delete()

    failed = charged([stranger, *purchases])

    assert isinstance(failed[stranger.id], attempts.NobodyThere)
    assert statuses(purchases) == ["paid"] * 2


@pytest.fixture
def locked() -> Iterator[Callable[[Purchase], threading.Event]]:
    """Lock a purchase as another process would, until the event that is returned."""
    ends: list[tuple[threading.Event, threading.Thread]] = []

    def lock(purchase: Purchase) -> threading.Event:
        has, end = threading.Event(), threading.Event()

        def hold() -> None:
            with connection.cursor() as cursor:
                cursor.execute("BEGIN")
                cursor.execute("SELECT FROM orders_purchase WHERE id = %s FOR UPDATE", [purchase.pk])
                has.set()
                end.wait(20)
                cursor.execute("ROLLBACK")
            connection.close()

        thread = threading.Thread(target=hold)
        thread.start()
        assert has.wait(10)
        ends.append((end, thread))
        return end

    yield lock
    for end, thread in ends:
        end.set()
        thread.join(10)


def test_one_that_somebody_has_locked_waits_alone(
    stripe_server: StripeServer, locked: Callable[[Purchase], threading.Event]
) -> None:
    purchases = bought(4)
    let_go = locked(purchases[0])
    asker = threading.Thread(target=charged, args=[purchases])
    asker.start()

    until(lambda: statuses(purchases)[1:] == ["paid"] * 3)
    assert statuses(purchases)[0] == "accepted"
    let_go.set()
    asker.join(20)

    assert statuses(purchases) == ["paid"] * 4
    assert make.broken() == []


def test_one_that_is_locked_when_its_answer_comes_waits_alone(
    own_stripe: StripeServer, locked: Callable[[Purchase], threading.Event]
) -> None:
    purchases = bought(4)
    own_stripe.latency(700)
    asker = threading.Thread(target=charged, args=[purchases])
    asker.start()
    until(lambda: Payment.objects.filter(status="sent").count() == 4)
    let_go = locked(purchases[3])

    until(lambda: statuses(purchases)[:3] == ["paid"] * 3)
    assert statuses(purchases)[3] == "accepted"
    let_go.set()
    asker.join(20)

    assert statuses(purchases) == ["paid"] * 4


def test_a_provider_that_is_away_is_noted_of_each_and_costs_nothing(
    own_stripe: StripeServer, settings: Any
) -> None:
    purchases = bought(6)
    own_stripe.kill()

    assert set(charged(purchases).values()) == {None}

    assert statuses(purchases) == ["accepted"] * 6
    assert set(Payment.objects.values_list("status", flat=True)) <= {"created", "unknown"}


def test_while_the_provider_is_left_alone_nothing_is_written(
    stripe_server: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    purchases = bought(3)
    monkeypatch.setattr(gateway, "is_resting", lambda: True)

    assert set(charged(purchases).values()) == {None}

    assert not Payment.objects.exists()


def test_lost_answers_are_unknown_and_refusals_declines(stripe_server: StripeServer) -> None:
    lost, refused = bought(1)[0], bought(1)[0]
    Card.objects.filter(user=refused.buyer).update(provider_id="pm_does_not_exist")
    stripe_server.fault("drop_after", path="/v1/payment_intents", times=1)
    charged([lost])

    charged([refused])

    assert statuses([lost, refused]) == ["accepted", "declined"]
    assert Payment.objects.get(purchase=lost).status == "unknown"
    assert make.broken() == []


def test_two_messages_with_the_same_purchases_charge_each_once(own_stripe: StripeServer) -> None:
    purchases = bought(12)
    own_stripe.latency(100)

    outcomes = at_once([lambda: charged(purchases), lambda: charged(purchases[::-1])])

    assert [set(each.values()) for each in outcomes] == [{None}, {None}]
    assert statuses(purchases) == ["paid"] * 12
    assert len(own_stripe.books()["intents"]) == 12


def test_statements_do_not_grow_with_the_number_of_attempts(stripe_server: StripeServer) -> None:
    counts = []
    for number in (2, 20):
        wanted = [(each.id, timezone.now()) for each in bought(number)]
        with CaptureQueriesContext(connection) as used:
            attempts.begin_all(wanted, alone=False)
        counts.append(len(used))
    assert counts[0] == counts[1] <= 6
