"""Returns: asked, approved or refused, received, refunded; and never more units than she has."""

from typing import Any

import pytest

from commerce.money import Money
from orders import fulfilment, moves, queries
from orders.aftersales import cancelling, refunding, returning
from orders.models import Order, OrderLine, Refund, Return, ReturnMove
from orders.settling import payments, repaying
from tests.orders import make
from tests.orders.make import after

pytestmark = pytest.mark.django_db

MERCHANT = refunding.Actor(Refund.By.MERCHANT)
DAY = 86_400


@pytest.fixture
def order() -> Order:
    """Three pieces for 10.00 each that have been shipped."""
    purchase = make.basket((make.variant(stocked=5, amount=1000), 3)).go(now=after(1))
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=after(2))
    order = Order.objects.get(purchase=purchase)
    parcel = {"carrier": "DHL", "tracking_number": "1", "tracking_url": ""}
    fulfilment.ship(merchant_id=order.merchant_id, order_id=order.id, now=after(100), **parcel)
    order.refresh_from_db()
    return order


def ask(order: Order, quantity: int = 1, *, seconds: float = 200, **more: Any) -> Return:
    line = OrderLine.objects.get(order=order)
    return returning.ask(
        **{
            "buyer_id": order.purchase.buyer_id,
            "purchase_id": order.purchase_id,
            "order_id": order.id,
            "lines": [refunding.Wanted(line.id, quantity)],
            "reason": Return.Reason.DAMAGED,
            "note": "It leaks.",
            "now": after(seconds),
            **more,
        }
    )


def decide(verb: Any, back: Return, **more: Any) -> Return:
    found: Return = verb(
        merchant_id=back.merchant_id, return_id=back.id, actor=MERCHANT, now=after(300), **more
    )
    return found


def refund(back: Return, *, restock: bool = False, amount: Money | None = None) -> Return:
    return decide(returning.refund, back, restock=restock, amount=amount)


def test_goods_come_back_and_the_money_goes_back(order: Order) -> None:
    back = ask(order, 2)
    decide(returning.approve, back, answer="Send it to the address on the box.")
    decide(returning.receive, back)
    done = refund(back, restock=True)

    assert done.status == Return.Status.REFUNDED
    made = Refund.objects.get()
    assert (made.amount, made.kind, done.refund) == (2000, "return", made)
    line = OrderLine.objects.get()
    assert (line.refunded_quantity, make.stock_of(line.variant_id)) == (2, 4)
    history = ReturnMove.objects.order_by("id").values_list("old", "new", "by")
    assert list(history) == [
        ("", "asked", "buyer"),
        ("asked", "approved", "merchant"),
        ("approved", "received", "merchant"),
        ("received", "refunded", "merchant"),
    ]
    assert refund(back).refund == made, "asked for twice, it is given back once"
    assert Refund.objects.count() == 1
    assert make.broken() == []


def test_the_buyer_sees_how_it_stands(order: Order) -> None:
    back = ask(order)
    decide(returning.approve, back, answer="Send it back.")
    told = queries.purchase_body(order.purchase_id)["orders"][0]["aftersales"]
    (shown,) = told["returns"]
    assert (shown["status"], shown["reason"], shown["answer"]) == ("approved", "damaged", "Send it back.")
    assert shown["lines"] == [{"line": str(OrderLine.objects.get().id), "quantity": 1}]
    assert told["return_until"] == int(after(100 + 30 * DAY).timestamp() * 1000)


def test_a_merchant_may_do_without_the_goods_but_not_sell_them(order: Order) -> None:
    back = ask(order)
    decide(returning.approve, back, answer="Keep it.")
    with pytest.raises(returning.NotReceived):
        refund(back, restock=True)
    assert refund(back).status == Return.Status.REFUNDED
    assert make.broken() == []


def test_a_merchant_may_give_less_for_what_came_back_worn(order: Order) -> None:
    back = ask(order)
    decide(returning.approve, back, answer="")
    decide(returning.receive, back)
    with pytest.raises(refunding.TooMuch):
        refund(back, amount=Money(1001, "EUR"))
    refund(back, amount=Money(400, "EUR"))
    line = OrderLine.objects.get()
    assert (line.refunded_quantity, line.refunded_amount) == (1, 400)
    assert make.broken() == []


