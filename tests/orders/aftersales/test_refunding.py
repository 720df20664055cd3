"""What a merchant gives back, of which units, and what becomes of order and goods."""

from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog import bundles
from catalog.models import StockMovement
from commerce import ledger
from commerce.money import Money
from orders import fulfilment, queries
from orders.aftersales import refunding, shapes
from orders.models import Order, OrderLine, Payment, Purchase, Refund, WaitlistEntry
from orders.settling import payments, repaying
from streams.models import Offer
from tests.orders import make
from tests.orders.make import after

pytestmark = pytest.mark.django_db

MERCHANT = refunding.Actor(Refund.By.MERCHANT)


def pay(purchase: Purchase) -> Purchase:
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=after(2))
    return Purchase.objects.get(pk=purchase.pk)


def ship(order: Order) -> None:
    parcel = {"carrier": "DHL", "tracking_number": "1", "tracking_url": ""}
    fulfilment.ship(merchant_id=order.merchant_id, order_id=order.id, now=after(9), **parcel)


def give(order: Order, *lines: tuple[OrderLine, int], amount: int | None = None, **more: object) -> Refund:
    return refunding.refund(
        merchant_id=order.merchant_id,
        order_id=order.id,
        reason="scratched",
        actor=MERCHANT,
        now=after(20),
        lines=[refunding.Wanted(line.id, quantity) for line, quantity in lines],
        amount=None if amount is None else Money(amount, order.currency),
        **more,  # type: ignore[arg-type]
    )


@pytest.fixture
def order() -> Order:
    """Three lipsticks for 10.00 together, paid, not shipped."""
    lipstick = make.variant(stocked=5, amount=1000)
    stream = make.show(lipstick)
    purchase = pay(make.basket((lipstick, 3), stream=stream).go(now=after(1)))
    return Order.objects.get(purchase=purchase)


def line_of(order: Order) -> OrderLine:
    return OrderLine.objects.get(order=order)


def test_units_are_given_back_at_what_they_cost_and_the_parts_add_up(order: Order) -> None:
    OrderLine.objects.update(discount_amount=2000, amount=1000)
    line = line_of(order)

    worths = []
    for _ in range(3):
        line.refresh_from_db()
        worths.append(refunding.worth(line, 1))
        OrderLine.objects.filter(pk=line.pk).update(
            refunded_quantity=line.refunded_quantity + 1, refunded_amount=line.refunded_amount + worths[-1]
        )

    assert worths == [333, 333, 334]


def test_all_that_is_left_is_given_back_and_the_order_is_cancelled(order: Order) -> None:
    give(order, (line_of(order), 1))
    order.refresh_from_db()
    assert order.status == Order.Status.OPEN, "two are still to be shipped"

    refund = give(order)

    assert refund.amount == 2000
    order.refresh_from_db()
    assert order.status == Order.Status.CANCELLED
    assert Purchase.objects.get().status == Purchase.Status.PAID
    assert ledger.balance(ledger.merchant(order.merchant_id), "EUR").amount == 0
    with pytest.raises(refunding.NothingLeft):
        give(order)
    assert make.broken() == []


def test_a_shipped_order_stays_shipped(order: Order) -> None:
    ship(order)
    give(order)
    order.refresh_from_db()
    assert order.status == Order.Status.SHIPPED
    assert make.broken() == []


def test_units_for_less_than_they_cost_are_all_the_same_counted(order: Order) -> None:
    line = line_of(order)
    refund = give(order, (line, 2), amount=1500)
    line.refresh_from_db()
    assert (refund.amount, line.refunded_quantity, line.refunded_amount) == (1500, 2, 1500)
    with pytest.raises(refunding.TooMuch):
        give(order, (line, 1), amount=1001)
    assert give(order).amount == 1500
    assert make.broken() == []


def test_money_without_goods_leaves_the_units_hers_and_counts_against_them(order: Order) -> None:
    line = line_of(order)
    give(order, amount=2500)
    line.refresh_from_db()
    assert (line.refunded_quantity, line.refunded_amount) == (0, 2500)

    assert give(order, (line, 1)).amount == 500, "not more than is left"
    assert make.broken() == []


