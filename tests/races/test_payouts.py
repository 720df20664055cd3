"""Payouts decided at the same moment, and against refunds: nobody is paid twice, or more than there is."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection

from commerce import gateway, ledger
from commerce.models import ConnectedAccount, User
from commerce.money import Money
from orders import fulfilment
from orders.aftersales import refunding
from orders.books import earning
from orders.models import Discrepancy, Order, Payment, Payout, PayoutLeg
from orders.payouts import debts, paying, planning, reversing, sending
from orders.settling import payments
from tests.orders import make
from tests.orders.make import after
from tests.orders.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

DAY = 86_400
REST = 1700  # Of 2000, less 5 % to the platform and 10 % to the host.


def earned() -> tuple[Order, ConnectedAccount]:
    """An order whose merchant may be paid for it."""
    goods = make.variant(amount=2000)
    purchase = make.basket((goods, 1), stream=make.show(goods)).go()
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=after(2))
    order = Order.objects.get(purchase=purchase)
    parcel = {"carrier": "DHL", "tracking_number": "1", "tracking_url": ""}
    fulfilment.ship(merchant_id=order.merchant_id, order_id=order.id, now=after(9), **parcel)
    earning.sweep(now=after(8 * DAY))
    account = ConnectedAccount.objects.create(
        merchant_id=order.merchant_id, provider_id=f"acct_{order.id.hex}", country="DE", state="enabled"
    )
    return order, account


def begin(account: ConnectedAccount) -> Payout | None:
    return paying.begin(account_id=account.id, currency="EUR", now=after(9 * DAY))


def refund(order: Order, amount: int = 2000) -> None:
    refunding.refund(
        merchant_id=order.merchant_id,
        order_id=order.id,
        reason="x",
        actor=refunding.SYSTEM,
        amount=Money(amount, "EUR"),
        now=after(9 * DAY),
    )


def test_of_four_runs_at_once_one_pays() -> None:
    _, account = earned()

    outcomes = at_once([lambda: begin(account)] * 4)

    assert [each for each in outcomes if isinstance(each, Exception)] == []
    assert sum(each is not None for each in outcomes) == 1
    assert PayoutLeg.objects.get().amount == REST
    assert make.broken() == []


def test_control_without_the_accounts_lock_the_database_refuses_the_second_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, account = earned()
    begin(account)
    Payout.objects.update(status="paid")
    second = Payout(account=account, amount=1, currency="EUR")
    second.save()

    with pytest.raises(IntegrityError, match="payout_one_at_a_time"):
        Payout(account=account, amount=1, currency="EUR").save()


def test_a_refund_and_a_payout_at_once_leave_nobody_with_more_than_there_is() -> None:
    """Either the payout sees the refund, or what it sent too much is owed back."""
    for _ in range(5):
        order, account = earned()
        outcomes = at_once([lambda: begin(account), lambda: refund(order)])  # noqa: B023

        assert [each for each in outcomes if isinstance(each, Exception)] == []
        payment = Payment.objects.get(purchase=order.purchase_id)
        assert payment.transferred_amount == payment.receivable_amount
        payable = ledger.payable(planning.payee_of(account))
        assert ledger.balance(payable, "EUR").amount == payment.transferred_amount
    assert make.broken() == []


def owing() -> tuple[ConnectedAccount, Discrepancy]:
    """A payee who was paid for what went back to the buyer, and whose debt was given up."""
    order, account = earned()
    begin(account)
    leg = PayoutLeg.objects.get(payout__account=account)
    sent = gateway.Transfer(
        f"tr_{leg.id.hex}", Money(leg.amount, "EUR"), 0, account.provider_id or "", None, leg.id
    )
    sending.apply(answer=sent, leg_id=leg.id, now=after(9 * DAY))
    refund(order)
    row = Discrepancy.objects.create(
        kind="debt", provider_id=f"{account.id} EUR", first_seen=after(0), last_seen=after(0)
    )
    return account, row


def write_off(row: Discrepancy, by: User) -> Money:
    return debts.write_off(discrepancy_id=row.pk, note="x", by_id=by.id, now=after(10 * DAY))


def take_back(account: ConnectedAccount) -> None:
    reversing.begin(account_id=account.id, currency="EUR", by_id=None, now=after(10 * DAY))


def owed(account: ConnectedAccount) -> int:
    return ledger.balance(ledger.payable(planning.payee_of(account)), "EUR").amount


def test_a_debt_is_written_off_or_taken_back_and_once() -> None:
    by = make.user("Ops")
    for _ in range(5):
        account, row = owing()
        acts = [lambda: write_off(row, by), lambda: take_back(account)]  # noqa: B023
        outcomes = at_once(acts * 2)

        assert owed(account) == 0
        assert sum(isinstance(each, reversing.NothingOwed) for each in outcomes) == 3, outcomes


def test_control_without_the_accounts_lock_a_debt_is_paid_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    by = make.user("Ops")
    account, row = owing()
    read = ledger.balance

    def balance(name: str, currency: str) -> Money:
        found = read(name, currency)
        monkeypatch.setattr(ledger, "balance", read)
        [failed] = at_once([lambda: take_back(account)])
        assert failed is None, failed
        return found

    monkeypatch.setattr(debts, "_lock", lambda account: None)
    monkeypatch.setattr(ledger, "balance", balance)
    write_off(row, by)
    assert owed(account) == -REST


def in_between(monkeypatch: pytest.MonkeyPatch, work: Callable[[], None]) -> None:
    """Have something happen after a payout has counted, and before it writes."""
    counted = planning.rooms

    def rooms(account: ConnectedAccount, payment_ids: list) -> list[planning.Room]:
        found = counted(account, payment_ids)
        [failed] = at_once([work])
        assert failed is None, failed
        return found

    monkeypatch.setattr(planning, "rooms", rooms)


def test_control_without_the_payments_lock_the_database_refuses_what_was_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order, account = earned()
    monkeypatch.setattr(paying, "_lock", lambda payment_ids: None)
    in_between(monkeypatch, lambda: refund(order))

    with pytest.raises(IntegrityError, match="payment_payouts_capped"):
        begin(account)
    assert not Payout.objects.exists()
    assert make.broken() == []


def test_control_without_lock_and_constraint_more_is_sent_than_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order, account = earned()
    monkeypatch.setattr(paying, "_lock", lambda payment_ids: None)
    in_between(monkeypatch, lambda: refund(order))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE orders_payment DROP CONSTRAINT payment_payouts_capped")
    try:
        assert begin(account) is not None
        assert "payouts-within-captures" in make.broken()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE orders_payment SET transferred_amount = 0")
            cursor.execute(
                "ALTER TABLE orders_payment ADD CONSTRAINT payment_payouts_capped"
                " CHECK (transferred_amount <= amount - refunded_amount + receivable_amount)"
            )
