"""What merchants' own systems are told of their orders, by webhook.

It is read from the history of orders and returns rather than from the events that lead here: whichever is
heard first, everything before it is told before it, once. No message names a buyer: where a parcel goes says
`GET /orders/{id}`.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from commerce.webhooks import messages
from orders import claims, queries
from orders.aftersales import disputes, shapes
from orders.models import Dispute, Order, OrderMove, Refund, ReturnMove
from orders.serializers.merchants import OrderSerializer

# How far back history is told that was not: less than the messages are kept by which that is known.
BACK = timedelta(days=7)
OF_ORDERS = ("open", "shipping", "partly_shipped", "shipped", "delivered", "cancelled")
TYPES = ("order.", "refund.", "return.", "dispute.")
NAMES = {"open": "order.opened", **{each: f"order.{each}" for each in OF_ORDERS[1:]}}

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Happened:
    at: datetime
    type: str
    key: str
    order: Order
    body: Callable[[], Body]


def tell_orders(*, purchase_ids: Collection[UUID], now: datetime) -> int:
    """Tell merchants what happened to orders and to what comes back of them; returns how much is new."""
    found = _wanted(Order.objects.filter(purchase_id__in=list(purchase_ids)))
    if not found:
        return 0
    return _tell([*_moved(found, now), *_sent_back(found, now)])


def tell_refund(*, refund_id: UUID, now: datetime) -> int:
    """Tell a merchant of a refund, and that it is now paid or owed again; returns how much is new."""
    row = Refund.objects.select_related("order").prefetch_related("lines").filter(pk=refund_id).first()
    if row is None or row.order is None or not (orders := _wanted([row.order])):
        return 0
    order = next(iter(orders.values()))

    def body() -> Body:
        again = str(row.again_of_id) if row.again_of_id else None
        # A buyer's own words stay with the refund, where they can be erased.
        reason = claims.BY_BUYER if row.by == Refund.By.BUYER else row.reason
        return {**shapes.merchant_refund(row), "reason": reason, "again_of": again}

    happened = [*_moved(orders, now)]
    if row.created_at > now - BACK:
        happened.append(_Happened(row.created_at, "refund.created", f"refund.created:{row.pk}", order, body))
    if row.status in (*claims.TOLD, Refund.Status.FAILED):
        key = f"refund.updated:{row.pk}:{row.status}"
        happened.append(_Happened(max(now, row.created_at), "refund.updated", key, order, body))
    return _tell(happened)


def tell_dispute(*, dispute_id: UUID, stood: str, now: datetime) -> int:
    """Tell merchants that a bank wants a charge back, or how that goes on; returns how much is new.

    `stood` names how it stood when that was recorded; a dispute is told as it stands now.
    """
    row = Dispute.objects.select_related("payment").get(pk=dispute_id)
    orders = _wanted(Order.objects.filter(purchase=row.payment.purchase_id))
    happened = []
    for order in orders.values():
        told = disputes.of_merchant(merchant_id=order.merchant_id)

        def body(rows: Any = told) -> Body:
            return shapes.dispute(rows.get(pk=dispute_id))

        name = "dispute.closed" if row.status in disputes.CLOSED else "dispute.updated"
        opened = f"dispute.opened:{row.pk}"
        if not messages.known(merchant_id=order.merchant_id, keys=[opened]):
            name, key = "dispute.opened", opened
        else:
            key = f"dispute:{row.pk}:{stood}"
        happened.append(_Happened(max(now, row.created_at), name, key, order, body))
    return _tell(happened)


def _wanted(orders: Iterable[Order]) -> dict[UUID, Order]:
    """Return those orders by id whose merchants have an endpoint."""
    found = list(orders)
    asked = messages.asked_for(merchant_ids={each.merchant_id for each in found}, families=TYPES)
    return {each.pk: each for each in found if each.merchant_id in asked}


def _moved(orders: dict[UUID, Order], now: datetime) -> list[_Happened]:
    """Return what happened to orders since they were paid: before, they are not their merchants' business."""
    happened = []
    opened: set[UUID] = set()
    for move in OrderMove.objects.filter(order__in=orders, new__in=OF_ORDERS).order_by("id"):
        if move.new == Order.Status.OPEN:
            opened.add(move.order_id)
        if move.order_id in opened and move.at > now - BACK:
            order = orders[move.order_id]
            key = f"{NAMES[move.new]}:{move.pk}"
            happened.append(_Happened(move.at, NAMES[move.new], key, order, lambda row=order: _order(row)))  # type: ignore[misc]
    return happened


def _sent_back(orders: dict[UUID, Order], now: datetime) -> list[_Happened]:
    claimed = [pk for pk, order in orders.items() if order.has_claims]
    if not claimed:
        return []
    moves = ReturnMove.objects.filter(back__order__in=claimed, at__gt=now - BACK)
    happened = []
    for move in moves.select_related("back").prefetch_related("back__lines").order_by("id"):
        name, order = f"return.{move.new}", orders[move.back.order_id]
        body = {**claims.goods_back(move.back)}
        for words in ("note", "answer"):
            del body[words]
        happened.append(_Happened(move.at, name, f"{name}:{move.pk}", order, lambda shown=body: shown))  # type: ignore[misc]
    return happened


def _tell(happened: list[_Happened]) -> int:
    """Tell what is not told yet, in the order in which it happened."""
    known: set[tuple[UUID, str]] = set()
    for merchant_id in {each.order.merchant_id for each in happened}:
        keys = [each.key for each in happened if each.order.merchant_id == merchant_id]
        known |= {(merchant_id, key) for key in messages.known(merchant_id=merchant_id, keys=keys)}
    return messages.tell(
        [
            messages.Told(
                merchant_id=each.order.merchant_id,
                type=each.type,
                key=each.key,
                object_id=str(each.order.pk),
                data=each.body(),
                occurred_at=each.at,
            )
            for each in sorted(happened, key=lambda each: each.at)
            if (each.order.merchant_id, each.key) not in known
        ]
    )


def _order(order: Order) -> Body:
    row = queries.order_of(merchant_id=order.merchant_id, order_id=order.pk)
    body: Body = dict(OrderSerializer(row).data)
    for personal in ("ship_to", "cancellation"):
        del body[personal]
    return body
