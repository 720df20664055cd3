"""Goods that come back: asked for by a buyer, approved or refused, received and refunded by the merchant."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from commerce import errors, ids
from commerce.money import Money
from orders import moves, queries, states, windows
from orders.aftersales import refunding
from orders.aftersales.refunding import Actor, Wanted
from orders.models import Order, OrderLine, Purchase, Refund, Return, ReturnLine, ReturnMove
from orders.settling import refunds

Status = Return.Status


class NotShipped(errors.Conflict):
    """Only what was shipped can come back."""

    code = "ORDER_NOT_SHIPPED"
    message = "Only what was shipped can be sent back."


class TooLate(errors.Conflict):
    """The merchant takes nothing back any more."""

    code = "RETURN_TOO_LATE"
    message = "The time for sending this back is over."


class TooMany(errors.Conflict):
    """More units than she has, or than are not on their way back yet; `left` says how many."""

    code = "RETURN_TOO_MUCH"
    message = "You do not have that many to send back."


class NothingBack(errors.Invalid):
    """A return is of something."""

    message = "Say which goods come back."


class UnknownReturn(errors.NotFound):
    message = "There is no such return."


class NotReceived(errors.Conflict):
    """What has not come back cannot be sold again."""

    code = "RETURN_NOT_RECEIVED"
    message = "These goods have not come back yet."


def ask(
    *,
    buyer_id: UUID,
    purchase_id: UUID,
    order_id: UUID,
    lines: Sequence[Wanted],
    reason: Return.Reason,
    note: str,
    now: datetime,
) -> Return:
    """Ask a merchant to take goods of a shipped order back, and have the buyer's devices told.

    Raises UnknownPurchase, UnknownOrder, UnknownLine, NotShipped, TooLate, TooMany, NothingBack.
    """
    with transaction.atomic():
        purchase = (
            Purchase.objects.select_for_update(no_key=True).filter(buyer_id=buyer_id, pk=purchase_id).first()
        )
        if purchase is None:
            raise queries.UnknownPurchase
        order = Order.objects.select_related("merchant").filter(purchase=purchase, pk=order_id).first()
        if order is None:
            raise queries.UnknownOrder
        if order.status not in windows.SENDABLE_BACK:
            raise NotShipped(status=order.status)
        end = windows.return_until(order=order)
        if end is None or now >= end:
            raise TooLate
        wanted = _checked(order, lines)
        back = Return.objects.create(
            id=ids.new(),
            merchant_id=order.merchant_id,
            order=order,
            reason=reason,
            note=note[:500],
            created_at=now,
            updated_at=now,
        )
        ReturnLine.objects.bulk_create(
            ReturnLine(back=back, line_id=line_id, quantity=quantity) for line_id, quantity in wanted.items()
        )
        Order.objects.filter(pk=order.pk).update(has_claims=True)
        _moved(back, old="", actor=Actor(Refund.By.BUYER, buyer_id), now=now)
        moves.note(purchase, reason="return asked", now=now)
    return back


def approve(*, merchant_id: UUID, return_id: UUID, answer: str, actor: Actor, now: datetime) -> Return:
    """Let the goods come, for SENT_BACK_WITHIN; also what never came in time. Raises UnknownReturn,
    IllegalMove, TooMany where the buyer sends them back otherwise.
    """
    return _move(merchant_id, return_id, Status.APPROVED, actor, now, answer=answer)


def refuse(*, merchant_id: UUID, return_id: UUID, answer: str, actor: Actor, now: datetime) -> Return:
    """Say no to a return; raises UnknownReturn, IllegalMove."""
    return _move(merchant_id, return_id, Status.REFUSED, actor, now, answer=answer)


def receive(*, merchant_id: UUID, return_id: UUID, actor: Actor, now: datetime) -> Return:
    """Record that the goods are there; raises UnknownReturn, IllegalMove."""
    return _move(merchant_id, return_id, Status.RECEIVED, actor, now)


def lapse(*, return_id: UUID, now: datetime) -> Return:
    """End an approved return whose goods did not come in time; its merchant may approve it again."""
    with transaction.atomic():
        merchant_id = Return.objects.values_list("merchant_id", flat=True).get(pk=return_id)
        back, purchase = lock(merchant_id, return_id)
        if back.status == Status.APPROVED and back.until is not None and back.until <= now:
            _write(back, new=Status.LAPSED, actor=refunding.SYSTEM, now=now)
            moves.note(purchase, reason="return lapsed", now=now)
        return back


def over(*, now: datetime, limit: int, without: Collection[str] = ()) -> list[UUID]:
    """Return approved returns whose time is over, oldest first."""
    rows = Return.objects.filter(status=Status.APPROVED, until__lte=now).exclude(pk__in=without)
    return list(rows.order_by("until").values_list("id", flat=True)[:limit])


def refund(
    *,
    merchant_id: UUID,
    return_id: UUID,
    restock: bool,
    amount: Money | None,
    actor: Actor,
    now: datetime,
) -> Return:
    """Give the money back for an approved return: its units' worth, or another amount; once.

    Units that were given back otherwise meanwhile are not paid twice: when all were, the return ends without
    a refund of its own. Goods are restocked only when they were received. Raises UnknownReturn, IllegalMove,
    NotReceived, and what `refunding.refund` raises.
    """
    with transaction.atomic():
        back, purchase = lock(merchant_id, return_id)
        if back.status == Status.REFUNDED:
            return back
        if Status.REFUNDED not in states.RETURN[back.status]:
            raise moves.IllegalMove(status=back.status, wanted=Status.REFUNDED.value)
        if restock and back.status != Status.RECEIVED:
            raise NotReceived
        lines = _owed(back)
        # Before the refund, whose goods go to the stock last of all.
        _write(back, new=Status.REFUNDED, actor=actor, now=now)
        if not lines:
            if amount is not None:
                raise refunding.NothingLeft
            moves.note(purchase, reason="return refunded", now=now)
            return back
        made = refunding.refund(
            merchant_id=merchant_id,
            order_id=back.order_id,
            reason=f"return: {back.get_reason_display()}",
            actor=actor,
            now=now,
            lines=lines,
            amount=amount,
            restock=restock,
            kind=Refund.Kind.RETURN,
        )
        Return.objects.filter(pk=back.pk).update(refund=made)
        back.refresh_from_db()
        return back


def worth(back: Return) -> Money:
    """Return what a refund of a return without an amount would give back now."""
    lost = refunds.lost_to_banks(back.order.purchase_id)
    amounts = (
        refunding.worth(each.line, min(each.quantity, each.line.with_buyer), lost)
        for each in back.lines.select_related("line")
    )
    return Money(sum(amounts), back.order.currency)


def _owed(back: Return) -> list[Wanted]:
    """Return what of a return, whose purchase is locked, was not given back otherwise."""
    left = {
        each.line: min(each.quantity, each.line.with_buyer)
        for each in back.lines.select_related("line").order_by("line_id")
    }
    lost = refunds.lost_to_banks(back.order.purchase_id)
    if not any(refunding.worth(line, units, lost) for line, units in left.items()):
        return []
    return [Wanted(line.id, units) for line, units in left.items() if units]


def of_merchant(*, merchant_id: UUID, return_id: UUID) -> Return:
    """Return one of a merchant's returns; raises UnknownReturn."""
    found = Return.objects.filter(merchant_id=merchant_id, pk=return_id).first()
    if found is None:
        raise UnknownReturn
    return found


