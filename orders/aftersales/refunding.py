"""Giving money back for a paid order: all that is left, some units, or an amount; goods on sale again or not.

What an offer sold stays sold: units that come back go to the line for the goods, or to the stock, and not to
the offer's quota.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum

from catalog.shelf import movements
from commerce import errors, money
from commerce.money import Money
from orders import fulfilment, moves, queries
from orders.models import Cancellation, Hold, Order, OrderLine, Payment, Purchase, Refund
from orders.settling import banks, refunds
from orders.waitlist import queue


class NotPaid(errors.Conflict):
    """Only what was paid can be given back."""

    code = "ORDER_NOT_PAID"
    message = "This order was not paid. There is nothing to give back."


class NothingLeft(errors.Conflict):
    """All of it was given back before."""

    code = "NOTHING_TO_REFUND"
    message = "Nothing is left to give back."


class TooMuch(errors.Conflict):
    """More than is left; `left` says how much or how many units, `line` of which line."""

    code = "REFUND_TOO_MUCH"
    message = "This is more than is left to give back."


class UnknownLine(errors.NotFound):
    """The order has no such line."""

    message = "The order has no such line."


class Disputed(errors.Conflict):
    """The buyer's bank has taken the money already."""

    code = "PAYMENT_DISPUTED"
    message = "The buyer's bank has taken this money back. It cannot be given back a second time."


class OtherCurrency(errors.Invalid):
    """The order was paid in another currency."""

    message = "The order was paid in another currency."


class BadAmount(errors.Invalid):
    """Nothing, or finer than the provider pays in the currency; `step` says in which steps it does."""

    message = "This amount cannot be paid back."


@dataclass(frozen=True, slots=True)
class Wanted:
    """Units of an order line."""

    line_id: UUID
    quantity: int


@dataclass(frozen=True, slots=True)
class Actor:
    """Who decides: a kind, and the person if it is known."""

    by: Refund.By
    person_id: UUID | None = None


SYSTEM = Actor(Refund.By.SYSTEM)


def refund(
    *,
    merchant_id: UUID,
    order_id: UUID,
    reason: str,
    actor: Actor,
    now: datetime,
    lines: Sequence[Wanted] = (),
    amount: Money | None = None,
    restock: bool = False,
    kind: Refund.Kind = Refund.Kind.GOODWILL,
) -> Refund:
    """Owe the buyer money for a paid order, in the caller's transaction if there is one.

    For units of `lines`, what they cost with their tax, or a smaller `amount`; or an `amount` without goods,
    of shipping what the goods do not hold; or neither: all that is left, units, money and shipping. With
    `restock` the units go to the next in line or on sale. Units that did not go out yet come first, except of
    a return. An order that waits for its parcel and of which no unit is left is cancelled, one that went out
    in part is shipped. Raises UnknownOrder, UnknownLine, NotPaid, NothingLeft, TooMuch, OtherCurrency,
    BadAmount, Disputed.
    """
    with transaction.atomic():
        known = queries.order_of(merchant_id=merchant_id, order_id=order_id)
        purchase = Purchase.objects.select_for_update(no_key=True).get(pk=known.purchase_id)
        order = Order.objects.select_for_update(no_key=True).get(pk=order_id, merchant_id=merchant_id)
        payment = paid_by(purchase)
        lost = refunds.lost_to_banks(purchase.id)
        bought = {line.id: line for line in locked_lines(order)}
        if amount is not None and any(line.currency != amount.currency for line in bought.values()):
            raise OtherCurrency(currency=order.currency)
        if amount is not None and (amount.amount <= 0 or amount.amount % money.step(amount.currency)):
            raise BadAmount(step=money.step(amount.currency))
        # Of what was cancelled without money the units are on sale again.
        restock = restock and order.status != Order.Status.CANCELLED
        shipping: dict[UUID, int] = {}
        if lines:
            parts = _of_units(bought, lines, amount, lost, restock=restock)
        elif amount is not None:
            parts, shipping = _of_amount(order, list(bought.values()), amount, lost)
        else:
            parts, shipping = _of_all(order, bought, lost, restock=restock)
        parts = _payable(parts, sum(shipping.values()), order.currency)
        made = refunds.owe(
            payment=payment,
            amount=sum(part.amount for part in parts) + sum(shipping.values()),
            reason=reason,
            now=now,
            parts=parts,
            kind=kind,
            by=actor.by,
            decided_by_id=actor.person_id,
            order_id=order.id,
            shipping=shipping,
        )
        if kind != Refund.Kind.RETURN:
            _drop({part.line_id: part.quantity for part in parts}, bought)
        finish(purchase=purchase, order=order, now=now)
        # Last, because everybody wants the stock.
        put_back(units={part.line_id: part.quantity for part in parts if part.restock}, now=now)
    return made


