"""Cancelling: the buyer by herself within the merchant's window, then as the merchant decides."""

from dataclasses import replace

import pytest

from catalog.models import Variant
from commerce import gateway
from commerce.models import Merchant
from commerce.money import Money
from orders import fulfilment, queries
from orders.aftersales import cancelling, disputes, refunding
from orders.models import Cancellation, Hold, Order, OrderLine, Payment, Purchase, Refund
from orders.settling import payments
from tests.orders import make
from tests.orders.make import after

pytestmark = pytest.mark.django_db

MERCHANT = refunding.Actor(Refund.By.MERCHANT)
WINDOW = 900


def bought(status: str = "succeeded", *goods: Variant) -> Order:
    purchase = make.basket(*((each, 1) for each in goods or (make.variant(stocked=3),))).go(now=after(1))
    payments.apply(intent=make.said(make.sent(purchase), status), now=after(2))
    return Order.objects.filter(purchase=purchase).order_by("id")[0]


def cancel(order: Order, seconds: float = 100, reason: str = "") -> Purchase:
    return cancelling.cancel_by_buyer(
        buyer_id=order.purchase.buyer_id,
        purchase_id=order.purchase_id,
        order_id=order.id,
        reason=reason,
        now=after(seconds),
    )


def shown(order: Order) -> dict[str, object]:
    (found,) = [
        each for each in queries.purchase_body(order.purchase_id)["orders"] if each["id"] == str(order.id)
    ]
    return dict(found["aftersales"])


def ship(order: Order) -> None:
    parcel = {"carrier": "DHL", "tracking_number": "1", "tracking_url": ""}
    fulfilment.ship(merchant_id=order.merchant_id, order_id=order.id, now=after(50), **parcel)


def test_within_the_window_money_and_goods_go_back_at_once() -> None:
    order = bought()
    assert shown(order)["cancel_until"] == int(after(2 + WINDOW).timestamp() * 1000)

    cancel(order, seconds=1 + WINDOW)

    order.refresh_from_db()
    refund = Refund.objects.get()
    assert order.status == Order.Status.CANCELLED
    assert (refund.amount, refund.kind, refund.by) == (1999, "cancel", "buyer")
    assert refund.decided_by_id == order.purchase.buyer_id
    assert make.stock_of(OrderLine.objects.get().variant_id) == 3
    assert shown(order)["cancel_until"] is None
    cancel(order)
    assert Refund.objects.count() == 1, "pressed twice, it is cancelled once"
    assert make.broken() == []


def test_one_merchants_part_is_cancelled_and_the_others_stays() -> None:
    order = bought("succeeded", make.variant(amount=1000), make.variant(amount=2000))
    cancel(order)
    other = Order.objects.exclude(pk=order.pk).get()
    assert other.status == Order.Status.OPEN
    assert Refund.objects.get().amount == order.amount
    assert make.broken() == []


def test_after_the_window_the_merchant_is_asked_once() -> None:
    order = bought()
    cancel(order, 2 + WINDOW, "bought twice")
    cancel(order, 3 + WINDOW)

    order.refresh_from_db()
    assert (order.status, Refund.objects.count()) == (Order.Status.OPEN, 0)
    wish = Cancellation.objects.get()
    assert (wish.status, wish.reason, wish.merchant_id) == ("asked", "bought twice", order.merchant_id)
    assert shown(order)["cancellation"] == {
        "status": "asked",
        "reason": "bought twice",
        "answer": "",
        "asked_at": int(after(2 + WINDOW).timestamp() * 1000),
    }


def test_a_merchant_without_a_window_is_asked_at_once() -> None:
    order = bought()
    cancelling.set_windows(merchant_id=order.merchant_id, cancel_seconds=0, return_days=30)
    assert Merchant.objects.get(pk=order.merchant_id).cancel_seconds == 0
    cancel(order, 3)
    assert Cancellation.objects.get().status == "asked"


def test_the_merchant_grants() -> None:
    order = bought()
    cancel(order, 2 + WINDOW)
    for _ in range(2):
        cancelling.cancel_by_merchant(
            merchant_id=order.merchant_id,
            order_id=order.id,
            reason="as you asked",
            restock=True,
            actor=MERCHANT,
            now=after(2000),
        )
    order.refresh_from_db()
    assert order.status == Order.Status.CANCELLED
    assert Cancellation.objects.get().status == "granted"
    assert (Refund.objects.get().by, Refund.objects.get().kind) == ("merchant", "cancel")
    assert make.broken() == []


def test_the_merchant_refuses_and_is_not_asked_again() -> None:
    order = bought()
    with pytest.raises(cancelling.NotAsked):
        cancelling.refuse(merchant_id=order.merchant_id, order_id=order.id, answer="", now=after(3))
    cancel(order, 2 + WINDOW)
    for _ in range(2):
        cancelling.refuse(
            merchant_id=order.merchant_id, order_id=order.id, answer="It is packed.", now=after(2000)
        )
    assert shown(order)["cancellation"]["answer"] == "It is packed."  # type: ignore[index]
    with pytest.raises(cancelling.AlreadyRefused):
        cancel(order, 2001)
    assert make.events("purchase.moved")[-1]["status"] == "paid"


