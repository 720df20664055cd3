"""Fulfilment: a merchant sends what was bought, in one parcel or several, and says when it is there.

Units of a line are counted as they go out, under the order's lock; the database holds that never more go out
than were bought less what was given back or cancelled before.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from commerce import errors, outbox
from orders import moves, queries
from orders.models import Cancellation, Order, OrderLine, Purchase, Shipment, ShipmentLine
from streams.bodies import unix_ms

Status = Order.Status
SENDABLE = (Status.OPEN, Status.PARTLY_SHIPPED, Status.SHIPPING)


class NotPaid(errors.Conflict):
    """Only a paid order of which something is to go out can be shipped."""

    code = "ORDER_NOT_OPEN"
    message = "This order is not waiting to be shipped."


class NotReleased(errors.Conflict):
    """A pre-order goes out at its release; `release_at` says when, in Unix milliseconds."""

    code = "NOT_RELEASED"
    message = "This is a pre-order. It may be shipped from its release on."


class CancellationAsked(errors.Conflict):
    """Its buyer waits for an answer: cancelled, or refused with a word."""

    code = "CANCELLATION_ASKED"
    message = "The buyer has asked to cancel this order. Cancel it, or refuse to, before it is shipped."


class TooMany(errors.Conflict):
    """More units than are to go out; `left` says how many are, `line` of which line."""

    code = "SHIP_TOO_MUCH"
    message = "So many units of this line are not left to be shipped."


class NothingNamed(errors.Invalid):
    """A parcel has something in it."""

    message = "Say what is in the parcel: lines, or orders."


class NotCombinable(errors.Conflict):
    """One parcel goes to one buyer at one address, and is paid; `reason` says what is not so."""

    code = "NOT_COMBINABLE"
    message = "These orders cannot go out in one parcel."


class NotOnItsWay(errors.Conflict):
    """The parcel of a pre-order waits for the money."""

    code = "PARCEL_WAITS"
    message = "This parcel waits until its pre-order is paid."


class BadMoment(errors.Invalid):
    """A parcel arrives after its order was made, and not in the future."""

    message = "The parcel cannot have arrived at that time."


class UnknownLine(errors.NotFound):
    """The merchant's orders have no such line."""

    message = "There is no such line."


@dataclass(frozen=True, slots=True)
class Label:
    """Who carries a parcel, and how it is followed."""

    carrier: str
    tracking_number: str = ""
    tracking_url: str = ""


@dataclass(frozen=True, slots=True)
class Packed:
    """Units of an order line that go into a parcel."""

    line_id: UUID
    quantity: int


@dataclass(frozen=True, slots=True)
class _Sale:
    """A locked order with its purchase and its lines, locked as well."""

    order: Order
    purchase: Purchase
    lines: dict[UUID, OrderLine]

    @property
    def left(self) -> Counter[UUID]:
        return +Counter({line.id: line.to_ship for line in self.lines.values()})


def ship(
    *,
    merchant_id: UUID,
    order_id: UUID,
    carrier: str,
    tracking_number: str,
    tracking_url: str,
    now: datetime,
) -> Order:
    """Record a parcel with all that is left of an order, and tell the buyer; the same parcel again changes
    nothing.

    A pre-order is `shipping` until its money is taken; then its parcel is on its way, or the order is
    `cancelled` where the card does not keep its promise. Raises UnknownOrder, NotPaid, NotReleased,
    CancellationAsked.
    """
    label = Label(carrier, tracking_number, tracking_url)
    return pack(merchant_id=merchant_id, order_id=order_id, lines=(), label=label, now=now)


def pack(*, merchant_id: UUID, order_id: UUID, lines: Sequence[Packed], label: Label, now: datetime) -> Order:
    """Record a parcel with units of an order's `lines`, or all that is left without any, as `ship` does.

    Raises what `ship` raises, UnknownLine, TooMany.
    """
    with transaction.atomic():
        queries.check_orders(merchant_id=merchant_id, order_ids={order_id})
        sales = lock(merchant_id, [order_id])
        _send(merchant_id, sales, label, lines, now)
        return sales[order_id].order


def send(
    *,
    merchant_id: UUID,
    order_ids: Collection[UUID],
    lines: Sequence[Packed],
    label: Label,
    now: datetime,
) -> Shipment:
    """Record a parcel with units of `lines` of a merchant's orders, or all that is left of `order_ids`; the
    same parcel again changes nothing.

    Several orders are one buyer's, go to one address and are paid. Raises what `pack` raises, NothingNamed,
    NotCombinable.
    """
    if bool(order_ids) == bool(lines):
        raise NothingNamed
    with transaction.atomic():
        if lines:
            order_ids = _orders_of(merchant_id, lines)
        queries.check_orders(merchant_id=merchant_id, order_ids=set(order_ids))
        sales = lock(merchant_id, order_ids)
        _fit(list(sales.values()))
        return _send(merchant_id, sales, label, lines, now)