def test_more_than_is_left_is_refused(order: Order) -> None:
    line = line_of(order)
    with pytest.raises(refunding.TooMuch) as refused:
        give(order, amount=3001)
    assert refused.value.data == {"left": 3000}
    with pytest.raises(refunding.TooMuch):
        give(order, (line, 2), (line, 2))
    with pytest.raises(refunding.OtherCurrency):
        refunding.refund(
            merchant_id=order.merchant_id,
            order_id=order.id,
            reason="x",
            actor=MERCHANT,
            now=after(20),
            amount=Money(1, "USD"),
        )
    assert not Refund.objects.exists()


def test_lines_and_orders_of_others_are_not_found(order: Order) -> None:
    other = pay(make.basket((make.variant(), 1)).go(now=after(1)))
    foreign = OrderLine.objects.get(order__purchase=other)
    with pytest.raises(refunding.UnknownLine):
        give(order, (foreign, 1))
    with pytest.raises(queries.UnknownOrder):
        refunding.refund(
            merchant_id=foreign.merchant_id, order_id=order.id, reason="x", actor=MERCHANT, now=after(20)
        )


def test_what_was_not_paid_cannot_be_given_back() -> None:
    early = make.variant()
    type(early).objects.filter(pk=early.pk).update(release_at=after(100_000))
    purchase = make.basket((early, 1)).go(now=after(1))
    payments.apply(intent=make.said(make.sent(purchase), "held"), now=after(2))
    with pytest.raises(refunding.NotPaid):
        give(Order.objects.get())


# --- goods ---


def test_units_are_put_on_sale_again_only_when_it_is_asked_for(order: Order) -> None:
    line = line_of(order)
    give(order, (line, 1))
    assert make.stock_of(line.variant_id) == 2
    give(order, (line, 1), restock=True)
    assert make.stock_of(line.variant_id) == 3
    movement = StockMovement.objects.get(reason="return")
    assert (movement.variant_id, movement.delta, movement.merchant_id) == (
        line.variant_id,
        1,
        order.merchant_id,
    )
    assert make.broken() == []


def test_units_that_come_back_go_to_the_next_in_line() -> None:
    last = make.variant(stocked=1)
    stream = make.show(last)
    purchase = pay(make.basket((last, 1), stream=stream).go(now=after(1)))
    waiting = WaitlistEntry.objects.create(
        buyer=make.user(), variant=last, stream=stream, status="waiting", quantity=1
    )

    give(Order.objects.get(purchase=purchase), restock=True)

    waiting.refresh_from_db()
    assert waiting.status == "offered"
    assert make.left(last) == 0
    assert make.broken() == []


def test_an_offers_quota_is_not_given_back() -> None:
    lipstick = make.variant(stocked=5)
    stream = make.show(lipstick)
    offer = make.offer(stream, lipstick, quota=2)
    purchase = pay(make.basket((lipstick, 1, offer), stream=stream).go(now=after(1)))

    give(Order.objects.get(purchase=purchase), restock=True)

    assert (Offer.objects.get().left, make.left(lipstick)) == (1, 5)
    assert make.broken() == []


def test_of_a_bundle_its_parts_are_put_back() -> None:
    part = make.variant(stocked=9)
    kit = make.variant(stocked=0, seller=part.merchant, amount=5000)
    bundles.set_parts(merchant_id=kit.merchant_id, bundle_id=kit.id, parts={part.id: 3}, now=make.NOW)
    purchase = pay(make.basket((kit, 2)).go(now=after(1)))
    assert make.left(part) == 3
    order = Order.objects.get(purchase=purchase)

    give(order, (line_of(order), 1), restock=True)

    assert make.left(part) == 6
    assert make.broken() == []


# --- who is told ---


def test_the_buyer_sees_what_went_back_and_is_told(order: Order) -> None:
    line = line_of(order)
    before = Purchase.objects.get().version
    refund = give(order, (line, 1))

    purchase = Purchase.objects.get()
    assert purchase.version == before + 1
    assert make.events("purchase.moved")[-1] == {
        "purchase": str(purchase.id),
        "status": "paid",
        "version": purchase.version,
    }
    told = queries.purchase_body(purchase.id)["orders"][0]["aftersales"]
    assert told["refunded"] == {"amount": 1000, "currency": "EUR"}
    assert told["lines"] == [
        {"line": str(line.id), "quantity": 1, "refunded": {"amount": 1000, "currency": "EUR"}}
    ]
    (shown,) = told["refunds"]
    assert (shown["id"], shown["status"], shown["by"]) == (str(refund.id), "owed", "merchant")

    Refund.objects.update(status="succeeded", provider_id="re_1")
    (shown,) = queries.purchase_body(purchase.id)["orders"][0]["aftersales"]["refunds"]
    assert shown["status"] == "paid"