def test_what_is_on_its_way_is_not_cancelled() -> None:
    order = bought()
    ship(order)
    with pytest.raises(cancelling.NotCancellable):
        cancel(order)
    with pytest.raises(cancelling.NotCancellable):
        cancelling.cancel_by_merchant(
            merchant_id=order.merchant_id,
            order_id=order.id,
            reason="x",
            restock=True,
            actor=MERCHANT,
            now=after(60),
        )
    assert not Refund.objects.exists()


def test_what_is_not_paid_yet_cannot_be_cancelled() -> None:
    purchase = make.basket((make.variant(), 1)).go(now=after(1))
    with pytest.raises(cancelling.NotCancellable):
        cancel(Order.objects.get(purchase=purchase))


def test_nobody_cancels_what_is_not_hers() -> None:
    order, other = bought(), bought()
    for buyer_id, purchase_id, order_id in [
        (make.user().id, order.purchase_id, order.id),
        (order.purchase.buyer_id, order.purchase_id, other.id),
        (order.purchase.buyer_id, other.purchase_id, other.id),
    ]:
        with pytest.raises((queries.UnknownPurchase, queries.UnknownOrder)):
            cancelling.cancel_by_buyer(
                buyer_id=buyer_id, purchase_id=purchase_id, order_id=order_id, reason="", now=after(3)
            )


def test_a_preorder_is_cancelled_without_a_refund_and_the_cards_promise_is_given_back() -> None:
    early = make.variant(stocked=3)
    Variant.objects.filter(pk=early.pk).update(release_at=after(100_000))
    order = bought("held", early)
    assert shown(order)["cancel_until"] == int(after(100_000).timestamp() * 1000)

    cancel(order, 50_000)

    order.refresh_from_db()
    payment = Payment.objects.get()
    assert (order.status, payment.status, order.purchase.status) == ("cancelled", "cancelled", "cancelled")
    assert Hold.objects.get().status == Hold.Status.RELEASED
    assert make.left(early) == 3
    assert make.events("authorization.unwanted") == [{"payment": str(payment.id)}]
    body = queries.purchase_body(order.purchase_id)
    assert (body["reason"], body["message"]) == (
        "CANCELLED",
        "You cancelled this pre-order. Nothing was charged.",
    )
    assert not Refund.objects.exists()
    assert make.broken() == []


# --- what has no money left ---


def grant(order: Order, *, restock: bool = True) -> Order:
    return cancelling.cancel_by_merchant(
        merchant_id=order.merchant_id,
        order_id=order.id,
        reason="sold out",
        restock=restock,
        actor=MERCHANT,
        now=after(200),
    )


def give_all(order: Order, *, goods: bool) -> None:
    refunding.refund(
        merchant_id=order.merchant_id,
        order_id=order.id,
        reason="sorry",
        actor=MERCHANT,
        amount=None if goods else Money(order.amount, order.currency),
        now=after(150),
    )


@pytest.mark.parametrize("restock", [True, False])
def test_an_order_whose_money_is_back_already_can_still_be_cancelled(restock: bool) -> None:
    order = bought()
    give_all(order, goods=False)

    assert grant(order, restock=restock).status == Order.Status.CANCELLED
    grant(order)

    assert Refund.objects.count() == 1
    assert make.stock_of(OrderLine.objects.get().variant_id) == (3 if restock else 2)
    assert make.broken() == []


def test_an_order_whose_money_the_bank_has_for_good_can_be_cancelled() -> None:
    order = bought()
    payment = Payment.objects.get()
    told = gateway.Dispute(
        id="dp_1",
        status="needs_response",
        reason="fraudulent",
        amount=Money(payment.amount, "EUR"),
        charge_id=payment.charge_id,
        intent_id=payment.provider_id,
        due_at=None,
        withdrawn=payment.amount,
    )
    disputes.take_in(told=told, now=after(110))
    with pytest.raises(refunding.Disputed):
        grant(order)
    disputes.take_in(told=replace(told, status="lost"), now=after(120))

    assert grant(order).status == Order.Status.CANCELLED
    assert not Refund.objects.exists()
    assert make.stock_of(OrderLine.objects.get().variant_id) == 3
    assert make.broken() == []


def test_giving_all_of_it_back_grants_what_she_asked() -> None:
    order = bought()
    Merchant.objects.update(cancel_seconds=0)
    cancel(order)
    give_all(order, goods=True)

    order.refresh_from_db()
    assert order.status == Order.Status.CANCELLED
    assert Cancellation.objects.get().status == Cancellation.Status.GRANTED
    with pytest.raises(cancelling.NotAsked):
        cancelling.refuse(merchant_id=order.merchant_id, order_id=order.id, answer="no", now=after(300))


def test_what_a_buyer_asked_to_cancel_is_not_shipped_before_she_has_her_answer() -> None:
    order = bought()
    cancel(order, seconds=5000)
    with pytest.raises(fulfilment.CancellationAsked):
        ship(order)
    order.refresh_from_db()
    assert (order.status, order.parcel_lines.count()) == ("open", 0)

    cancelling.refuse(
        merchant_id=order.merchant_id, order_id=order.id, answer="It is packed.", now=after(6000)
    )
    ship(order)
    order.refresh_from_db()
    assert order.status == "shipped"
    assert make.broken() == []
