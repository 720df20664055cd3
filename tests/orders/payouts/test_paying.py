"""Payouts: all that is earned, once, out of the payments that brought it, whatever gets lost on the way."""

from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from commerce import gateway, ledger, payees
from commerce.models import ConnectedAccount
from commerce.money import Money
from orders import recovery
from orders.books import earning
from orders.models import Commission, Discrepancy, Payment, Payout, PayoutLeg
from orders.payouts import paying, planning, sending
from orders.reconciling import reconciler
from tests import books
from tests.orders import make
from tests.orders.selling import COMMISSION, DAY, PRICE, REST, Trade, now
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def trade(stripe_server: StripeServer) -> Trade:
    return Trade(stripe_server)


def payable(whose: ConnectedAccount) -> int:
    return -ledger.balance(ledger.payable(planning.payee_of(whose)), "EUR").amount


def why(whose: ConnectedAccount) -> str:
    (due,) = planning.of(payee=planning.payee_of(whose))
    return due.why


def leg() -> PayoutLeg:
    return PayoutLeg.objects.get()


def test_merchant_and_host_are_paid_what_they_have_earned(own_stripe: StripeServer) -> None:
    trade = Trade(own_stripe)
    first, second = trade.sell(), trade.sell()

    for whose, share in ((trade.merchant, REST), (trade.host, COMMISSION)):
        payout = trade.pay(whose)
        assert payout is not None
        assert (payout.status, payout.amount, payout.legs.count()) == ("paid", 2 * share, 2)
        assert trade.arrived(whose) == 2 * share
        assert payable(whose) == 0
        assert trade.pay(whose) is None, "once"
    assert set(Commission.objects.values_list("status", flat=True)) == {"paid"}
    assert Payment.objects.get(purchase=first.purchase_id).transferred_amount == REST + COMMISSION
    assert {first.proceeds.payout_id, second.proceeds.payout_id} == {
        Payout.objects.get(account=trade.merchant).id
    }
    assert ledger.balance(ledger.TRANSFERS, "EUR").amount == 0
    reconciler.reconcile(now=now(60))
    books.equal(trade.server.books())
    assert make.broken() == []


def test_what_is_held_or_cannot_be_sent_says_why(trade: Trade) -> None:
    trade.sell(earned=False)
    assert why(trade.merchant) == "held"
    assert trade.begin(trade.merchant) is None
    earning.sweep(now=now(8 * DAY))
    assert why(trade.merchant) == "ready"
    trade.server.account(trade.merchant.provider_id or "", "restricted")
    payees.refresh(provider_id=trade.merchant.provider_id or "", now=now())
    assert why(trade.merchant) == "not_onboarded"
    assert trade.begin(trade.merchant) is None
    ConnectedAccount.objects.filter(pk=trade.host.pk).delete()
    assert why(trade.host) == "no_account"


def test_what_was_given_back_after_it_was_paid_is_taken_off_the_next_payout(trade: Trade) -> None:
    first = trade.sell()
    trade.pay(trade.host)
    trade.pay(trade.merchant)
    trade.refund(first, PRICE)

    assert Payment.objects.get().receivable_amount == REST + COMMISSION
    assert (payable(trade.host), why(trade.host)) == (-COMMISSION, "negative")
    assert trade.begin(trade.host) is None
    trade.sell()
    assert payable(trade.host) == 0
    trade.sell()
    payout = trade.pay(trade.host)
    assert payout is not None and payout.amount == COMMISSION
    assert set(Commission.objects.values_list("status", flat=True)) == {"reversed", "paid"}
    assert trade.arrived(trade.host) == 2 * COMMISSION
    assert make.broken() == []


