"""Writes what a batch accepted: one COPY per table, one UPDATE per kind of counted row.

COPY rather than rows of VALUES: for PostgreSQL the text needs no parsing as SQL, and for us it is one join.
"""

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection

from catalog import stock
from commerce import ids, outbox
from orders import pricing
from orders.models import Hold, Order, Purchase
from orders.till import receipts
from orders.till.asking import Receipt
from orders.till.deciding import Accepted
from orders.till.facts import Facts
from streams import announce, grants
from streams.states import clock_ms

Row = tuple[Any, ...]

_PURCHASE = (
    "id buyer_id key fingerprint stream_id status version amount currency card_id ship_to households"
    " coupon_id pay_at_shipping hold_until created_at updated_at"
)
_MOVE = "purchase_id old new reason at"
_ORDER = "id purchase_id merchant_id status amount currency created_at updated_at"
_LINE = (
    "id order_id merchant_id variant_id title sku quantity unit_amount discount_amount amount currency"
    " release_at list_amount reference_amount offer_id stream_id host_id item_id pin_id stream_ms frame_epoch"
    " frame_offset host_commission_bp platform_fee_bp"
)
_HOLD = "line_id purchase_id variant_id offer_id quantity status updated_at"


def write(accepted: Sequence[Accepted], facts: Facts) -> list[Receipt]:
    """Write purchases that were decided on these facts, in the same transaction; returns their receipts."""
    if not accepted:
        return []
    now = facts.now
    purchases: list[Row] = []
    moves: list[Row] = []
    orders: list[Row] = []
    lines: list[Row] = []
    holds: list[Row] = []
    found = []
    until = now + timedelta(seconds=settings.HOLD_SECONDS)
    for each in accepted:
        purchases.append(_purchase(each, now, until))
        moves.append((each.id, "", Purchase.Status.ACCEPTED.value, "", now))
        parts = _orders(each, orders, lines, holds, now)
        found.append(receipts.accepted(each, parts, facts, hold_until=until))
    with connection.cursor() as cursor:
        # By key, so that two tills which have the same two keys wait for each other and never in a circle.
        _copy(cursor, "orders_purchase", _PURCHASE, sorted(purchases, key=lambda row: (row[1], row[2])))
        _copy(cursor, "orders_purchasemove", _MOVE, moves)
        _copy(cursor, "orders_order", _ORDER, orders)
        _copy(cursor, "orders_orderline", _LINE, lines)
        _copy(cursor, "orders_hold", _HOLD, holds)
        _carts(cursor, accepted, facts)
        _turns(cursor, accepted, facts)
    _counted(accepted, facts)
    outbox.record_all(
        ("purchase.accepted", {"purchase": str(each.id)}, f"purchase.accepted:{each.id}") for each in accepted
    )
    return found


def _purchase(each: Accepted, now: datetime, until: datetime) -> Row:
    asked = each.asked
    return (
        each.id,
        asked.buyer_id,
        asked.key,
        asked.fingerprint,
        asked.stream_id,
        Purchase.Status.ACCEPTED.value,
        1,
        each.total.amount,
        each.total.currency,
        each.card.id,
        orjson.dumps(each.ship_to).decode(),
        "{" + ",".join(each.households) + "}",
        asked.coupon_id,
        "t" if each.pay_at_shipping else "f",
        until,
        now,
        now,
    )


def _orders(
    each: Accepted, orders: list[Row], lines: list[Row], holds: list[Row], now: datetime
) -> list[tuple[UUID, UUID, list[tuple[UUID, pricing.Line]]]]:
    """Add the rows of a purchase's orders; returns (order, merchant, its lines with their ids)."""
    show, asked = each.show, each.asked
    stream_ms = clock_ms(show.live_at, each.at) if show and show.live_at else None
    epoch, offset = asked.seen if asked.seen and show else ("", None)
    stream_id = show.id if show else None
    line_ids, pending = [ids.new() for _ in each.lines], Order.Status.PENDING.value
    numbers = {id(line): line_id for line, line_id in zip(each.lines, line_ids, strict=True)}
    parts = []
    for merchant_id, its in pricing.by_merchant(each.lines).items():
        order_id = ids.new()
        amount = sum(line.total.amount for line in its)
        orders.append(
            (
                order_id,
                each.id,
                merchant_id,
                pending,
                amount,
                each.total.currency,
                now,
                now,
            )
        )
        parts.append((order_id, merchant_id, [(numbers[id(line)], line) for line in its]))
        lines.extend(
            (
                numbers[id(line)],
                order_id,
                merchant_id,
                line.variant_id,
                line.title[:515],
                line.sku,
                line.quantity,
                line.unit.amount,
                line.discount,
                line.total.amount,
                line.unit.currency,
                line.release_at,
                line.list_amount,
                line.reference_amount,
                line.offer_id,
                stream_id,
                line.host_id,
                line.item_id,
                line.pin_id,
                stream_ms,
                epoch,
                offset,
                line.host_commission_bp,
                line.platform_fee_bp,
            )
            for line in its
        )
    held = Hold.Status.HELD.value
    holds.extend(
        (line_ids[number], each.id, variant_id, offer_id, units, held, now)
        for number, variant_id, offer_id, units in each.holds
    )
    return parts


