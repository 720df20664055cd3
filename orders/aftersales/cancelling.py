"""Cancelling what has not been shipped: by the buyer herself for a while, then as the merchant decides."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from commerce import errors, outbox
from commerce.models import Merchant
from orders import claims, moves, queries, windows
from orders.aftersales import refunding
from orders.models import Cancellation, Order, OrderLine, Payment, Purchase, Refund
from orders.settling import answers

Status = Cancellation.Status
WAITING = (Order.Status.OPEN, Order.Status.PARTLY_SHIPPED)

PREORDER_BY_MERCHANT = "The merchant cancelled this pre-order. Nothing was charged."
PREORDER = {Refund.By.BUYER: "You cancelled this pre-order. Nothing was charged."}


class NotCancellable(errors.Conflict):
    """Only what waits for its parcel can be cancelled."""

    code = "NOT_CANCELLABLE"
    message = "This cannot be cancelled any more. Once it is there you may send it back."


class NotAsked(errors.Conflict):
    """Nobody waits for an answer."""

    code = "CANCELLATION_NOT_ASKED"
    message = "No cancellation of this order waits for an answer."


class AlreadyRefused(errors.Conflict):
    """The merchant has said no."""

    code = "CANCELLATION_REFUSED"
    message = "The merchant has refused to cancel this. Once it is there you may send it back."


def cancel_by_buyer(
    *, buyer_id: UUID, purchase_id: UUID, order_id: UUID, reason: str, now: datetime
) -> Purchase:
    """Cancel a buyer's order, or ask its merchant to when her own time for it is over.

    Units go back on sale and what she has not got back yet is owed to her. The same again changes nothing.
    Raises UnknownPurchase, UnknownOrder, NotCancellable, AlreadyRefused, Disputed.
    """
    with transaction.atomic():
        purchase, order = _locked_of_buyer(buyer_id, purchase_id, order_id)
        if order.status == Order.Status.CANCELLED and purchase.status != Purchase.Status.DECLINED:
            return purchase
        if order.status not in WAITING:
            raise NotCancellable(status=order.status)
        paid = purchase.payments.filter(status=Payment.Status.SUCCEEDED).first()
        end = windows.cancel_until(order=order, purchase=purchase, paid_at=paid.finished_at if paid else None)
        if end is not None and now < end:
            actor = refunding.Actor(Refund.By.BUYER, buyer_id)
            _cancel(purchase, order, reason=reason or claims.BY_BUYER, actor=actor, now=now)
            return purchase
        wish, fresh = Cancellation.objects.get_or_create(
            order=order,
            defaults={"merchant_id": order.merchant_id, "reason": reason[:200], "asked_at": now},
        )
        if wish.status == Status.REFUSED:
            raise AlreadyRefused(answer=wish.answer)
        if fresh:
            Order.objects.filter(pk=order.pk).update(has_claims=True, updated_at=now)
            moves.note(purchase, reason="cancellation asked", now=now)
        return purchase


def cancel_by_merchant(
    *, merchant_id: UUID, order_id: UUID, reason: str, restock: bool, actor: refunding.Actor, now: datetime
) -> Order:
    """Cancel a merchant's order that was not shipped, asked for or not; what money is left of it goes back.

    Of one that was shipped in part the rest is cancelled, and it is shipped.
    Raises UnknownOrder, NotCancellable, Disputed.
    """
    with transaction.atomic():
        purchase, order = _locked_of_merchant(merchant_id, order_id)
        if order.status == Order.Status.CANCELLED:
            return order
        if order.status not in WAITING:
            raise NotCancellable("This order was shipped already.", status=order.status)
        Cancellation.objects.filter(order=order, status=Status.ASKED).update(
            status=Status.GRANTED, decided_at=now
        )
        _cancel(
            purchase,
            order,
            reason=reason or "cancelled by the merchant",
            actor=actor,
            now=now,
            restock=restock,
        )
        order.refresh_from_db()
        return order


def refuse(*, merchant_id: UUID, order_id: UUID, answer: str, now: datetime) -> Order:
    """Say no to a buyer who asked to cancel; she is told. Raises UnknownOrder, NotAsked."""
    with transaction.atomic():
        purchase, order = _locked_of_merchant(merchant_id, order_id)
        wish = Cancellation.objects.filter(order=order).first()
        if wish is not None and wish.status == Status.REFUSED:
            return order
        if wish is None or wish.status != Status.ASKED:
            raise NotAsked
        Cancellation.objects.filter(pk=wish.pk).update(
            status=Status.REFUSED, answer=answer[:200], decided_at=now
        )
        Order.objects.filter(pk=order.pk).update(updated_at=now)
        moves.note(purchase, reason="cancellation refused", now=now)
        return order


def set_windows(*, merchant_id: UUID, cancel_seconds: int, return_days: int) -> None:
    """Say for how long a merchant's buyers may cancel by themselves, and send back."""
    Merchant.objects.filter(pk=merchant_id).update(cancel_seconds=cancel_seconds, return_days=return_days)