def test_half_given_back_after_one_of_two_was_paid_leaves_the_other_its_half(trade: Trade) -> None:
    """The host was paid all of hers, and has to give back; the merchant gets all that is still its own."""
    order = trade.sell()
    trade.pay(trade.host)
    trade.refund(order, PRICE // 2)

    assert Payment.objects.get().receivable_amount == COMMISSION // 2
    payout = trade.pay(trade.merchant)
    assert payout is not None and payout.amount == REST // 2
    assert make.broken() == []


def test_a_payout_is_dry_when_asked_so_and_says_the_same(trade: Trade) -> None:
    trade.sell()
    dues = {due.payee: due.amount for due in planning.of_all()}
    paid = {planning.payee_of(each.account): each.amount for each in paying.begin_all(now=now())}

    assert dues == paid
    assert len(paid) == 2


# --- lost on the way ---


def test_a_lost_answer_is_looked_for_a_day_later_and_nothing_is_sent_twice(trade: Trade) -> None:
    trade.sell()
    trade.server.fault("drop_after", path="/v1/transfers")
    trade.pay(trade.host)
    assert leg().status == PayoutLeg.Status.UNKNOWN
    trade.server.advance(2 * DAY)

    sending.send(leg_id=leg().id, now=now(2 * DAY))
    assert (leg().status, leg().attempts) == ("paid", 1)
    assert trade.arrived(trade.host) == COMMISSION
    assert Payout.objects.get().status == "paid"


def test_control_without_the_look_up_it_is_sent_twice(trade: Trade, monkeypatch: pytest.MonkeyPatch) -> None:
    trade.sell()
    trade.server.fault("drop_after", path="/v1/transfers")
    trade.pay(trade.host)
    trade.server.advance(2 * DAY)
    monkeypatch.setattr(gateway, "find_transfer", lambda **_: None)

    sending.send(leg_id=leg().id, now=now(2 * DAY))
    assert trade.arrived(trade.host) == 2 * COMMISSION


def test_what_was_sent_behind_an_error_is_found_at_once(trade: Trade) -> None:
    trade.sell()
    trade.server.fault("error_500_after", path="/v1/transfers")
    trade.pay(trade.host)

    assert leg().status == "paid"
    assert trade.arrived(trade.host) == COMMISSION


def test_what_never_arrived_is_sent_again_by_the_sweep(trade: Trade) -> None:
    trade.sell()
    trade.server.fault("drop_before", path="/v1/transfers")
    trade.pay(trade.host)
    assert leg().status == "unknown"

    assert sending.due(now=now(), limit=9) == []
    assert sending.due(now=now(120), limit=9) == [leg().id]
    sending.send(leg_id=leg().id, now=now(120))
    assert (leg().status, trade.arrived(trade.host)) == ("paid", COMMISSION)


def test_without_money_at_the_provider_a_leg_waits_an_hour_and_goes_under_another_key(trade: Trade) -> None:
    trade.sell()
    trade.server.fault("balance_insufficient", path="/v1/transfers", times=1)
    trade.pay(trade.host)
    assert (leg().status, leg().failure) == ("waiting", "balance_insufficient")
    assert why(trade.host) == "sending"
    sending.send(leg_id=leg().id, now=now(60))
    assert leg().status == "waiting"

    assert sending.due(now=now(3700), limit=9) == [leg().id]
    sending.send(leg_id=leg().id, now=now(3700))
    assert (leg().status, trade.arrived(trade.host)) == ("paid", COMMISSION)
    assert make.broken() == []


def test_what_an_account_that_is_gone_could_not_be_sent_is_owed_again(trade: Trade) -> None:
    trade.sell()
    trade.server.account(trade.host.provider_id or "", "deauthorized")
    payout = trade.pay(trade.host)

    assert payout is not None and payout.status == "failed"
    assert payable(trade.host) == COMMISSION
    assert Payment.objects.get().transferred_amount == 0
    assert Commission.objects.get().status == "earned"
    assert ConnectedAccount.objects.get(pk=trade.host.pk).state == "gone"
    assert make.broken() == []


def test_a_transfer_that_is_not_ours_to_the_cent_is_not_taken_in(trade: Trade) -> None:
    trade.sell()
    payout = trade.begin(trade.host)
    assert payout is not None
    gateway.transfer(
        key="another",
        amount=Money(1, "EUR"),
        destination=trade.host.provider_id or "",
        charge_id=Payment.objects.get().charge_id,
        leg_id=leg().id,
    )
    PayoutLeg.objects.update(status="unknown", checked_at=now(-DAY))
    recovery.finish(now=now(DAY))

    assert Discrepancy.objects.get().kind == "transfer"
    assert leg().status == "unknown"


# --- never more than there is ---


def overpay(payment_id: UUID, amount: int) -> None:
    with transaction.atomic():
        Payment.objects.filter(pk=payment_id).update(transferred_amount=amount)


def test_the_database_refuses_more_than_is_left_of_a_payment(trade: Trade) -> None:
    order = trade.sell()
    payment = Payment.objects.get()
    overpay(payment.id, PRICE)
    overpay(payment.id, 0)
    trade.refund(order, 500)

    overpay(payment.id, PRICE - 500)
    with pytest.raises(IntegrityError, match="payment_payouts_capped"):
        overpay(payment.id, PRICE - 499)


def test_a_payment_has_one_leg_in_a_payout(trade: Trade) -> None:
    trade.sell()
    trade.begin(trade.host)
    one = leg()
    one.pk = payout_id = UUID(int=1)
    with pytest.raises(IntegrityError, match="payout_leg_once"), transaction.atomic():
        one.save(force_insert=True)

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE orders_payoutleg DROP CONSTRAINT payout_leg_once")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    one.save(force_insert=True)
    assert PayoutLeg.objects.filter(pk=payout_id).exists(), "the control: the constraint alone stands there"
    sending.send_all(payout_id=one.payout_id, now=now())
    assert trade.arrived(trade.host) == 2 * COMMISSION
    assert "payouts-are-booked" in make.broken()
    assert PayoutLeg.objects.aggregate(sum=Sum("amount"))["sum"] == 2 * COMMISSION