def relabel(*, merchant_id: UUID, shipment_id: UUID, now: datetime, **changes: str) -> Shipment:
    """Correct a parcel's carrier, `tracking_number` or `tracking_url`, and have its buyer told; raises
    UnknownShipment.
    """
    with transaction.atomic():
        shipment, sales = lock_parcel(merchant_id, shipment_id)
        fresh = {name: text for name, text in changes.items() if getattr(shipment, name) != text}
        if fresh:
            for name, text in fresh.items():
                setattr(shipment, name, text)
            shipment.save(update_fields=list(fresh))
            _told(sales, "parcel corrected", now)
        return shipment


def deliver(
    *, merchant_id: UUID, shipment_id: UUID, delivered_at: datetime | None, now: datetime
) -> Shipment:
    """Record that a parcel is there, by default now, and have its buyer told; again changes nothing.

    An order is delivered when all of it is. Raises UnknownShipment, NotOnItsWay, BadMoment.
    """
    with transaction.atomic():
        shipment, sales = lock_parcel(merchant_id, shipment_id)
        if shipment.delivered_at is not None:
            return shipment
        if any(sale.order.status == Status.SHIPPING for sale in sales):
            raise NotOnItsWay
        at = delivered_at or now
        if at > now or any(at < sale.order.created_at for sale in sales):
            raise BadMoment
        shipment.delivered_at = at
        shipment.save(update_fields=["delivered_at"])
        for sale in sales:
            go_on(sale.order, now=now)
        _told(sales, "parcel delivered", now)
        return shipment


def go_on(order: Order, *, now: datetime) -> None:
    """Move a locked order that was sent in part to shipped if nothing is left to go out, and to delivered if
    all its parcels are there.
    """
    if order.status == Status.PARTLY_SHIPPED and not _left(order):
        moves.order(order, new=Status.SHIPPED, now=now)
    if order.status == Status.SHIPPED:
        parcels = Shipment.objects.filter(lines__order=order)
        if not parcels.filter(delivered_at=None).exists():
            moves.order(order, new=Status.DELIVERED, now=now)


def take_back(*, order: Order) -> None:
    """Take what waited for the money out of a locked order's parcels; those with nothing else are no more."""
    found = ShipmentLine.objects.filter(order=order)
    parcels = list(found.values_list("shipment_id", flat=True).distinct())
    if parcels:
        found.delete()
        Shipment.objects.filter(pk__in=parcels, lines=None).delete()
        OrderLine.objects.filter(order=order).update(shipped_quantity=0)


def acknowledge(*, merchant_id: UUID, order_id: UUID, reference: str | None, now: datetime) -> Order:
    """Record that the merchant's system has an order, under its own number if it names one; again changes the
    number alone. Raises UnknownOrder.
    """
    with transaction.atomic():
        queries.check_orders(merchant_id=merchant_id, order_ids={order_id})
        order = Order.objects.select_for_update(no_key=True).get(pk=order_id, merchant_id=merchant_id)
        wanted = order.reference if reference is None else reference
        if order.acknowledged_at is None or order.reference != wanted:
            order.acknowledged_at = order.acknowledged_at or now
            order.reference, order.updated_at = wanted, now
            order.save(update_fields=["acknowledged_at", "reference", "updated_at"])
        return order


def lock(merchant_id: UUID, order_ids: Collection[UUID]) -> dict[UUID, _Sale]:
    """Lock a merchant's orders, after their purchases as everywhere, each in the order of their ids."""
    rows = Purchase.objects.select_for_update(no_key=True, of=("self",)).order_by("id")
    wanted = list(set(order_ids))
    purchases = {row.pk: row for row in rows.filter(orders__in=wanted, orders__merchant=merchant_id)}
    orders = Order.objects.select_for_update(no_key=True).filter(pk__in=wanted, merchant_id=merchant_id)
    found = {order.pk: _Sale(order, purchases[order.purchase_id], {}) for order in orders.order_by("id")}
    lines = OrderLine.objects.select_for_update(no_key=True).filter(order__in=list(found))
    for line in lines.order_by("id"):
        found[line.order_id].lines[line.id] = line
    return found


def lock_parcel(merchant_id: UUID, shipment_id: UUID) -> tuple[Shipment, list[_Sale]]:
    """Lock a parcel, after the orders that it has something of; raises UnknownShipment."""
    known = ShipmentLine.objects.filter(merchant_id=merchant_id, shipment_id=shipment_id)
    sales = lock(merchant_id, set(known.values_list("order_id", flat=True)))
    rows = Shipment.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id, pk=shipment_id)
    shipment = rows.first()
    if shipment is None:
        raise queries.UnknownShipment
    return shipment, list(sales.values())


def _orders_of(merchant_id: UUID, lines: Sequence[Packed]) -> list[UUID]:
    named = [each.line_id for each in lines]
    known = dict(OrderLine.objects.filter(merchant=merchant_id, pk__in=named).values_list("pk", "order_id"))
    for line_id in named:
        if line_id not in known:
            raise UnknownLine(line=str(line_id))
    return list(known.values())


