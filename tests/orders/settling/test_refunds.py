"""Refunds of what was paid: who bears them, to the last cent, and never more than was captured."""

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce import ledger
from commerce.models import Posting
from orders import pricing, queries
from orders.books import postings
from orders.models import Commission, OrderLine, Payment, Purchase, Refund, RefundLine
from orders.settling import payments, refunds
from tests.orders import make
from tests.orders.make import after

pytestmark = pytest.mark.django_db


def paid(*, quantity: int = 3, amount: int = 999) -> Payment:
    """A paid purchase in a show: 10 % are the host's, 5 % the platform's."""
    lipstick = make.variant(stocked=10, amount=1999)
    stream = make.show(lipstick)
    offer = make.offer(stream, lipstick, amount=amount, per_buyer=quantity)
    payment = make.sent(make.basket((lipstick, quantity, offer), stream=stream).go(now=after(1)))
    payments.apply(intent=make.said(payment, "succeeded"), now=after(2))
    payment.refresh_from_db()
    return payment


def owe(payment: Payment, amount: int) -> Refund:
    return refunds.owe(payment=payment, amount=amount, reason="kept the box shut", now=after(3))


def balances() -> dict[str, int]:
    found: dict[str, int] = {}
    for posting in Posting.objects.all():
        kind = posting.account.split(":")[0]
        found[kind] = found.get(kind, 0) + posting.amount
    return {kind: amount for kind, amount in found.items() if amount}


# --- who bears it ---


def test_a_refund_of_a_paid_purchase_is_borne_by_those_who_had_the_money() -> None:
    payment = paid()
    assert balances() == {"provider": 2997, "merchant": -2547, "host": -300, "platform": -150}

    refund = owe(payment, 1000)

    # 100.10 and 50.05 cents: the merchant has the largest remainder.
    assert balances() == {
        "provider": 2997,
        "merchant": -2547 + 850,
        "host": -200,
        "platform": -100,
        "refunds": -1000,
    }
    commission = Commission.objects.get()
    assert (commission.amount, commission.reversed_amount, commission.status) == (300, 100, "pending")
    line = OrderLine.objects.get()
    assert (line.refunded_quantity, line.refunded_amount) == (0, 1000)
    assert make.events("refund.owed") == [{"refund": str(refund.id)}]
    assert make.broken() == []


def test_a_refund_in_full_leaves_nobody_with_anything_and_the_commission_reversed() -> None:
    payment = paid()
    for amount in (1, 1, 1000, 994, 1001):
        refund = owe(payment, amount)
        Refund.objects.filter(pk=refund.pk).update(status="succeeded", provider_id=f"re_{amount}{refund.id}")
        postings.refund_paid(refund)

    assert balances() == {}
    commission = Commission.objects.get()
    assert (commission.reversed_amount, commission.status) == (300, "reversed")
    assert make.broken() == []


def test_the_host_sees_what_is_left_of_her_commission() -> None:
    payment = paid()
    line = OrderLine.objects.get()
    assert line.stream_id is not None
    assert line.host_id is not None

    owe(payment, 1000)

    sales = queries.sales_of_stream(stream_id=line.stream_id, host_id=line.host_id)
    assert sales["commission"] == [{"amount": 200, "currency": "EUR"}]
    assert sales["items"][0]["commission"] == [{"amount": 200, "currency": "EUR"}]


def test_each_line_is_taken_back_from_its_own_merchant() -> None:
    one, other = make.variant(amount=1000), make.variant(amount=3000)
    payment = make.sent(make.basket((one, 1), (other, 1)).go())
    payments.apply(intent=make.said(payment, "succeeded"), now=after(2))
    payment.refresh_from_db()

    line = OrderLine.objects.get(merchant=other.merchant)
    refunds.owe(
        payment=payment,
        amount=3000,
        reason="x",
        now=after(3),
        parts=[refunds.Part(line.id, 3000, quantity=1)],
    )

    assert ledger.balance(ledger.merchant(one.merchant_id), "EUR").amount == -950
    assert ledger.balance(ledger.merchant(other.merchant_id), "EUR").amount == 0
    assert ledger.balance(ledger.clearing(payment.purchase_id), "EUR").amount == 0
    assert make.broken() == []


def test_money_that_came_too_late_is_still_taken_from_clearing() -> None:
    late = make.variant(stocked=1)
    payment = make.sent(make.basket((late, 1)).go())
    payments.apply(intent=make.said(payment, "cancelled"), now=after(700))
    make.basket((late, 1)).go(now=after(701))
    payments.apply(intent=make.said(payment, "succeeded"), now=after(702))

    refund = Refund.objects.get()
    assert (refund.kind, refund.by, refund.lines.count()) == ("late", "system", 0)
    assert balances() == {"provider": 1999, "refunds": -1999}
    assert make.broken() == []


@given(
    amount=st.integers(1, 5000),
    host_bp=st.integers(0, 5000),
    platform_bp=st.integers(0, 5000),
    data=st.data(),
)
@settings(max_examples=50, deadline=None)
def test_parts_taken_back_add_up_and_never_exceed_what_is_there(
    amount: int, host_bp: int, platform_bp: int, data: st.DataObject
) -> None:
    left = pricing.shares(amount, host_bp=host_bp, platform_bp=platform_bp)
    while (rest := left.merchant + left.host + left.platform) > 0:
        part = data.draw(st.integers(1, rest))
        back = pricing.taken_back(part, of=left)
        assert back.merchant + back.host + back.platform == part
        left = pricing.Shares(
            left.merchant - back.merchant, left.host - back.host, left.platform - back.platform
        )
        assert min(left.merchant, left.host, left.platform) >= 0


# --- never more than was captured ---


def test_the_database_refuses_more_than_was_captured() -> None:
    payment = paid()
    owe(payment, 2000)

    with pytest.raises(IntegrityError, match="payment_refund_capped"), transaction.atomic():
        owe(payment, 998)

    assert Refund.objects.count() == RefundLine.objects.count() == 1
    assert make.broken() == []


def test_the_database_refuses_more_of_a_line_than_was_bought() -> None:
    payment = paid()
    line = OrderLine.objects.get()
    part = refunds.Part(line.id, 10, quantity=4)

    with pytest.raises(IntegrityError, match="order_line_refund_capped"), transaction.atomic():
        refunds.owe(payment=payment, amount=10, reason="x", now=after(3), parts=[part])


def test_without_its_constraint_a_line_would_be_given_back_more_often_than_bought() -> None:
    payment = paid()
    line = OrderLine.objects.get()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE orders_orderline DROP CONSTRAINT order_line_refund_capped")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")

    part = refunds.Part(line.id, 10, quantity=4)
    refunds.owe(payment=payment, amount=10, reason="x", now=after(3), parts=[part])

    assert OrderLine.objects.get().refunded_quantity == 4


def test_parts_that_do_not_add_up_are_a_programming_error() -> None:
    payment = paid()
    line = OrderLine.objects.get()
    with pytest.raises(ValueError, match="not its amount"), transaction.atomic():
        refunds.owe(payment=payment, amount=11, reason="x", now=after(3), parts=[refunds.Part(line.id, 10)])
    assert Purchase.objects.get().status == "paid"