def _checked(order: Order, lines: Sequence[Wanted]) -> dict[UUID, int]:
    wanted: Counter[UUID] = Counter()
    for each in lines:
        wanted[each.line_id] += each.quantity
    if not wanted:
        raise NothingBack
    bought = {line.id: line for line in OrderLine.objects.filter(order=order)}
    on_the_way = (
        ReturnLine.objects.filter(
            line__order=order, back__status__in=(Status.ASKED, Status.APPROVED, Status.RECEIVED)
        )
        .values("line_id")
        .annotate(units=Sum("quantity"))
    )
    taken = {row["line_id"]: row["units"] for row in on_the_way}
    for line_id, quantity in wanted.items():
        line = bought.get(line_id)
        if line is None:
            raise refunding.UnknownLine(line=str(line_id))
        left = line.with_buyer - taken.get(line_id, 0)
        if quantity > left:
            raise TooMany(line=str(line_id), left=max(left, 0))
    return dict(wanted)


def _move(
    merchant_id: UUID, return_id: UUID, new: Status, actor: Actor, now: datetime, *, answer: str = ""
) -> Return:
    with transaction.atomic():
        back, purchase = lock(merchant_id, return_id)
        if back.status == new:
            return back
        if new not in states.RETURN[back.status]:
            raise moves.IllegalMove(status=back.status, wanted=new.value)
        if back.status == Status.LAPSED:
            _checked(back.order, [Wanted(each.line_id, each.quantity) for each in back.lines.all()])
        _write(back, new=new, actor=actor, now=now, answer=answer)
        moves.note(purchase, reason=f"return {new.value}", now=now)
        return back


def _write(back: Return, *, new: Status, actor: Actor, now: datetime, answer: str = "") -> None:
    old, back.status, back.updated_at = back.status, new, now
    back.answer = answer[:500] or back.answer
    back.until = now + windows.SENT_BACK_WITHIN if new == Status.APPROVED else None
    back.save(update_fields=["status", "updated_at", "answer", "until"])
    _moved(back, old=old, actor=actor, now=now)


def _moved(back: Return, *, old: str, actor: Actor, now: datetime) -> None:
    ReturnMove.objects.create(
        back=back, old=old, new=back.status, by=actor.by, person_id=actor.person_id, at=now
    )


def lock(merchant_id: UUID, return_id: UUID) -> tuple[Return, Purchase]:
    """Return a merchant's return and its purchase, both locked, the purchase first as everywhere."""
    known = of_merchant(merchant_id=merchant_id, return_id=return_id)
    purchase = Purchase.objects.select_for_update(no_key=True).get(orders=known.order_id)
    return Return.objects.select_for_update(no_key=True, of=("self",)).get(pk=return_id), purchase
