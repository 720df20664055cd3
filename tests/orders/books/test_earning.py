"""Commission and proceeds: pending, earned when goods can hardly come back, and taken back at any time."""

from datetime import datetime
from uuid import UUID

import pytest
from django.db import transaction

from commerce import gateway, ledger
from commerce.models import Host, RiskTier
from commerce.money import Money
from orders import fulfilment
from orders.aftersales import disputes, refunding, returning
from orders.books import earning
from orders.models import Commission, Order, OrderLine, Payment, Proceeds, Purchase, Return
from orders.settling import payments
from tests.orders import make
from tests.orders.make import after
from tests.orders.threads import at_once

DAY = 86_400
SHIPPED = 1_000  # Seconds after NOW at which parcels leave.
PRICE, COMMISSION, REST = 2000, 200, 1700  # 10 % to the host, 5 % to the platform.


def sold(*, shipped: bool = True, quantity: int = 1, tier: RiskTier = RiskTier.STANDARD) -> Order:
    """Something sold in a show, paid and shipped."""
    goods = make.variant(amount=PRICE)
    stream = make.show(goods)
    Host.objects.filter(pk=stream.host_id).update(risk_tier=tier)
    purchase = make.basket((goods, quantity), stream=stream).go()
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=after(2))
    order = Order.objects.get(purchase=purchase)
    if shipped:
        ship(order)
    return order


def ship(order: Order) -> None:
    parcel = {"carrier": "DHL", "tracking_number": "1", "tracking_url": ""}
    fulfilment.ship(merchant_id=order.merchant_id, order_id=order.id, now=after(SHIPPED), **parcel)


def refund(order: Order, amount: int, *, days: float) -> None:
    refunding.refund(
        merchant_id=order.merchant_id,
        order_id=order.id,
        reason="x",
        actor=refunding.SYSTEM,
        amount=Money(amount, "EUR"),
        now=at(days),
    )


def dispute(order: Order, status: str, *, reinstated: int = 0) -> None:
    payment = Payment.objects.get(purchase=order.purchase_id)
    told = gateway.Dispute(
        id=f"dp_{order.id.hex}",
        status=status,
        reason="general",
        amount=Money(payment.amount, payment.currency),
        charge_id=payment.charge_id,
        intent_id=payment.provider_id,
        due_at=None,
        withdrawn=payment.amount,
        reinstated=reinstated,
    )
    disputes.take_in(told=told, now=after(SHIPPED + 1))


def at(days: float) -> datetime:
    return after(SHIPPED + days * DAY)


def commission(order: Order) -> Commission:
    return Commission.objects.get(line__order=order)


def owed(order: Order) -> tuple[int, int, int, int]:
    """What stands for the host, pending and payable, and for the merchant, pending and payable."""
    host, merchant = ledger.host(commission(order).host_id), ledger.merchant(order.merchant_id)
    accounts = (host, ledger.payable(host), merchant, ledger.payable(merchant))
    return tuple(-ledger.balance(each, "EUR").amount for each in accounts)  # type: ignore[return-value]


@pytest.mark.django_db
@pytest.mark.parametrize(("tier", "days"), [("low", 3), ("standard", 7), ("high", 15)])
def test_commission_is_earned_when_the_days_of_the_hosts_tier_are_over(tier: RiskTier, days: int) -> None:
    order = sold(tier=tier)

    earning.sweep(now=at(days - 0.01))
    assert commission(order).status == Commission.Status.PENDING
    assert owed(order)[:2] == (COMMISSION, 0)

    earning.sweep(now=at(days))
    assert (commission(order).status, commission(order).earned_at) == (Commission.Status.EARNED, at(days))
    assert owed(order)[:2] == (0, COMMISSION)
    assert make.broken() == []


@pytest.mark.django_db
def test_a_merchants_share_follows_its_own_tier() -> None:
    order = sold(tier=RiskTier.LOW)

    assert earning.sweep(now=at(3)) == 1
    assert owed(order) == (0, COMMISSION, REST, 0)
    assert earning.sweep(now=at(7)) == 1
    assert owed(order) == (0, COMMISSION, 0, REST)
    assert Proceeds.objects.get().amount == REST
    assert earning.sweep(now=at(99)) == 0, "once"
    assert make.broken() == []


@pytest.mark.django_db
def test_what_was_not_shipped_is_never_earned() -> None:
    order = sold(shipped=False)

    assert earning.sweep(now=at(99)) == 0
    assert owed(order) == (COMMISSION, 0, REST, 0)