def of_merchant(*, merchant_id: UUID) -> QuerySet[Refund]:
    """Return a merchant's refunds with their lines; those that had to be sent anew count once."""
    rows = Refund.objects.filter(Q(again=None) | Q(bank_amount__gt=0), order__merchant=merchant_id)
    # One that was sent anew has its lines from the one that failed; of a third try they are read one by one.
    return rows.prefetch_related("lines", "again_of__lines", "again_of__again_of__lines")


def paid_by(purchase: Purchase) -> Payment:
    """Return the payment that paid a locked purchase, locked; raises NotPaid."""
    found = (
        Payment.objects.select_for_update(no_key=True)
        .filter(purchase=purchase, status=Payment.Status.SUCCEEDED)
        .first()
    )
    if found is None or purchase.status != Purchase.Status.PAID:
        raise NotPaid(status=purchase.status)
    if found.disputes.filter(withdrawn_at__isnull=False, reinstated_at=None).exists() and (
        banks.ask_for(found.pk) or lost(purchase)
    ):
        raise Disputed
    return found


def locked_lines(order: Order) -> list[OrderLine]:
    """Return an order's lines, locked."""
    return list(OrderLine.objects.select_for_update(no_key=True).filter(order=order).order_by("id"))


def finish(*, purchase: Purchase, order: Order, now: datetime) -> None:
    """Cancel a locked order of which nothing went out and nothing is left to, and have the buyer told; of
    which a part went out, it is shipped.
    """
    gone = not any(line.to_ship for line in OrderLine.objects.filter(order=order))
    if gone and order.status == Order.Status.OPEN:
        _cancelled(order, now)
    elif gone and order.status == Order.Status.PARTLY_SHIPPED:
        _granted(order, now)
        fulfilment.go_on(order, now=now)
    moves.note(purchase, reason="refunded", now=now)


def drop(*, purchase: Purchase, order: Order, restock: bool, now: datetime) -> None:
    """Cancel what is to go out of a locked order whose money is gone already, as back to the buyer or lost to
    her bank.
    """
    lines = {line.id: line for line in locked_lines(order)}
    units = {line.id: line.to_ship for line in lines.values()}
    _drop(units, lines)
    if order.status == Order.Status.OPEN:
        _cancelled(order, now)
    else:
        _granted(order, now)
        fulfilment.go_on(order, now=now)
    moves.note(purchase, reason="cancelled", now=now)
    if restock:
        put_back(units=units, now=now)


def lost(purchase: Purchase) -> bool:
    """Say whether what was not given back of a locked, paid purchase is lost to the buyer's bank for good."""
    payment = Payment.objects.get(purchase=purchase, status=Payment.Status.SUCCEEDED)
    gone = Sum(F("withdrawn_amount") - F("reinstated_amount"))
    taken = payment.disputes.filter(status="lost").aggregate(sum=gone)
    return bool(payment.refunded_amount + (taken["sum"] or 0) >= payment.amount)


def _cancelled(order: Order, now: datetime) -> None:
    moves.order(order, new=Order.Status.CANCELLED, now=now)
    _granted(order, now)


def _granted(order: Order, now: datetime) -> None:
    Cancellation.objects.filter(order=order, status=Cancellation.Status.ASKED).update(
        status=Cancellation.Status.GRANTED, decided_at=now
    )


def _drop(units: Mapping[UUID, int], lines: Mapping[UUID, OrderLine]) -> None:
    """Count units, per line as it was read, that will not go out: first those that did not yet."""
    for line_id, quantity in units.items():
        dropped = min(quantity, lines[line_id].to_ship)
        if dropped:
            OrderLine.objects.filter(pk=line_id).update(dropped_quantity=F("dropped_quantity") + dropped)