def test_who_decided_is_kept(order: Order) -> None:
    person = make.user("Ops")
    refunding.refund(
        merchant_id=order.merchant_id,
        order_id=order.id,
        reason="complained",
        actor=refunding.Actor(Refund.By.OPERATOR, person.id),
        now=after(20),
        amount=Money(100, "EUR"),
    )
    refund = Refund.objects.get()
    assert (refund.by, refund.decided_by, refund.kind, refund.order_id) == (
        "operator",
        person,
        "goodwill",
        order.id,
    )
    assert isinstance(refund.order_id, UUID)
    assert Payment.objects.get().refunded_amount == 100


def test_in_a_currency_with_three_decimals_only_what_can_be_paid_goes_back() -> None:
    """The provider wants the last digit to be 0: https://docs.stripe.com/currencies#three-decimal"""
    goods = make.variant(stocked=5, amount=10_000, currency="KWD")
    order = Order.objects.get(purchase=pay(make.basket((goods, 3)).go(now=after(1))))
    OrderLine.objects.update(discount_amount=20_005, amount=9_995)
    line = line_of(order)

    assert [give(order, (line, 1)).amount for _ in range(2)] == [3330, 3330]
    assert give(order, (line, 1)).amount == 3330, "of 3335"
    with pytest.raises(refunding.NothingLeft):
        give(order)
    line.refresh_from_db()
    assert (line.amount - line.refunded_amount, line.refunded_quantity) == (5, 3)


def test_units_then_an_amount_then_the_rest_add_up_and_so_does_everybodys_share() -> None:
    """In yen, 7 % and 5 % of 3 x 333 and 2 x 101: no share divides."""
    goods = make.variant(stocked=9, amount=333, currency="JPY", seller=make.merchant(commission_bp=700))
    other = make.variant(stocked=9, amount=101, currency="JPY", product=goods.product, title="Blue")
    basket = make.basket((goods, 3), (other, 2), stream=make.show(goods))
    order = Order.objects.get(purchase=pay(basket.go(now=after(1))))
    first, second = OrderLine.objects.filter(order=order).order_by("-amount")

    back = [give(order, (first, 1)), give(order, amount=101), give(order, (second, 1), amount=7), give(order)]

    assert sum(each.amount for each in back) == order.amount == 1201
    standing = {row.kind: row.balance for row in ledger.trial_balance() if row.balance}
    assert standing == {"provider": 1201, "refunds": -1201}
    assert make.broken() == []


def test_a_refund_that_is_sent_anew_still_says_what_it_is_for(order: Order) -> None:
    line = line_of(order)
    failed = give(order, (line, 2))
    for _ in range(2):
        Refund.objects.filter(pk=failed.pk).update(status=Refund.Status.FAILED)
        failed = repaying.try_again(refund_id=failed.id, now=after(30))

    (listed,) = refunding.of_merchant(merchant_id=order.merchant_id)
    body = shapes.merchant_refund(listed)
    assert body["id"] == str(failed.id)
    assert body["lines"] == [
        {"line": str(line.id), "quantity": 2, "refunded": {"amount": 2000, "currency": "EUR"}}
    ]


def test_a_page_of_refunds_that_were_sent_anew_costs_the_same_however_many(order: Order) -> None:
    def counted(number: int) -> int:
        for _ in range(number):
            row = give(order, amount=100)
            for seconds in (30, 40):
                Refund.objects.filter(pk=row.pk).update(status="failed")
                row = repaying.anew(row, amount=100, now=after(seconds))
        with CaptureQueriesContext(connection) as asked:
            rows = [
                shapes.merchant_refund(row) for row in refunding.of_merchant(merchant_id=order.merchant_id)
            ]
        assert all(row["lines"][0]["refunded"]["amount"] == 100 for row in rows)
        return len(asked)

    assert counted(1) == counted(3)