def _cancel(
    purchase: Purchase,
    order: Order,
    *,
    reason: str,
    actor: refunding.Actor,
    now: datetime,
    restock: bool = True,
) -> None:
    if purchase.status == Purchase.Status.AUTHORIZED:
        _let_go(purchase, PREORDER.get(actor.by, PREORDER_BY_MERCHANT), now)
        return
    try:
        refunding.refund(
            merchant_id=order.merchant_id,
            order_id=order.id,
            reason=reason,
            actor=actor,
            now=now,
            lines=_rest(order),
            restock=restock,
            kind=Refund.Kind.CANCEL,
        )
    except refunding.NothingLeft:
        refunding.drop(purchase=purchase, order=order, restock=restock, now=now)
    except refunding.Disputed:
        if not refunding.lost(purchase):
            raise
        refunding.drop(purchase=purchase, order=order, restock=restock, now=now)


def _rest(order: Order) -> list[refunding.Wanted]:
    """Return what did not go out of an order that went out in part; of others all is cancelled."""
    if order.status != Order.Status.PARTLY_SHIPPED:
        return []
    lines = OrderLine.objects.filter(order=order).order_by("id")
    return [refunding.Wanted(line.id, line.to_ship) for line in lines if line.to_ship]


def _let_go(purchase: Purchase, message: str, now: datetime) -> None:
    """End a pre-order of which nothing is on its way, and have the card's promise given back."""
    if purchase.orders.exclude(status=Order.Status.OPEN).exists():
        raise NotCancellable("A part of this pre-order is on its way.")
    payment = Payment.objects.select_for_update(no_key=True).get(
        purchase=purchase, status=Payment.Status.AUTHORIZED
    )
    outbox.record(
        name="authorization.unwanted",
        payload={"payment": str(payment.id)},
        key=f"authorization.unwanted:{payment.id}",
    )
    Payment.objects.filter(pk=payment.pk).update(message=message)
    answers.cancelled(purchase, payment, now)


def _locked_of_buyer(buyer_id: UUID, purchase_id: UUID, order_id: UUID) -> tuple[Purchase, Order]:
    purchase = (
        Purchase.objects.select_for_update(no_key=True).filter(buyer_id=buyer_id, pk=purchase_id).first()
    )
    if purchase is None:
        raise queries.UnknownPurchase
    return purchase, _locked(purchase, order_id)


def _locked_of_merchant(merchant_id: UUID, order_id: UUID) -> tuple[Purchase, Order]:
    known = queries.order_of(merchant_id=merchant_id, order_id=order_id)
    purchase = Purchase.objects.select_for_update(no_key=True).get(pk=known.purchase_id)
    return purchase, _locked(purchase, order_id)


def _locked(purchase: Purchase, order_id: UUID) -> Order:
    rows = Order.objects.select_for_update(no_key=True, of=("self",)).select_related("merchant")
    order = rows.filter(purchase=purchase, pk=order_id).first()
    if order is None:
        raise queries.UnknownOrder
    return order
