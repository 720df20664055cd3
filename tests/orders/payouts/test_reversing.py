"""What payees owe after they were paid is taken back from their accounts, once, whatever gets lost."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from commerce import gateway, ledger
from commerce.money import Money
from orders import recovery
from orders.books import statements
from orders.models import Discrepancy, Payment, PayoutLeg, Reversal
from orders.payouts import planning, reversing
from orders.reconciling import reconciler
from tests import books
from tests.orders import make
from tests.orders.selling import COMMISSION, DAY, PRICE, REST, Trade, now
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db


def owing(server: StripeServer) -> Trade:
    """The host was paid her commission, and all of it went back to the buyer."""
    trade = Trade(server)
    order = trade.sell()
    trade.pay(trade.host)
    trade.refund(order, PRICE)
    return trade


@pytest.fixture
def trade(stripe_server: StripeServer) -> Trade:
    return owing(stripe_server)


def begin(trade: Trade) -> list[Reversal]:
    return reversing.begin(account_id=trade.host.id, currency="EUR", by_id=None, now=now())


def owed(trade: Trade) -> int:
    return ledger.balance(ledger.payable(planning.payee_of(trade.host)), "EUR").amount


def back(trade: Trade) -> int:
    """How much the provider says it took back from the host's account."""
    wanted: Any = {"destination": trade.host.provider_id, "limit": 100}
    return sum(int(one.amount_reversed) for one in trade.server.client().v1.transfers.list(wanted).data)


def send(row: Reversal, *, seconds: float = 0) -> Reversal:
    reversing.send(reversal_id=row.id, now=now(seconds))
    row.refresh_from_db()
    return row


def test_what_is_owed_is_taken_back_and_both_books_are_the_same(own_stripe: StripeServer) -> None:
    trade = owing(own_stripe)
    assert owed(trade) == COMMISSION
    (row,) = begin(trade)
    assert (owed(trade), row.amount, row.leg) == (0, COMMISSION, PayoutLeg.objects.get())
    assert make.events("reversal.begun") == [{"reversal": str(row.id)}]

    for seconds in (0, 1, 60, 2 * DAY):
        assert send(row, seconds=seconds).status == "done"
    assert (back(trade), row.attempts) == (COMMISSION, 1)
    payment = Payment.objects.get()
    assert (payment.transferred_amount, payment.receivable_amount) == (0, 0)
    assert ledger.balance(ledger.TRANSFERS, "EUR").amount == 0
    with pytest.raises(reversing.NothingOwed):
        begin(trade)
    recovery.finish(now=now(60))
    reconciler.reconcile(now=now(60))
    books.equal(own_stripe.books())
    assert make.broken() == []
    told = statements.of_host(host_id=trade.stream.host_id, since=now(-60), until=now(60))
    assert "reversal.owed" in told


def test_a_part_given_back_takes_a_part_back(stripe_server: StripeServer) -> None:
    trade = Trade(stripe_server)
    first, second = trade.sell(), trade.sell()
    trade.pay(trade.merchant)
    trade.refund(first, PRICE // 2)
    trade.refund(second, PRICE)

    rows = reversing.begin(account_id=trade.merchant.id, currency="EUR", by_id=None, now=now())
    assert sorted(row.amount for row in rows) == [REST // 2, REST]
    for row in rows:
        send(row)
    assert make.broken() == []
    assert sorted(Payment.objects.values_list("transferred_amount", flat=True)) == [0, REST // 2]


def test_of_what_was_netted_only_the_rest_is_taken_back(trade: Trade) -> None:
    trade.sell()
    assert owed(trade) == 0
    with pytest.raises(reversing.NothingOwed):
        begin(trade)


def test_a_lost_answer_is_looked_for_a_day_later_and_nothing_is_taken_twice(trade: Trade) -> None:
    (row,) = begin(trade)
    trade.server.fault("drop_after", path="/v1/transfers")
    with pytest.raises(gateway.UnknownOutcome):
        send(row)
    trade.server.advance(2 * DAY)

    assert send(row, seconds=2 * DAY).status == "done"
    assert (back(trade), row.attempts) == (COMMISSION, 1)


def test_control_without_the_look_up_it_would_be_taken_twice(
    stripe_server: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade = Trade(stripe_server)
    order = trade.sell()
    trade.pay(trade.host)
    trade.refund(order, PRICE // 2)
    (row,) = begin(trade)
    trade.server.fault("drop_after", path="/v1/transfers")
    with pytest.raises(gateway.UnknownOutcome):
        send(row)
    trade.server.advance(2 * DAY)
    monkeypatch.setattr(gateway, "find_reversal", lambda **_: None)
    send(row, seconds=2 * DAY)
    assert back(trade) == COMMISSION


def test_what_was_done_behind_an_error_is_found_at_once(trade: Trade) -> None:
    (row,) = begin(trade)
    trade.server.fault("error_500_after", path="/v1/transfers")
    assert send(row).status == "done"
    assert back(trade) == COMMISSION


def test_a_reversal_that_is_not_ours_to_the_cent_is_not_taken_in(trade: Trade) -> None:
    (row,) = begin(trade)
    leg = PayoutLeg.objects.get()
    gateway.reverse(
        key="another", transfer_id=leg.provider_id or "", amount=Money(1, "EUR"), reversal_id=row.id
    )
    Reversal.objects.update(status="unknown", checked_at=now(-DAY))
    recovery.finish(now=now(DAY))
    row.refresh_from_db()
    assert (Discrepancy.objects.get().kind, row.status) == ("transfer", "unknown")


def test_the_database_refuses_more_than_a_leg_and_two_at_once(trade: Trade) -> None:
    (row,) = begin(trade)
    with pytest.raises(IntegrityError, match="reversal_one_at_a_time"), transaction.atomic():
        Reversal.objects.create(leg=row.leg, amount=1, currency="EUR")
    with pytest.raises(IntegrityError, match="payout_leg_reversed_within"), transaction.atomic():
        PayoutLeg.objects.update(reversed_amount=COMMISSION + 1)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE orders_payoutleg DROP CONSTRAINT payout_leg_reversed_within")
    PayoutLeg.objects.update(reversed_amount=COMMISSION + 1)
    assert "reversals-are-booked" in make.broken(), "the control"
