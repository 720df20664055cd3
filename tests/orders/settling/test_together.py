"""Charges and answers of many at once: the same as one by one, and nobody is hurt by his neighbours."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commerce.models import LedgerTransaction
from commerce.money import Money
from orders.models import Discrepancy, Hold, Order, Payment, Purchase
from orders.settling import attempts, discrepancies, payments
from orders.settling.outcomes import ALONE
from tests.orders import make
from tests.orders.make import after
from tests.orders.threads import at_once
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db(transaction=True)


def sent(count: int) -> list[Payment]:
    """Payments that the provider was asked for, of as many purchases of one product."""
    lipstick = make.variant(stocked=count)
    return [make.sent(make.basket((lipstick, 1)).go()) for _ in range(count)]


def said(rows: list[Payment], status: str = "succeeded") -> list[Any]:
    return [(make.said(row, status), after(2)) for row in rows]


def statuses(rows: list[Payment]) -> list[str]:
    return [Purchase.objects.get(pk=row.purchase_id).status for row in rows]


def test_answers_taken_in_together_are_what_they_are_alone() -> None:
    rows = sent(6)
    words = ["succeeded", "declined", "requires_action", "succeeded", "processing", "succeeded"]

    outcomes = payments.apply_all([(make.said(*each), after(2)) for each in zip(rows, words, strict=True)])

    assert [each.pk for each in outcomes if isinstance(each, Purchase)] == [row.purchase_id for row in rows]
    assert statuses(rows) == ["paid", "declined", "action_required", "paid", "accepted", "paid"]
    lipstick = Hold.objects.all()[0].variant
    assert make.left(lipstick) == 1, "of the declined one"
    assert Hold.objects.filter(status="taken").count() == 3
    assert Order.objects.filter(status="open").count() == 3
    kinds = sorted(LedgerTransaction.objects.values_list("kind", flat=True))
    assert kinds == ["capture"] * 3 + ["sale"] * 3
    assert {each["purchase"] for each in make.events("purchase.moved")} == {
        str(row.purchase_id) for row, word in zip(rows, words, strict=True) if word != "processing"
    }
    assert make.broken() == []


def test_answers_taken_in_again_change_nothing() -> None:
    rows = sent(3)
    payments.apply_all(said(rows))
    before = list(Purchase.objects.order_by("id").values_list("version", "updated_at"))

    for row in rows:
        payments.apply(intent=make.said(row, "declined"), now=after(3))
    outcomes = payments.apply_all(said(rows))

    assert outcomes == [ALONE] * 3, "an answer that nobody waits for is judged alone"
    assert list(Purchase.objects.order_by("id").values_list("version", "updated_at")) == before
    assert make.broken() == []


def test_statements_do_not_grow_with_the_number_of_answers() -> None:
    counts = []
    for number in (2, 20):
        rows = sent(number)
        with CaptureQueriesContext(connection) as used:
            payments.apply_all(said(rows))
        assert set(statuses(rows)) == {"paid"}
        counts.append(len(used))
    assert counts[0] == counts[1] <= 22


def test_what_the_provider_has_wrong_stops_no_neighbour() -> None:
    rows = sent(3)
    answers = said(rows)
    answers[1] = (replace(answers[1][0], amount=Money(1, "EUR")), after(2))
    stranger = replace(make.said(rows[0], "succeeded"), id="pi_stranger", payment_id=None)

    outcomes = payments.apply_all([*answers, (stranger, after(2))])

    assert statuses(rows) == ["paid", "accepted", "paid"]
    assert isinstance(outcomes[1], discrepancies.Mismatch)
    assert outcomes[3] is None
    assert set(Discrepancy.objects.values_list("kind", flat=True)) == {"payment", "foreign_charge"}


def test_a_purchase_that_somebody_has_locked_keeps_no_neighbour_waiting() -> None:
    rows = sent(4)
    locked, let_go = threading.Event(), threading.Event()
    outcomes: list[Any] = []

    def hold() -> None:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT FROM orders_purchase WHERE id = %s FOR UPDATE", [rows[0].purchase_id])
            locked.set()
            let_go.wait(20)
            cursor.execute("ROLLBACK")

    def apply() -> None:
        assert locked.wait(10)
        outcomes.extend(payments.apply_all(said(rows)))
        let_go.set()

    at_once([hold, apply])

    assert outcomes[0] is ALONE
    assert statuses(rows) == ["accepted", "paid", "paid", "paid"]


@pytest.mark.parametrize("round_", range(4))
def test_two_who_take_in_the_same_in_any_order_do_not_wait_for_each_other_for_ever(round_: int) -> None:
    rows = sent(12)

    outcomes = at_once([lambda: payments.apply_all(said(rows)), lambda: payments.apply_all(said(rows[::-1]))])

    assert not [each for each in outcomes if isinstance(each, Exception)]
    for row in rows:
        payments.apply(intent=make.said(row, "succeeded"), now=after(3))
    assert set(statuses(rows)) == {"paid"}
    assert make.broken() == []


def locking(monkeypatch: pytest.MonkeyPatch, *, ordered: bool) -> list[Any]:
    """Two take in the same answers, the second in the other order, each waiting for what the other has; the
    outcomes.
    """
    rows = sent(2)
    both = threading.Barrier(2)

    def locked(ours: Any, *, in_company: bool) -> Any:
        ids = [purchase_id for _, _, purchase_id in ours]
        found: dict[Any, Purchase] = {}
        for purchase_id in sorted(ids) if ordered else ids:
            found[purchase_id] = Purchase.objects.select_for_update(no_key=True).get(pk=purchase_id)
            if not ordered and len(found) == 1:
                both.wait(10)
        return found, Payment.objects.in_bulk([payment_id for _, payment_id, _ in ours])

    monkeypatch.setattr(payments, "_locked", locked)
    monkeypatch.setattr("orders.transactions.ATTEMPTS", 1)
    return at_once([lambda: payments.apply_all(said(rows)), lambda: payments.apply_all(said(rows[::-1]))])


def test_control_locked_in_the_order_they_came_two_are_in_each_others_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outcomes = locking(monkeypatch, ordered=False)

    assert any(isinstance(each, Exception) for each in outcomes)


def test_locked_by_id_even_those_who_wait_get_through(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = locking(monkeypatch, ordered=True)

    assert not [each for each in outcomes if isinstance(each, Exception)]


# --- written down before the provider is asked ---


def test_many_charges_are_written_down_as_sent_before_any_is_asked(stripe_server: StripeServer) -> None:
    lipstick, buyer = make.variant(stocked=4), make.real_buyer()
    ids = [make.basket((lipstick, 1), by=buyer).go().id for _ in range(4)]

    begun = attempts.begin_all([(each, after(1)) for each in ids], alone=False)

    assert [getattr(each, "purchase_id", None) for each in begun] == ids
    assert all(getattr(each, "first", False) for each in begun)
    rows = Payment.objects.order_by("id")
    assert {(row.status, row.sent_at, row.number) for row in rows} == {("sent", after(1), 1)}
    now = [(each, after(2)) for each in ids]
    assert attempts.begin_all(now, alone=False) == [None] * 4, "somebody is at it"
    again = attempts.begin_all([(each, after(2) + timedelta(seconds=60)) for each in ids], alone=False)
    assert [getattr(each, "payment_id", None) for each in again] == [
        getattr(each, "payment_id", None) for each in begun
    ], "the same key"


def test_what_is_over_or_unknown_is_not_begun_with_the_others() -> None:
    lipstick = make.variant(stocked=3)
    first, second, third = (make.basket((lipstick, 1)).go() for _ in range(3))
    payments.apply(intent=make.said(make.sent(second), "succeeded"), now=after(1))

    wanted = [(first.id, after(2)), (second.id, after(2)), (third.id, after(700))]
    outcomes = attempts.begin_all(wanted, alone=False)

    assert isinstance(outcomes[0], attempts.Attempt)
    assert outcomes[1:] == [None, None]
    assert Payment.objects.count() == 2
