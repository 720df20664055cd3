"""Shipping and tax in the money: who gets them, what a refund gives back, and who bears it."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from commerce import gateway, ledger
from commerce.models import LedgerTransaction, Merchant
from commerce.money import Money
from orders import fulfilment
from orders.aftersales import cancelling, disputes, refunding
from orders.books import earning, postings
from orders.models import (
    Commission,
    Order,
    OrderLine,
    Payment,
    Purchase,
    Refund,
    RefundLine,
    ShippingBack,
)
from orders.settling import payments, refunds
from tests.orders import make, tariffing
from tests.orders.make import after

pytestmark = pytest.mark.django_db


def paid(*wanted: Any, total: int, **more: Any) -> Purchase:
    purchase = make.basket(*wanted, total=total, **more).go(now=after(1))
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=after(2))
    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.PAID
    assert make.broken() == []
    return purchase


def owed(seller: Merchant) -> int:
    return -ledger.balance(ledger.merchant(seller.id), "EUR").amount


def give_back(order: Order, **asked: Any) -> Refund:
    made = refunding.refund(
        merchant_id=order.merchant_id,
        order_id=order.id,
        reason="sorry",
        actor=refunding.SYSTEM,
        now=after(10),
        **asked,
    )
    assert make.broken() == []
    return made


@pytest.fixture
def order() -> Order:
    """Two lipsticks for 10.00 without tax, 19 % on top, and 5.00 for the parcel: 29.75 in all."""
    one = make.variant(amount=1000, seller=make.merchant(commission_bp=1000, fee_bp=500))
    tariffing.tax(one.merchant, bp=1900)
    tariffing.on_top(one.merchant)
    tariffing.zone(one.merchant, "DE", amount=500)
    purchase = paid((one, 2), stream=make.show(one), total=2975)
    return Order.objects.get(purchase=purchase)


def test_commission_and_fees_are_shares_of_the_goods_without_tax_and_shipping(order: Order) -> None:
    earned = Commission.objects.get()
    assert (earned.base_amount, earned.amount) == (2000, 200)
    assert -ledger.balance(ledger.PLATFORM_FEES, "EUR").amount == 100
    assert owed(order.merchant) == 1700 + 500 + 475


def test_tax_that_prices_contain_is_no_part_of_the_commissions_base() -> None:
    one = make.variant(amount=1190)
    tariffing.tax(one.merchant, bp=1900)
    paid((one, 1), stream=make.show(one), total=1190)
    earned = Commission.objects.get()
    assert (earned.base_amount, earned.amount) == (1000, 100)
    assert owed(one.merchant) == 850 + 190


def test_units_that_come_back_carry_their_tax_and_no_shipping(order: Order) -> None:
    line = order.lines.get()
    made = give_back(order, lines=[refunding.Wanted(line.id, 1)])
    part = RefundLine.objects.get()
    assert (made.amount, part.amount, part.tax_amount, part.host_amount) == (1190, 1190, 190, 100)
    assert not ShippingBack.objects.exists()
    assert owed(order.merchant) == 2675 - (1190 - 100 - 50)


def test_a_full_refund_includes_shipping_and_leaves_nobody_anything(order: Order) -> None:
    made = give_back(order)
    back = ShippingBack.objects.get()
    assert (made.amount, back.amount, back.tax_amount) == (2975, 595, 95)
    assert (owed(order.merchant), ledger.balance(ledger.PLATFORM_FEES, "EUR").amount) == (0, 0)
    assert Payment.objects.get().refunded_amount == 2975
    order.refresh_from_db()
    assert order.refunded_shipping_amount == 595
    with pytest.raises(refunding.NothingLeft):
        give_back(order)


def test_after_all_units_a_refund_of_the_rest_is_shipping_alone(order: Order) -> None:
    line = order.lines.get()
    assert give_back(order, lines=[refunding.Wanted(line.id, 2)]).amount == 2380
    assert give_back(order).amount == 595
    assert owed(order.merchant) == 0


def test_an_amount_takes_of_shipping_what_goods_do_not_hold_and_never_more(order: Order) -> None:
    with pytest.raises(refunding.TooMuch) as refused:
        give_back(order, amount=Money(2976, "EUR"))
    assert refused.value.data == {"left": 2975}
    give_back(order, amount=Money(2500, "EUR"))
    assert ShippingBack.objects.get().amount == 120
    give_back(order, amount=Money(475, "EUR"))
    assert sum(ShippingBack.objects.values_list("amount", flat=True)) == 595
    assert sum(ShippingBack.objects.values_list("tax_amount", flat=True)) == 95
    assert sum(RefundLine.objects.values_list("tax_amount", flat=True)) == 380


def test_the_database_gives_back_no_more_shipping_than_was_paid(order: Order) -> None:
    with pytest.raises(IntegrityError, match="order_shipping_refund_capped"), transaction.atomic():
        Order.objects.update(refunded_shipping_amount=596)
    with pytest.raises(IntegrityError, match="order_line_refund_capped"), transaction.atomic():
        OrderLine.objects.update(refunded_amount=2381)
    OrderLine.objects.update(refunded_amount=2380)


def test_a_cancellation_before_shipping_gives_back_all(order: Order) -> None:
    cancelling.cancel_by_merchant(
        merchant_id=order.merchant_id,
        order_id=order.id,
        reason="sold out",
        restock=True,
        actor=refunding.SYSTEM,
        now=after(5),
    )
    assert Refund.objects.get().amount == 2975
    assert make.broken() == []


def test_a_dispute_takes_shipping_and_tax_from_the_merchant_and_gives_them_back(order: Order) -> None:
    payment = Payment.objects.get()

    def told(withdrawn: int, reinstated: int) -> None:
        said = gateway.Dispute(
            id="dp_1",
            status="needs_response",
            reason="general",
            amount=Money(2975, "EUR"),
            charge_id=payment.charge_id,
            intent_id=payment.provider_id,
            due_at=None,
            withdrawn=withdrawn,
            reinstated=reinstated,
        )
        disputes.take_in(told=said, now=after(5))
        assert make.broken() == []

    told(2975, 0)
    assert (owed(order.merchant), ledger.balance(ledger.DISPUTES, "EUR").amount) == (0, 0)
    (row,) = disputes.of_merchant(merchant_id=order.merchant_id)
    assert vars(row)["yours"] == 2675
    told(2975, 2975)
    assert owed(order.merchant) == 2675


def test_a_refund_that_names_no_lines_goes_over_the_goods_first(order: Order) -> None:
    refunds.owe(payment=Payment.objects.get(), amount=2400, reason="late parcel", now=after(9))
    assert ShippingBack.objects.get().amount == 20
    assert make.broken() == []


def test_units_of_a_currency_with_three_decimals_come_back_in_sums_that_can_be_paid() -> None:
    one = make.variant(amount=5120, currency="KWD")
    tariffing.tax(one.merchant, bp=500)
    tariffing.on_top(one.merchant)
    purchase = paid((one, 3), total=15360 + 770)
    order = Order.objects.get(purchase=purchase)
    line = order.lines.get()
    amounts = [give_back(order, lines=[refunding.Wanted(line.id, 1)]).amount for _ in range(3)]
    assert sum(amounts) == 16130
    assert all(each % 10 == 0 for each in amounts)


def test_shipping_that_was_earned_is_given_back_of_what_may_be_paid_out(order: Order) -> None:
    parcel = {"carrier": "Post", "tracking_number": "1", "tracking_url": ""}
    fulfilment.ship(merchant_id=order.merchant_id, order_id=order.id, now=after(9), **parcel)
    assert earning.earn(order_ids=[order.id], now=after(30 * 86_400)) == [order.id]
    payable = ledger.payable(ledger.merchant(order.merchant_id))
    assert ledger.balance(payable, "EUR").amount == -2675
    give_back(order)
    assert (owed(order.merchant), ledger.balance(payable, "EUR").amount) == (0, 0)


def test_booking_a_sale_twice_books_its_charges_once(order: Order) -> None:
    postings.sale([order.purchase])
    assert owed(order.merchant) == 2675
    assert make.broken() == []


def test_a_merchant_who_charges_nothing_has_no_such_bookings() -> None:
    one = make.variant()
    paid((one, 1), total=1999)
    assert not LedgerTransaction.objects.filter(kind__startswith="sale.").exists()