def put_back(*, units: dict[UUID, int], now: datetime) -> None:
    """Give sold units, per order line, to the next in line or back to the stock; of a bundle, its parts."""
    back: Counter[UUID] = Counter()
    holds = Hold.objects.filter(line__in=list(units), status=Hold.Status.TAKEN).select_related("line")
    for hold in holds:
        back[hold.variant_id] += hold.quantity // hold.line.quantity * units[hold.line_id]
    back = +back
    if back:
        movements.came_back(units=back, note="refunded", now=now)
        queue.give_back(units=back, now=now)


def worth(line: OrderLine, quantity: int, lost: Mapping[UUID, int] | None = None) -> int:
    """Return what so many more units of a line are worth with their tax, not more than is left of it; what is
    `lost` to banks is not.

    Counted from the first unit on, so that the parts of a line whose price does not divide add up; each is
    one that the provider pays in the currency.
    """
    step = money.step(line.currency)

    def until(units: int) -> int:
        worth = line.paid * units // line.quantity
        return worth if units == line.quantity else worth - worth % step

    before = line.refunded_quantity
    return min(until(before + quantity) - until(before), _left(line, lost or {}))


def left_of(order: Order, lines: Sequence[OrderLine], lost: Mapping[UUID, int]) -> int:
    """Return what of an order can still be given back, shipping included, in minor units; what is `lost` to
    banks, by line and by order, cannot.
    """
    return _shipping_left(order, lost) + sum(_left(line, lost) for line in lines)


def _left(line: OrderLine, lost: Mapping[UUID, int]) -> int:
    return line.paid - line.refunded_amount - lost.get(line.id, 0)


def _shipping_left(order: Order, lost: Mapping[UUID, int]) -> int:
    return order.shipping_paid - order.refunded_shipping_amount - lost.get(order.id, 0)


def _payable(parts: list[refunds.Part], shipping: int, currency: str) -> list[refunds.Part]:
    """Return the parts without what is above the last whole step of the sum; raises NothingLeft."""
    over = (sum(part.amount for part in parts) + shipping) % money.step(currency)
    if not over:
        return parts
    kept = []
    for part in sorted(parts, key=lambda each: -each.amount):
        back = min(over, part.amount)
        over -= back
        kept.append(replace(part, amount=part.amount - back))
    if not any(part.amount for part in kept) and not shipping:
        raise NothingLeft
    return kept


def _of_units(
    bought: dict[UUID, OrderLine],
    wanted: Sequence[Wanted],
    amount: Money | None,
    lost: Mapping[UUID, int],
    *,
    restock: bool,
) -> list[refunds.Part]:
    summed: Counter[UUID] = Counter()
    for each in wanted:
        summed[each.line_id] += each.quantity
    parts = []
    for line_id, quantity in sorted(summed.items()):
        line = bought.get(line_id)
        if line is None:
            raise UnknownLine(line=str(line_id))
        if quantity > line.quantity - line.refunded_quantity:
            raise TooMuch(line=str(line_id), left=line.quantity - line.refunded_quantity)
        parts.append(refunds.Part(line_id, worth(line, quantity, lost), quantity=quantity, restock=restock))
    due = [part.amount for part in parts]
    if not any(due):
        raise NothingLeft
    if amount is None:
        return parts
    if amount.amount > sum(due):
        raise TooMuch(left=sum(due))
    shared = money.share(amount.amount, due)
    return [replace(part, amount=each) for part, each in zip(parts, shared, strict=True)]


def _of_amount(
    order: Order, bought: Sequence[OrderLine], amount: Money, lost: Mapping[UUID, int]
) -> tuple[list[refunds.Part], dict[UUID, int]]:
    left = left_of(order, bought, lost)
    if not left:
        raise NothingLeft
    if amount.amount > left:
        raise TooMuch(left=left)
    return refunds.spread_all(bought, [order], amount.amount, lost)


def _of_all(
    order: Order, bought: dict[UUID, OrderLine], lost: Mapping[UUID, int], *, restock: bool
) -> tuple[list[refunds.Part], dict[UUID, int]]:
    parts = [
        refunds.Part(
            line.id,
            _left(line, lost),
            quantity=line.quantity - line.refunded_quantity,
            restock=restock and line.quantity > line.refunded_quantity,
        )
        for line in bought.values()
        if _left(line, lost) or line.quantity > line.refunded_quantity
    ]
    shipping = _shipping_left(order, lost)
    if not shipping and not any(part.amount for part in parts):
        raise NothingLeft
    return parts, {order.id: shipping} if shipping else {}