@pytest.mark.django_db
def test_nothing_is_earned_while_goods_are_on_their_way_back() -> None:
    order = sold()
    line = OrderLine.objects.get(order=order)
    back = returning.ask(
        buyer_id=order.purchase.buyer_id,
        purchase_id=order.purchase_id,
        order_id=order.id,
        lines=[refunding.Wanted(line.id, 1)],
        reason=Return.Reason.DAMAGED,
        note="",
        now=at(1),
    )

    assert earning.sweep(now=at(8)) == 0
    Return.objects.filter(pk=back.pk).update(status=Return.Status.REFUSED)
    assert earning.sweep(now=at(8)) == 1


@pytest.mark.django_db
def test_nothing_is_earned_while_a_bank_asks_and_what_it_gave_back_is() -> None:
    order = sold()
    dispute(order, "needs_response")
    assert owed(order) == (0, 0, 0, 0)
    assert earning.sweep(now=at(8)) == 0

    dispute(order, "won", reinstated=PRICE)
    assert commission(order).status == Commission.Status.PENDING
    assert earning.sweep(now=at(8)) == 1
    assert owed(order) == (0, COMMISSION, 0, REST)
    assert make.broken() == []


@pytest.mark.django_db
def test_a_dispute_after_earning_takes_from_what_is_payable_and_gives_it_back_there() -> None:
    order = sold()
    earning.sweep(now=at(8))
    dispute(order, "needs_response")
    assert (commission(order).status, owed(order)) == ("reversed", (0, 0, 0, 0))

    dispute(order, "won", reinstated=PRICE)
    assert (commission(order).status, owed(order)) == ("earned", (0, COMMISSION, 0, REST))
    assert make.broken() == []


@pytest.mark.django_db
def test_refunds_reverse_pro_rata_before_and_after_earning() -> None:
    order = sold()
    refund(order, 500, days=1)
    assert owed(order) == (150, 0, 1275, 0)
    earning.sweep(now=at(8))
    assert owed(order) == (0, 150, 0, 1275)
    refund(order, 500, days=9)
    assert owed(order) == (0, 100, 0, 850)
    assert commission(order).status == Commission.Status.EARNED
    refund(order, 1000, days=10)
    assert (commission(order).status, owed(order)) == ("reversed", (0, 0, 0, 0))
    assert make.broken() == []


@pytest.mark.django_db
def test_all_given_back_before_it_was_earned_leaves_nothing_to_earn() -> None:
    order = sold()
    refund(order, PRICE, days=1)
    earning.sweep(now=at(8))

    assert (commission(order).status, owed(order)) == ("reversed", (0, 0, 0, 0))
    assert earning.sweep(now=at(9)) == 0
    assert make.broken() == []


@pytest.mark.django_db
def test_balances_are_there_as_of_any_time() -> None:
    order = sold()
    host = ledger.host(commission(order).host_id)
    sold_at = (
        ledger.statement(account=host, currency="EUR", since=after(-1e9), until=after(1e9)).entries[0].at
    )
    earning.sweep(now=at(8))

    assert ledger.balance(host, "EUR", at=sold_at).amount == -COMMISSION
    assert ledger.balance(host, "EUR").amount == 0


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_and_a_refund_at_once_book_it_once() -> None:
    for _ in range(3):
        order = sold()
        ids: list[UUID] = [order.id]
        outcomes = at_once(
            [
                lambda: earning.earn(order_ids=ids, now=at(8)),  # noqa: B023
                lambda: earning.earn(order_ids=ids, now=at(8)),  # noqa: B023
                lambda: refund(order, 1000, days=8),  # noqa: B023
            ]
        )
        earning.sweep(now=at(8))
        assert not [each for each in outcomes if isinstance(each, Exception)]
        assert owed(order) == (0, COMMISSION // 2, 0, REST // 2)
    assert make.broken() == []


@pytest.mark.django_db(transaction=True)
def test_what_somebody_has_in_hand_is_left_for_the_next_sweep() -> None:
    """Fails without the lock: a refund under way would be counted as not decided."""
    order = sold()
    with transaction.atomic():
        Purchase.objects.select_for_update(no_key=True).get(pk=order.purchase_id)
        [earned] = at_once([lambda: earning.earn(order_ids=[order.id], now=at(8))])
    assert earned == []
    assert earning.sweep(now=at(8)) == 1
