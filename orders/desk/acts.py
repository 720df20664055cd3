"""What is done with an order: acknowledged, delivered, cancelled or not, money given back."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from commerce import deskforms
from commerce.merchantsite import desk, member_of
from orders import fulfilment, queries
from orders.aftersales import cancelling, refunding
from orders.desk import doing


@desk.screen(
    "orders/<uuid:order_id>/acknowledge/", name="order_acknowledge", see="orders:read", change="orders:write"
)
@require_POST
def acknowledge(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Say that the order is known, by the merchant's own number."""
    reference = deskforms.written(request, "reference", 80)
    act = partial(fulfilment.acknowledge, reference=reference, now=timezone.now())
    return _done(request, order_id, act, "Acknowledged.")


@desk.screen(
    "orders/<uuid:order_id>/deliver/<uuid:shipment_id>/",
    name="order_deliver",
    see="orders:read",
    change="orders:write",
)
@require_POST
def deliver(request: HttpRequest, order_id: UUID, shipment_id: UUID) -> HttpResponse:
    """Say that a parcel is there."""

    def act(*, merchant_id: UUID, order_id: UUID) -> object:
        return fulfilment.deliver(
            merchant_id=merchant_id, shipment_id=shipment_id, delivered_at=None, now=timezone.now()
        )

    return _done(request, order_id, act, "Delivered, and the buyer is told.")


@desk.screen("orders/<uuid:order_id>/cancel/", name="order_cancel", see="orders:read", change="orders:write")
@require_POST
def cancel(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Cancel what was not sent."""
    act = partial(
        cancelling.cancel_by_merchant,
        reason=deskforms.written(request, "reason", 200),
        restock="restock" in request.POST,
        actor=doing.actor(request),
        now=timezone.now(),
    )
    return _done(request, order_id, act, "Cancelled. The buyer gets her money back.")


@desk.screen("orders/<uuid:order_id>/keep/", name="order_keep", see="orders:read", change="orders:write")
@require_POST
def keep(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Do not cancel an order whose buyer asked for it."""
    act = partial(cancelling.refuse, answer=deskforms.written(request, "answer", 200), now=timezone.now())
    return _done(request, order_id, act, "The buyer reads your answer.")


@desk.screen("orders/<uuid:order_id>/refund/", name="order_refund", see="orders:read", change="refunds:write")
@require_POST
def refund(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Give back an amount."""

    def act(*, merchant_id: UUID, order_id: UUID) -> object:
        row = queries.order_of(merchant_id=merchant_id, order_id=order_id)
        return refunding.refund(
            merchant_id=merchant_id,
            order_id=order_id,
            reason=deskforms.written(request, "reason", 200) or "goodwill",
            actor=doing.actor(request),
            amount=doing.read(deskforms.written(request, "amount", 20), row.currency),
            now=timezone.now(),
        )

    return _done(request, order_id, act, "The money goes back to the buyer.")


def _done(request: HttpRequest, order_id: UUID, act: Callable[..., object], words: str) -> HttpResponse:
    merchant_id = member_of(request).merchant_id
    queries.order_of(merchant_id=merchant_id, order_id=order_id)
    to = reverse("desk:order", args=[order_id])
    return deskforms.done(request, act, words, to, merchant_id=merchant_id, order_id=order_id)
