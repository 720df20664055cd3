"""Goods that buyers want to send back: listed, one with its history, answered, paid back."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from commerce import deskforms, errors
from commerce.leafing import leaf
from commerce.merchantsite import Waiting, desk, member_of
from orders import queries
from orders.aftersales import returning
from orders.desk import doing
from orders.models import Return, ReturnMove

STATES = {
    "asked": ("Answer it", "scheduled"),
    "approved": ("May come", ""),
    "received": ("Here, pay it back", "scheduled"),
    "refunded": ("Paid back", "good"),
    "refused": ("Refused", "bad"),
    "lapsed": ("Never came", ""),
}
BY = {"merchant": "you", "buyer": "the buyer", "operator": "Yellowcart", "system": "Yellowcart"}
ANSWERS: dict[str, tuple[Callable[..., Return], str]] = {
    "approve": (returning.approve, "The buyer is told that the goods may come."),
    "refuse": (returning.refuse, "The buyer reads your answer."),
    "receive": (returning.receive, "The goods are here. Give the money back now."),
}


@desk.screen("returns/", name="returns", see="orders:read")
@require_safe
def returns(request: HttpRequest) -> HttpResponse:
    """List what buyers want to send back, newest first."""
    state = request.GET.get("status", "")
    rows = Return.objects.filter(merchant=member_of(request).merchant_id)
    if state in STATES:
        rows = rows.filter(status=state)
    found = leaf(request, rows.select_related("order").prefetch_related("lines__line"))
    return desk.render(
        request,
        "orders_desk/returns.html",
        title="Returns",
        leaf=found,
        rows=[(row, STATES[row.status]) for row in found.rows],
        state=state,
        states=[(name, words) for name, (words, _) in STATES.items()],
    )


@desk.screen("returns/<uuid:return_id>/", name="return", see="orders:read")
@require_safe
def one(request: HttpRequest, return_id: UUID) -> HttpResponse:
    """Show a return with its history and what may be done."""
    merchant_id = member_of(request).merchant_id
    row = returning.of_merchant(merchant_id=merchant_id, return_id=return_id)
    order = queries.order_of(merchant_id=merchant_id, order_id=row.order_id)
    lines = list(row.lines.select_related("line").order_by("line_id"))
    return desk.render(
        request,
        "orders_desk/return.html",
        title="Return",
        back=row,
        order=order,
        contact=queries.contact_of(order),
        state=STATES[row.status],
        lines=lines,
        worth=returning.worth(row).as_dict(),
        paid=row.refund and doing.sum_of(row.refund.amount, row.refund.currency),
        moves=[
            (move, STATES[move.new][0] if move.old else "Asked", BY.get(move.by, move.by))
            for move in ReturnMove.objects.filter(back=row).order_by("id")
        ],
        may_answer=row.status in ("asked", "lapsed"),
        may_pay=row.status in ("approved", "received"),
        key=uuid4(),
    )


@desk.screen(
    "returns/<uuid:return_id>/answer/", name="return_answer", see="orders:read", change="orders:write"
)
@require_POST
def answer(request: HttpRequest, return_id: UUID) -> HttpResponse:
    """Answer a buyer who wants to send goods back, or record that they are here."""
    verb = str(request.POST.get("verb", ""))
    if verb not in ANSWERS:
        raise errors.NotFound
    run, told = ANSWERS[verb]
    words = {} if verb == "receive" else {"answer": deskforms.written(request, "answer", 500)}

    def act(*, merchant_id: UUID, return_id: UUID) -> object:
        return run(
            merchant_id=merchant_id,
            return_id=return_id,
            actor=doing.actor(request),
            now=timezone.now(),
            **words,
        )

    return _done(request, return_id, act, told)


@desk.screen(
    "returns/<uuid:return_id>/refund/", name="return_refund", see="orders:read", change="refunds:write"
)
@require_POST
def refund(request: HttpRequest, return_id: UUID) -> HttpResponse:
    """Give the money back for a return: all that its goods cost, or the amount that is named."""

    def act(*, merchant_id: UUID, return_id: UUID) -> object:
        row = returning.of_merchant(merchant_id=merchant_id, return_id=return_id)
        text = deskforms.written(request, "amount", 20)
        return returning.refund(
            merchant_id=merchant_id,
            return_id=return_id,
            restock="restock" in request.POST,
            amount=doing.read(text, row.order.currency) if text else None,
            actor=doing.actor(request),
            now=timezone.now(),
        )

    return _done(request, return_id, act, "The money goes back to the buyer.")


def asked(merchant_id: UUID) -> Waiting | None:
    """Return how many buyers wait to hear whether their goods may come back."""
    return _waiting(merchant_id, "asked", "return to be answered", "returns to be answered")


def arrived(merchant_id: UUID) -> Waiting | None:
    """Return how many returns are here and not paid back."""
    return _waiting(
        merchant_id, "received", "return is here and not paid back", "returns are here and not paid back"
    )


def _waiting(merchant_id: UUID, status: str, one_of: str, several: str) -> Waiting:
    count = Return.objects.filter(merchant=merchant_id, status=status).count()
    return Waiting(count, one_of if count == 1 else several, f"{reverse('desk:returns')}?status={status}")


def _done(request: HttpRequest, return_id: UUID, act: Callable[..., Any], words: str) -> HttpResponse:
    merchant_id = member_of(request).merchant_id
    returning.of_merchant(merchant_id=merchant_id, return_id=return_id)
    to = reverse("desk:return", args=[return_id])
    return deskforms.done(request, act, words, to, merchant_id=merchant_id, return_id=return_id)
