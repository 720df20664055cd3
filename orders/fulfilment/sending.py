"""Sending what was bought: which units, in which parcel, from where."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from catalog.models import Location
from catalog.shelf import leaving
from catalog.shelf.movements import SOMEBODY, Who
from commerce import outbox
from orders import moves, queries
from orders.fulfilment import origins
from orders.fulfilment.following import has_more, tell
from orders.fulfilment.locks import Sale, lock
from orders.fulfilment.refusals import (
    CancellationAsked,
    NotCombinable,
    NothingNamed,
    NotPaid,
    NotReleased,
    TooMany,
    UnknownLine,
)
from orders.models import Cancellation, Order, OrderLine, Purchase, Shipment, ShipmentLine
from streams.bodies import unix_ms

Status = Order.Status
SENDABLE = (Status.OPEN, Status.PARTLY_SHIPPED, Status.SHIPPING)


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


def pack(
    *,
    merchant_id: UUID,
    order_id: UUID,
    lines: Sequence[Packed],
    label: Label,
    now: datetime,
    location: str | None = None,
    by: Who = SOMEBODY,
) -> Order:
    """Record a parcel with units of an order's `lines`, or all that is left without any, as `ship` does.

    What is in it leaves the merchant's `location` (its code), or the main one. Raises what `ship` raises,
    UnknownLine, TooMany, UnknownLocation, LocationClosed, places.NotEnoughThere.
    """
    with transaction.atomic():
        queries.check_orders(merchant_id=merchant_id, order_ids={order_id})
        sales = lock(merchant_id, [order_id])
        _send(merchant_id, sales, label, lines, _place(merchant_id, location), now, by)
        return sales[order_id].order


def send(
    *,
    merchant_id: UUID,
    order_ids: Collection[UUID],
    lines: Sequence[Packed],
    label: Label,
    now: datetime,
    location: str | None = None,
    by: Who = SOMEBODY,
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
        return _send(merchant_id, sales, label, lines, _place(merchant_id, location), now, by)


def _orders_of(merchant_id: UUID, lines: Sequence[Packed]) -> list[UUID]:
    named = [each.line_id for each in lines]
    known = dict(OrderLine.objects.filter(merchant=merchant_id, pk__in=named).values_list("pk", "order_id"))
    for line_id in named:
        if line_id not in known:
            raise UnknownLine(line=str(line_id))
    return list(known.values())


def _fit(sales: Sequence[Sale]) -> None:
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


def _place(merchant_id: UUID, location: str | None) -> Location | None:
    return leaving.origin(merchant_id=merchant_id, code=location) if location is not None else None


def _send(
    merchant_id: UUID,
    sales: Mapping[UUID, Sale],
    label: Label,
    lines: Sequence[Packed],
    place: Location | None,
    now: datetime,
    by: Who,
) -> Shipment:
    """Record the parcel, unless it is known."""
    wanted = _wanted(sales, lines)
    known = _known(merchant_id, sales, label, place, wanted)
    if known is not None:
        return known
    for sale in sales.values():
        _check(sale, now)
    if not wanted:
        raise NotPaid(status=next(iter(sales.values())).order.status)
    for sale in sales.values():
        for line_id in sale.lines:
            if wanted[line_id] > sale.left[line_id]:
                raise TooMany(line=str(line_id), left=sale.left[line_id])
    shipment = Shipment.objects.create(
        merchant_id=merchant_id, shipped_at=now, location=place, **asdict(label)
    )
    inside = ShipmentLine.objects.bulk_create(_inside(shipment, sales, wanted))
    _count(wanted)
    for sale in sales.values():
        _out(sale, now)
    tell(list(sales.values()), "parcel recorded", now)
    if place is not None:
        # Last, because buyers may want the same stock.
        origins.take_away(place, inside, now=now, by=by)
    return shipment


def _inside(shipment: Shipment, sales: Mapping[UUID, Sale], wanted: Mapping[UUID, int]) -> list[ShipmentLine]:
    return [
        ShipmentLine(
            merchant_id=shipment.merchant_id,
            shipment=shipment,
            order=sale.order,
            line=line,
            quantity=wanted[line.id],
        )
        for sale in sales.values()
        for line in sale.lines.values()
        if line.id in wanted
    ]


def _count(wanted: Mapping[UUID, int]) -> None:
    """Count units on their lines, which are locked, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orders_orderline SET shipped_quantity = shipped_quantity + sent.units"
            " FROM unnest(%s::uuid[], %s::int[]) AS sent (id, units) WHERE orders_orderline.id = sent.id",
            [[str(pk) for pk in wanted], list(wanted.values())],
        )


def _wanted(sales: Mapping[UUID, Sale], lines: Sequence[Packed]) -> Counter[UUID]:
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
    merchant_id: UUID,
    sales: Mapping[UUID, Sale],
    label: Label,
    place: Location | None,
    wanted: Counter[UUID],
) -> Shipment | None:
    """Return the parcel if it was recorded before: it had the same units, or now nothing is left to go out.

    Two parcels that nobody can follow may well be alike: with units named, only a number tells.
    """
    rows = Shipment.objects.filter(
        merchant_id=merchant_id, lines__order__in=list(sales), location=place, **asdict(label)
    )
    if not wanted:
        return rows.order_by("id").first()
    if not label.tracking_number:
        return None
    for parcel in rows.distinct().prefetch_related("lines"):
        if {each.line_id: each.quantity for each in parcel.lines.all()} == wanted:
            return parcel
    return None


def _check(sale: Sale, now: datetime) -> None:
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


def _out(sale: Sale, now: datetime) -> None:
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
    elif not has_more(order):
        moves.order(order, new=Status.SHIPPED, now=now)
    elif order.status == Status.OPEN:
        moves.order(order, new=Status.PARTLY_SHIPPED, now=now)