def _fit(sales: Sequence[_Sale]) -> None:
    """Say whether several orders may go out in one parcel; raises NotCombinable."""
    if len(sales) < 2:
        return
    first = sales[0].purchase
    for sale in sales:
        if sale.purchase.buyer_id != first.buyer_id:
            raise NotCombinable("These orders are of different buyers.", reason="buyer")
        if sale.purchase.ship_to != first.ship_to:
            raise NotCombinable("These orders go to different addresses.", reason="address")
        if sale.purchase.status != Purchase.Status.PAID:
            raise NotCombinable("A pre-order that is not paid goes out by itself.", reason="not_paid")


def _send(
    merchant_id: UUID, sales: Mapping[UUID, _Sale], label: Label, lines: Sequence[Packed], now: datetime
) -> Shipment:
    """Record the parcel, unless it is known."""
    wanted = _wanted(sales, lines)
    known = _known(merchant_id, sales, label, wanted)
    if known is not None:
        return known
    order_of = {line_id: sale.order for sale in sales.values() for line_id in sale.lines}
    for sale in sales.values():
        _check(sale, now)
    if not wanted:
        raise NotPaid(status=next(iter(sales.values())).order.status)
    for sale in sales.values():
        for line_id in sale.lines:
            if wanted[line_id] > sale.left[line_id]:
                raise TooMany(line=str(line_id), left=sale.left[line_id])
    shipment = Shipment.objects.create(merchant_id=merchant_id, shipped_at=now, **asdict(label))
    ShipmentLine.objects.bulk_create(
        ShipmentLine(
            merchant_id=merchant_id,
            shipment=shipment,
            order=order_of[line_id],
            line_id=line_id,
            quantity=quantity,
        )
        for line_id, quantity in sorted(wanted.items())
    )
    for line_id, quantity in sorted(wanted.items()):
        OrderLine.objects.filter(pk=line_id).update(shipped_quantity=F("shipped_quantity") + quantity)
    for sale in sales.values():
        _out(sale, now)
    _told(list(sales.values()), "parcel recorded", now)
    return shipment


def _wanted(sales: Mapping[UUID, _Sale], lines: Sequence[Packed]) -> Counter[UUID]:
    """Return the units per line that go out: those named, else all that are left. Raises UnknownLine."""
    if not lines:
        return sum((sale.left for sale in sales.values()), Counter())
    wanted: Counter[UUID] = Counter()
    for each in lines:
        if not any(each.line_id in sale.lines for sale in sales.values()):
            raise UnknownLine(line=str(each.line_id))
        wanted[each.line_id] += each.quantity
    return wanted


def _known(
    merchant_id: UUID, sales: Mapping[UUID, _Sale], label: Label, wanted: Counter[UUID]
) -> Shipment | None:
    """Return the parcel if it was recorded before: it had the same units, or now nothing is left to go out.

    Two parcels that nobody can follow may well be alike: with units named, only a number tells.
    """
    rows = Shipment.objects.filter(merchant_id=merchant_id, lines__order__in=list(sales), **asdict(label))
    if not wanted:
        return rows.order_by("id").first()
    if not label.tracking_number:
        return None
    for parcel in rows.distinct().prefetch_related("lines"):
        if {each.line_id: each.quantity for each in parcel.lines.all()} == wanted:
            return parcel
    return None


def _check(sale: _Sale, now: datetime) -> None:
    order = sale.order
    if order.status not in SENDABLE:
        raise NotPaid(status=order.status)
    if order.has_claims and Cancellation.objects.filter(order=order, status="asked").exists():
        raise CancellationAsked
    released: datetime | None = max(
        (line.release_at for line in sale.lines.values() if line.release_at), default=None
    )
    if released is not None and now < released:
        raise NotReleased(release_at=unix_ms(released))


def _out(sale: _Sale, now: datetime) -> None:
    """Move an order of which a parcel goes out; the first of a pre-order has its money taken."""
    order = sale.order
    if sale.purchase.status == Purchase.Status.AUTHORIZED:
        if order.status == Status.OPEN:
            outbox.record(
                name="capture.asked",
                payload={"purchase": str(sale.purchase.pk)},
                key=f"capture.asked:{order.pk}",
            )
            moves.order(order, new=Status.SHIPPING, now=now)
    elif not _left(order):
        moves.order(order, new=Status.SHIPPED, now=now)
    elif order.status == Status.OPEN:
        moves.order(order, new=Status.PARTLY_SHIPPED, now=now)


def _left(order: Order) -> bool:
    lines = OrderLine.objects.filter(order=order)
    return lines.filter(quantity__gt=F("shipped_quantity") + F("dropped_quantity")).exists()


def _told(sales: Sequence[_Sale], reason: str, now: datetime) -> None:
    Order.objects.filter(pk__in=[sale.order.pk for sale in sales]).update(updated_at=now)
    for sale in sales:
        moves.note(sale.purchase, reason=reason, now=now)