def test_what_was_refused_stays_refused(order: Order) -> None:
    back = ask(order)
    decide(returning.refuse, back, answer="It was sealed.")
    for verb in (returning.approve, returning.receive):
        with pytest.raises(moves.IllegalMove):
            decide(verb, back, **({"answer": ""} if verb is returning.approve else {}))
    with pytest.raises(moves.IllegalMove):
        refund(back)
    assert not Refund.objects.exists()


def test_not_before_it_was_approved(order: Order) -> None:
    back = ask(order)
    with pytest.raises(moves.IllegalMove):
        decide(returning.receive, back)
    with pytest.raises(moves.IllegalMove):
        refund(back)


def test_never_more_units_than_she_has(order: Order) -> None:
    ask(order, 2)
    with pytest.raises(returning.TooMany) as refused:
        ask(order, 2)
    assert refused.value.data["left"] == 1
    second = ask(order, 1)
    decide(returning.refuse, second, answer="no")
    ask(order, 1)
    refunding.refund(
        merchant_id=order.merchant_id,
        order_id=order.id,
        reason="x",
        actor=MERCHANT,
        now=after(250),
        lines=[refunding.Wanted(OrderLine.objects.get().id, 3)],
    )
    with pytest.raises(returning.TooMany):
        ask(order, 1)


def test_only_what_was_shipped_and_only_in_time(order: Order) -> None:
    with pytest.raises(returning.TooLate):
        ask(order, seconds=100 + 30 * DAY)
    cancelling.set_windows(merchant_id=order.merchant_id, cancel_seconds=0, return_days=0)
    with pytest.raises(returning.TooLate):
        ask(order)
    purchase = make.basket((make.variant(), 1)).go(now=after(1))
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=after(2))
    with pytest.raises(returning.NotShipped):
        ask(Order.objects.get(purchase=purchase))


def test_nobody_returns_or_decides_what_is_not_hers(order: Order) -> None:
    with pytest.raises(queries.UnknownPurchase):
        ask(order, buyer_id=make.user().id)
    with pytest.raises(returning.NothingBack):
        ask(order, lines=[])
    back = ask(order)
    for verb in (returning.receive, returning.approve):
        with pytest.raises(returning.UnknownReturn):
            verb(
                merchant_id=make.merchant().id,
                return_id=back.id,
                actor=MERCHANT,
                now=after(300),
                **({"answer": ""} if verb is returning.approve else {}),
            )


def give(order: Order, **more: Any) -> Refund:
    return refunding.refund(
        merchant_id=order.merchant_id,
        order_id=order.id,
        reason="sorry",
        actor=MERCHANT,
        now=after(250),
        **more,
    )


def test_a_return_whose_units_were_given_back_otherwise_comes_to_an_end(order: Order) -> None:
    back = ask(order, 2)
    decide(returning.approve, back, answer="")
    give(order)
    with pytest.raises(refunding.NothingLeft):
        refund(back, amount=Money(100, "EUR"))

    done = refund(back)
    assert (done.status, done.refund) == (Return.Status.REFUNDED, None)
    assert Refund.objects.count() == 1
    assert make.broken() == []


def test_of_a_return_only_what_was_not_given_back_otherwise_is(order: Order) -> None:
    line = OrderLine.objects.get()
    back = ask(order, 2)
    decide(returning.approve, back, answer="")
    give(order, lines=[refunding.Wanted(line.id, line.quantity - 1)])

    made = refund(back).refund
    assert made is not None
    assert made.amount == line.amount // line.quantity
    line.refresh_from_db()
    assert (line.refunded_quantity, line.refunded_amount) == (line.quantity, line.amount)


def test_the_link_follows_a_refund_that_was_sent_anew(order: Order) -> None:
    back = refund(decide(returning.approve, ask(order), answer=""))
    Refund.objects.update(status="failed")
    fresh = repaying.try_again(refund_id=Refund.objects.get().id, now=after(400))

    back.refresh_from_db()
    assert back.refund == fresh
    assert queries.purchase_body(order.purchase_id)["orders"][0]["aftersales"]["returns"][0]["refund"] == str(
        fresh.id
    )