# --- what was counted ---


def _counted(accepted: Sequence[Accepted], facts: Facts) -> None:
    of_stock: Counter[UUID] = Counter()
    of_offers: Counter[UUID] = Counter()
    buyers: dict[tuple[UUID, UUID], int] = {}
    homes: dict[tuple[UUID, str], int] = {}
    coupons: Counter[tuple[UUID, UUID]] = Counter()
    for each in accepted:
        buyer_id = each.asked.buyer_id
        of_stock.update(each.stock)
        of_offers.update(each.offers)
        for offer_id in each.limits:
            buyers[offer_id, buyer_id] = facts.had[offer_id, buyer_id]
            if facts.deals[offer_id].per_household is not None:
                homes |= {(offer_id, key): facts.households[offer_id, key] for key in each.households}
        if each.asked.coupon_id is not None:
            coupons[each.asked.coupon_id, buyer_id] += 1
    grants.take(units=of_offers, buyers=buyers, households=homes, deals=facts.deals, now=facts.now)
    grants.spend(coupons)
    # Last, so that the rows everybody wants are changed as late as can be.
    stock.take_locked(units=of_stock, now=facts.now)
    announce.stock_moved(variants=of_stock, offers=of_offers)


def _turns(cursor: Any, accepted: Sequence[Accepted], facts: Facts) -> None:
    used: Counter[UUID] = Counter()
    for each in accepted:
        for (variant_id, offer_id), units in each.turns.items():
            used[facts.turn_ids[each.asked.buyer_id, variant_id, offer_id]] += units
    if used:
        # Of a turn for two units one may be bought, and the other one stays hers.
        cursor.execute(
            """
            UPDATE orders_waitlistentry AS turn SET updated_at = %s,
                   status = CASE WHEN turn.quantity > used.units THEN turn.status ELSE 'bought' END,
                   quantity = CASE WHEN turn.quantity > used.units THEN turn.quantity - used.units
                                   ELSE turn.quantity END
              FROM unnest(%s::uuid[], %s::int[]) AS used (id, units) WHERE turn.id = used.id
            """,
            [facts.now, [str(pk) for pk in used], list(used.values())],
        )


def _carts(cursor: Any, accepted: Sequence[Accepted], facts: Facts) -> None:
    held: Counter[tuple[UUID, UUID]] = Counter()
    bought: Counter[tuple[UUID, UUID]] = Counter()
    streams: dict[UUID, UUID | None] = {}
    for each in accepted:
        buyer_id = each.asked.buyer_id
        for variant_id, units in each.cart_holds.items():
            held[buyer_id, variant_id] += units
        in_cart = facts.in_cart.get(buyer_id, {})
        for line in each.lines:
            if line.variant_id in in_cart:
                bought[buyer_id, line.variant_id] += line.quantity
                streams[buyer_id] = each.asked.stream_id
    if held:
        _less(cursor, "orders_carthold", "buyer_id", held)
    if bought:
        _less(cursor, "orders_cartline", "cart_id", bought)
        cursor.execute(
            "UPDATE orders_cart SET version = version + 1, updated_at = %s WHERE buyer_id = ANY(%s::uuid[])"
            " RETURNING buyer_id, version",
            [facts.now, [str(buyer_id) for buyer_id in streams]],
        )
        outbox.record_all(
            (
                "cart.moved",
                {"buyer": str(buyer_id), "stream": str(streams[buyer_id]) if streams[buyer_id] else None},
                f"cart.moved:{buyer_id}:{version}",
            )
            for buyer_id, version in cursor.fetchall()
        )


def _less(cursor: Any, table: str, owner: str, units: Counter[tuple[UUID, UUID]]) -> None:
    """Take units off an owner's rows by variant; a row that comes to nothing goes."""
    asked = [[str(pk) for pk, _ in units], [str(pk) for _, pk in units], list(units.values())]
    less = "unnest(%s::uuid[], %s::uuid[], %s::int[]) AS less (owner_id, variant_id, units)"
    same = f"had.{owner} = less.owner_id AND had.variant_id = less.variant_id"
    cursor.execute(f"DELETE FROM {table} had USING {less} WHERE {same} AND had.quantity <= less.units", asked)
    changed = "quantity = had.quantity - less.units"
    cursor.execute(f"UPDATE {table} had SET {changed} FROM {less} WHERE {same}", asked)


# --- COPY ---


def _copy(cursor: Any, table: str, columns: str, rows: Iterable[Row]) -> None:
    text = io.StringIO("".join(_lines(rows)))
    with connection.wrap_database_errors:
        cursor.copy_expert(f"COPY {table} ({columns.replace(' ', ', ')}) FROM STDIN", text)


def _lines(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        yield "\t".join(["\\N" if cell is None else _cell(cell) for cell in row]) + "\n"


def _cell(value: Any) -> str:
    """Return a value in COPY's text format (https://www.postgresql.org/docs/current/sql-copy.html)."""
    if isinstance(value, str):
        if "\\" in value or "\t" in value or "\n" in value or "\r" in value:
            return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
        return value
    return value.isoformat() if isinstance(value, datetime) else str(value)
