"""What merchants' systems are told of orders: once, in order, to its merchant alone, naming nobody."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.conf import settings
from django.db import transaction

from commerce import clock, gateway
from commerce.models import Event, Merchant, WebhookDelivery, WebhookMessage
from commerce.money import Money
from commerce.relay import Relay
from commerce.webhooks import endpoints
from orders import fulfilment, hearers, telling
from orders.aftersales import cancelling, disputes, refunding, returning
from orders.models import Order, OrderLine, Payment, Refund, Return
from orders.settling import payments, repaying
from tests.orders import make
from tests.orders.make import NOW, after

pytestmark = pytest.mark.django_db

HEARERS = ("tell_merchants", "tell_refund", "tell_dispute")
MERCHANT = refunding.Actor(Refund.By.MERCHANT)


def listens(seller: Merchant, *types: str) -> None:
    endpoints.create(
        merchant_id=seller.pk,
        url="https://hooks.example.com/",
        description="",
        event_types=types,
        now=NOW - timedelta(days=1),
    )


def relay() -> None:
    """Tell this room's hearers what has been recorded, as the relay does, within the transaction."""
    relay = Relay(settings.SUBSCRIPTIONS)
    for event in Event.objects.filter(delivered_at=None).order_by("id"):
        for hearer in relay.hearers[event.name]:
            if hearer.__module__ == "orders.hearers" and hearer.__name__ in HEARERS:
                hearer(event.payload, key=event.key)
    Event.objects.update(delivered_at=NOW)


def paid(*, quantity: int = 3, listening: bool = True) -> Order:
    """Return a paid order for pieces of 10.00 each, whose merchant listens."""
    goods = make.variant(stocked=5, amount=1000)
    if listening:
        listens(goods.merchant)
    purchase = make.basket((goods, quantity)).go(now=after(1))
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=after(2))
    return Order.objects.get(purchase=purchase)


def ship(order: Order) -> None:
    parcel = {"carrier": "DHL", "tracking_number": "1", "tracking_url": ""}
    fulfilment.ship(merchant_id=order.merchant_id, order_id=order.id, now=after(100), **parcel)


def told(seller: Any = None) -> list[tuple[str, dict[str, Any]]]:
    """Return type and data of what merchants are told about orders, in its order."""
    rows = WebhookMessage.objects.exclude(type__startswith="stock.").order_by("id")
    rows = rows.filter(merchant=seller) if seller else rows
    return [(row.type, orjson.loads(row.body)["data"]) for row in rows]


def test_a_paid_order_is_told_once_with_its_lines() -> None:
    order = paid()
    relay()
    hearers.tell_merchants({"purchase": str(order.purchase_id)}, key="again")

    ((name, data),) = told()
    assert (name, data["id"], data["status"]) == ("order.opened", str(order.id), "open")
    assert data["total"] == {"amount": 3000, "currency": "EUR"}
    assert [(line["quantity"], line["sku"]) for line in data["lines"]] == [
        (3, OrderLine.objects.get(order=order).sku)
    ]
    assert WebhookDelivery.objects.filter(message__type="order.opened").count() == 1


def test_no_message_names_the_buyer() -> None:
    order = paid()
    ship(order)
    back = returning.ask(
        buyer_id=order.purchase.buyer_id,
        purchase_id=order.purchase_id,
        order_id=order.id,
        lines=[refunding.Wanted(OrderLine.objects.get().id, 1)],
        reason=Return.Reason.DAMAGED,
        note="Call me at home.",
        now=after(200),
    )
    returning.approve(
        merchant_id=order.merchant_id, return_id=back.id, actor=MERCHANT, answer="Dear Noa", now=after(300)
    )
    relay()

    said = " ".join(WebhookMessage.objects.values_list("body", flat=True))
    buyer = order.purchase.buyer
    for personal in (buyer.name, buyer.email, "Lindenweg", "28195", "Call me", "Dear", str(buyer.id)):
        assert personal not in said


def test_an_order_s_life_is_told_in_its_order() -> None:
    order = paid()
    ship(order)
    line = OrderLine.objects.get()
    back = returning.ask(
        buyer_id=order.purchase.buyer_id,
        purchase_id=order.purchase_id,
        order_id=order.id,
        lines=[refunding.Wanted(line.id, 1)],
        reason=Return.Reason.DAMAGED,
        note="",
        now=after(200),
    )
    mine: dict[str, Any] = {"merchant_id": order.merchant_id, "return_id": back.id, "actor": MERCHANT}
    returning.approve(**mine, answer="", now=after(300))
    returning.receive(**mine, now=after(400))
    returning.refund(**mine, restock=False, amount=None, now=after(500))
    relay()

    names = [name for name, _ in told()]
    assert names[:5] == [
        "order.opened",
        "order.shipped",
        "return.asked",
        "return.approved",
        "return.received",
    ]
    assert sorted(names[5:]) == ["refund.created", "return.refunded"]
    refund = Refund.objects.get()
    (created,) = [data for name, data in told() if name == "refund.created"]
    assert (created["id"], created["order"], created["status"]) == (str(refund.id), str(order.id), "owed")
    # All about one order is kept in one order.
    assert {row.object_id for row in WebhookMessage.objects.filter(merchant=order.merchant)} >= {
        str(order.id)
    }
    about = WebhookMessage.objects.exclude(type__startswith="stock.").values_list("object_id", flat=True)
    assert set(about) == {str(order.id)}


