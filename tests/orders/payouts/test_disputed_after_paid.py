"""What a bank takes of sales whose payees were paid: they owe it back, until the bank gives it back."""

import pytest

from commerce import gateway
from commerce.money import Money
from orders.aftersales import disputes
from orders.models import Commission, Payment
from orders.payouts import debts, sending
from tests.orders import make
from tests.orders.payouts.test_debts import age, owed, sent
from tests.orders.selling import COMMISSION, DAY, PRICE, Trade, now
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def trade(stripe_server: StripeServer) -> Trade:
    """The host was paid her commission of one sale."""
    trade = Trade(stripe_server)
    trade.sell()
    trade.pay(trade.host)
    return trade


def hear(status: str, *, back: int = 0) -> Payment:
    payment = Payment.objects.get()
    told = gateway.Dispute(
        id=f"dp_{payment.id.hex}",
        status=status,
        reason="fraudulent",
        amount=Money(PRICE, "EUR"),
        charge_id=payment.charge_id,
        intent_id=payment.provider_id,
        due_at=now(DAY),
        withdrawn=PRICE,
        reinstated=back,
    )
    for _ in range(2):
        disputes.take_in(told=told, now=now())
    payment.refresh_from_db()
    return payment


def test_what_a_bank_has_of_it_is_taken_back_as_after_a_refund(trade: Trade) -> None:
    hear("needs_response")
    hear("lost")
    age(40)
    assert owed(trade) == COMMISSION

    (row,) = debts.take_back_all(now=now())

    assert (row.amount, sent(row), owed(trade)) == (COMMISSION, "done", 0)
    assert make.broken() == []


def test_what_payees_owe_back_of_a_payment_goes_with_what_the_bank_has(trade: Trade) -> None:
    assert hear("lost").receivable_amount == COMMISSION
    assert hear("lost", back=PRICE // 2).receivable_amount == COMMISSION // 2
    assert hear("lost", back=PRICE).receivable_amount == 0
    assert make.broken() == []


def test_taken_back_and_won_after_all_it_is_paid_anew(trade: Trade) -> None:
    hear("lost")
    age(40)
    (row,) = debts.take_back_all(now=now())
    assert sent(row) == "done"
    hear("won", back=PRICE)
    assert make.broken() == []

    payout = trade.pay(trade.host)

    assert payout is not None
    assert (payout.amount, payout.status, owed(trade)) == (COMMISSION, "paid", 0)
    assert make.broken() == []


def test_commission_that_was_paid_is_paid_again_when_the_bank_gives_it_back(trade: Trade) -> None:
    hear("lost")
    assert Commission.objects.get().status == "reversed"
    hear("won", back=PRICE)
    assert Commission.objects.get().status == "paid"


@pytest.mark.parametrize("arrives", ["before", "after"])
def test_of_a_payout_under_way_it_is_paid_when_that_has_arrived(
    stripe_server: StripeServer, arrives: str
) -> None:
    trade = Trade(stripe_server)
    trade.sell()
    payout = trade.begin(trade.host)
    assert payout is not None
    hear("needs_response")
    if arrives == "before":
        sending.send_all(payout_id=payout.id, now=now())
    hear("won", back=PRICE)
    if arrives == "after":
        assert Commission.objects.get().status == "earned"
        sending.send_all(payout_id=payout.id, now=now())
    assert Commission.objects.get().status == "paid"
    assert make.broken() == []