def test_whichever_event_is_heard_first_what_was_before_it_is_told_before_it() -> None:
    order = paid()
    ship(order)

    refunding.refund(
        merchant_id=order.merchant_id,
        order_id=order.id,
        reason="x",
        actor=MERCHANT,
        now=after(300),
        amount=Money(100, "EUR"),
    )
    hearers.tell_refund({"refund": str(Refund.objects.get().id)}, key="late")
    relay()

    assert [name for name, _ in told()] == ["order.opened", "order.shipped", "refund.created"]


def test_a_refund_is_told_when_it_is_paid_and_when_it_is_owed_again() -> None:
    order = paid()
    refunding.refund(
        merchant_id=order.merchant_id,
        order_id=order.id,
        reason="x",
        actor=MERCHANT,
        now=after(300),
        amount=Money(100, "EUR"),
    )
    relay()
    refund = Refund.objects.get()
    for status in ("succeeded", "succeeded", "failed"):
        repaying.apply(
            answer=gateway.RefundResult(
                id="re_1",
                status=status,
                amount=Money(100, "EUR"),
                failure=None,
                refund_id=refund.id,
                intent_id=refund.payment.provider_id,
                charge_id=None,
            ),
            now=after(400),
        )
        relay()

    refunds = [(name, data["status"]) for name, data in told() if name.startswith("refund.")]
    assert refunds == [("refund.created", "owed"), ("refund.updated", "paid"), ("refund.updated", "owed")]


def test_a_cancelled_order_is_told_and_one_that_was_never_paid_is_not() -> None:
    order = paid()
    cancelling.cancel_by_buyer(
        buyer_id=order.purchase.buyer_id,
        purchase_id=order.purchase_id,
        order_id=order.id,
        reason="I changed my mind",
        now=after(100),
    )
    unpaid = make.variant(stocked=1)
    listens(unpaid.merchant)
    purchase = make.basket((unpaid, 1)).go(now=after(1))
    payments.apply(intent=make.said(make.sent(purchase), "cancelled"), now=after(2))
    relay()

    names = [name for name, _ in told(order.merchant)]
    assert names == ["order.opened", "order.cancelled", "refund.created"]
    # Messages are kept, and go where nobody can erase them.
    assert "changed my mind" not in str(told(order.merchant))
    assert told(unpaid.merchant) == []


def test_a_purchase_of_several_merchants_is_told_to_each_its_own() -> None:
    one, other, deaf = make.variant(), make.variant(), make.variant()
    listens(one.merchant)
    listens(other.merchant, "order.opened")
    purchase = make.basket((one, 1), (other, 1), (deaf, 1)).go(now=after(1))
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=after(2))
    relay()

    for goods in (one, other):
        ((_, data),) = told(goods.merchant)
        assert [line["variant"] for line in data["lines"]] == [str(goods.id)]
    assert told(deaf.merchant) == []


def test_nothing_is_written_for_merchants_without_an_endpoint() -> None:
    paid(listening=False)
    relay()

    assert not WebhookMessage.objects.exists()


def test_what_was_long_ago_is_not_told_when_something_happens_now() -> None:
    order = paid()
    ship(order)
    later = after(100) + telling.BACK + timedelta(seconds=1)

    assert telling.tell_orders(purchase_ids=[order.purchase_id], now=later) == 0


def test_a_dispute_is_opened_goes_on_and_is_closed() -> None:
    order = paid()
    payment = Payment.objects.get(purchase=order.purchase)

    def hear(status: str, **more: Any) -> None:
        said = gateway.Dispute(
            **{
                "id": "dp_1",
                "status": status,
                "amount": Money(3000, "EUR"),
                "reason": "fraudulent",
                "intent_id": payment.provider_id,
                "charge_id": payment.charge_id,
                "due_at": None,
                "withdrawn": 0,
                "reinstated": 0,
                "submissions": 0,
                "settled_in": None,
                **more,
            }
        )
        disputes.take_in(told=said, now=after(500))
        relay()

    hear("needs_response")
    hear("needs_response")
    hear("needs_response", withdrawn=3000)
    hear("lost", withdrawn=3000)
    hear("lost", withdrawn=3000)

    about = [(name, data["status"]) for name, data in told() if name.startswith("dispute.")]
    assert about == [
        ("dispute.opened", "needs_response"),
        ("dispute.updated", "needs_response"),
        ("dispute.closed", "lost"),
    ]
    assert told()[-1][1]["order"] == str(order.id)


def test_control_an_event_that_is_rolled_back_is_not_told() -> None:
    order = paid()
    relay()

    class Undone(Exception):
        pass

    def undone() -> None:
        with transaction.atomic():
            ship(order)
            raise Undone

    with pytest.raises(Undone):
        undone()
    relay()
    telling.tell_orders(purchase_ids=[order.purchase_id], now=clock.database_now())

    assert [name for name, _ in told()] == ["order.opened"]
