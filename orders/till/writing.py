"""Writes what a batch accepted: one COPY per table, one UPDATE per kind of counted row.

COPY rather than rows of VALUES: for PostgreSQL the text needs no parsing as SQL, and for us it is one join.
"""

import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from catalog.shelf import stock
from commerce import ids, outbox
from orders import pricing
from orders.models import Hold, Order, Purchase
from orders.taxes import Charge, Tax
from orders.till import others, receipts
from orders.till.deciding import Accepted
from orders.till.facts import Bill, Facts
from streams import announce, grants
from streams.states import clock_ms

TOLD_TOGETHER = 50  # Purchases in one event of the outbox.

_PURCHASE = (
    "id, buyer_id, key, fingerprint, stream_id, status, version, amount, currency, card_id, ship_to,"
    " households, coupon_id, pay_at_shipping, hold_until, created_at, updated_at"
)
_ORDER = (
    "id, purchase_id, merchant_id, status, amount, currency, created_at, updated_at,"
    " tax_on_top, shipping_amount, shipping_name, shipping_tax_amount, shipping_tax_bp, shipping_tax_name"
)
_LINE = (
    "id, order_id, stream_ms, frame_epoch, frame_offset, merchant_id, variant_id, title, sku, quantity,"
    " unit_amount, discount_amount, amount, currency, release_at, list_amount, reference_amount, offer_id,"
    " stream_id, host_id, item_id, pin_id, host_commission_bp, platform_fee_bp,"
    " tax_amount, tax_bp, tax_name, tax_on_top"
)
_HOLD = "line_id, purchase_id, variant_id, offer_id, quantity, status, updated_at"


def write(accepted: Sequence[Accepted], facts: Facts) -> receipts.Receipts:
    """Write purchases that were decided on these facts, in the same transaction; raises SoldMeanwhile.

    Their receipts are to be rendered when it is committed: meanwhile others wait for what is locked.
    """
    until = facts.now + timedelta(seconds=settings.HOLD_SECONDS)
    given = receipts.Receipts(facts, hold_until=until)
    if not accepted:
        return given
    rows = _Rows(now=str(facts.now), until=str(until))
    for each in accepted:
        orders, lines = rows.add(each)
        given.add(each, orders=orders, lines=lines)
    # By key, so that two tills which have the same two keys wait for each other and never in a circle.
    rows.purchases.sort()
    with connection.cursor() as cursor:
        _copy(cursor, "orders_purchase", _PURCHASE, [row for _, row in rows.purchases])
        _copy(cursor, "orders_order", _ORDER, rows.orders)
        _copy(cursor, "orders_orderline", _LINE, rows.lines)
        _copy(cursor, "orders_hold", _HOLD, rows.holds)
        _carts(cursor, accepted, facts)
        _turns(cursor, accepted, facts)
    _counted(accepted, facts)
    outbox.record_all(
        ("purchase.accepted", {"purchases": several}, f"purchase.accepted:{several[0]}")
        for several in _chunks([each.id for each in accepted])
    )
    return given


class SoldMeanwhile(Exception):
    """What there was plenty of went to others while this was written; nothing of it stands."""


@dataclass(slots=True)
class _Shared:
    """Columns that all who share a bill have in common."""

    purchase: str  # From behind the fingerprint to the currency.
    orders: list[str]  # From behind the purchase's id to the end.
    lines: list[str]  # From behind what the buyer saw to the end.


class _Rows:
    """The rows of a batch in COPY's text format (https://www.postgresql.org/docs/current/sql-copy.html)."""

    def __init__(self, *, now: str, until: str) -> None:
        self.purchases: list[tuple[tuple[UUID, UUID], str]] = []
        self.orders: list[str] = []
        self.lines: list[str] = []
        self.holds: list[str] = []
        self._now, self._until = now, until
        self._shared: dict[int, _Shared] = {}

    def add(self, each: Accepted) -> receipts.Ids:
        """Add the rows of a purchase; returns the ids of its orders and of its lines."""
        asked, bill, show, now = each.asked, each.bill, each.show, self._now
        shared = self._shared.get(id(bill))
        if shared is None:
            shared = self._shared[id(bill)] = _share(bill, stream=_null(asked.stream_id), now=now)
        self.purchases.append(
            (
                (asked.buyer_id, asked.key),
                f"{each.id}\t{asked.buyer_id}\t{asked.key}\t{asked.fingerprint}{shared.purchase}"
                f"\t{each.card.id}\t{_text(each.buyer.ship_to or '')}\t{{{','.join(each.households)}}}"
                f"\t{_null(asked.coupon_id)}\t{_flag(bill.pay_at_shipping)}"
                f"\t{self._until}\t{now}\t{now}\n",
            )
        )
        stream_ms = str(clock_ms(show.live_at, each.at)) if show and show.live_at else "\\N"
        epoch, offset = (_text(asked.seen[0]), str(asked.seen[1])) if asked.seen and show else ("", "\\N")
        seen = f"{stream_ms}\t{epoch}\t{offset}"
        line_ids = [ids.text() for _ in bill.lines]
        order_ids = []
        for order, (_, numbers) in zip(shared.orders, bill.parts, strict=True):
            order_id = ids.text()
            self.orders.append(f"{order_id}\t{each.id}{order}")
            self.lines.extend(f"{line_ids[n]}\t{order_id}\t{seen}{shared.lines[n]}" for n in numbers)
            order_ids.append(order_id)
        self.holds.extend(
            f"{line_ids[n]}\t{each.id}\t{variant_id}\t{_null(offer_id)}\t{units}"
            f"\t{Hold.Status.HELD.value}\t{now}\n"
            for n, variant_id, offer_id, units in each.taken.holds
        )
        return order_ids, line_ids


def _share(bill: Bill, *, stream: str, now: str) -> _Shared:
    currency, pending = bill.total.currency, Order.Status.PENDING.value
    above = {n for part, (_, its) in enumerate(bill.parts) if bill.charges[part].on_top for n in its}
    return _Shared(
        purchase=f"\t{stream}\t{Purchase.Status.ACCEPTED.value}\t1\t{bill.total.amount}\t{currency}",
        orders=[
            f"\t{merchant_id}\t{pending}\t{bill.amount_of(part)}\t{currency}\t{now}\t{now}"
            f"\t{_charged(bill.charges[part])}\n"
            for part, (merchant_id, _) in enumerate(bill.parts)
        ],
        lines=[
            f"\t{_told(line, stream)}\t{_taxed(bill.taxes[n])}\t{_flag(n in above)}\n"
            for n, line in enumerate(bill.lines)
        ],
    )


def _told(line: pricing.Line, stream: str) -> str:
    return (
        f"{line.merchant_id}\t{line.variant_id}\t{_text(line.title)}\t{_text(line.sku)}\t{line.quantity}"
        f"\t{line.unit.amount}\t{line.discount}\t{line.total.amount}\t{line.unit.currency}"
        f"\t{_null(line.release_at)}\t{line.list_amount}\t{_null(line.reference_amount)}"
        f"\t{_null(line.offer_id)}\t{stream}\t{_null(line.host_id)}\t{_null(line.item_id)}"
        f"\t{_null(line.pin_id)}\t{line.host_commission_bp}\t{line.platform_fee_bp}"
    )


def _charged(charge: Charge) -> str:
    name = charge.tariff.name if charge.tariff else ""
    above = _flag(charge.on_top)
    return f"{above}\t{charge.shipping}\t{_text(name)}\t{_taxed(charge.shipping_tax)}"


def _taxed(tax: Tax) -> str:
    return f"{tax.amount}\t{tax.bp}\t{_text(tax.name)}"


def _flag(value: bool) -> str:
    return "t" if value else "f"


# --- what was counted ---


def _counted(accepted: Sequence[Accepted], facts: Facts) -> None:
    of_stock: Counter[UUID] = Counter()
    of_offers: Counter[UUID] = Counter()
    buyers: dict[tuple[UUID, UUID], int] = {}
    homes: dict[tuple[UUID, str], int] = {}
    coupons: Counter[tuple[UUID, UUID]] = Counter()
    for each in accepted:
        buyer_id = each.asked.buyer_id
        of_stock.update(each.taken.stock)
        of_offers.update(each.taken.offers)
        for offer_id in each.taken.limits:
            buyers[offer_id, buyer_id] = facts.had[offer_id, buyer_id]
            if facts.deals[offer_id].per_household is not None:
                homes |= {(offer_id, key): facts.households[offer_id, key] for key in each.households}
        if each.asked.coupon_id is not None:
            coupons[each.asked.coupon_id, buyer_id] += 1
    of_stock, of_offers = +of_stock, +of_offers
    grants.take(units=of_offers, buyers=buyers, households=homes, deals=facts.deals, now=facts.now)
    grants.spend(coupons)
    # Last, so that the rows everybody wants are changed as late as can be.
    if facts.trusting:
        _lock_trusted(of_stock)
    stock.take_locked(units=of_stock, now=facts.now)
    announce.stock_moved(variants=of_stock, offers=of_offers)


def _lock_trusted(units: Mapping[UUID, int]) -> None:
    """Lock what was only looked at; raises SoldMeanwhile where it is less than what was accepted."""
    with connection.cursor() as cursor:
        others.wait(cursor, units.keys())
    left = stock.lock(units.keys(), skip_locked=False)
    if any(left.get(pk, 0) < wanted for pk, wanted in units.items()):
        raise SoldMeanwhile


def _turns(cursor: Any, accepted: Sequence[Accepted], facts: Facts) -> None:
    used: Counter[UUID] = Counter()
    for each in accepted:
        for (variant_id, offer_id), units in each.taken.turns.items():
            used[facts.turns[each.asked.buyer_id, variant_id, offer_id].id] += units
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
        for variant_id, units in each.taken.cart_holds.items():
            held[buyer_id, variant_id] += units
            streams[buyer_id] = each.asked.stream_id
        in_cart = facts.in_cart.get(buyer_id, {})
        for line in each.bill.lines:
            if line.variant_id in in_cart:
                bought[buyer_id, line.variant_id] += line.quantity
                streams[buyer_id] = each.asked.stream_id
    if held:
        _less(cursor, "orders_carthold", "buyer_id", held)
    for buyer_id, variant_id in bought:
        # A line stays as long as something is held for it, as where her turn gave some of the units.
        spare = facts.in_cart[buyer_id][variant_id] - facts.cart_holds.get((buyer_id, variant_id), 0)
        bought[buyer_id, variant_id] = min(bought[buyer_id, variant_id], spare)
    if bought:
        _less(cursor, "orders_cartline", "cart_id", bought)
    if streams:
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


def _copy(cursor: Any, table: str, columns: str, rows: Iterable[str]) -> None:
    with connection.wrap_database_errors:
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", io.StringIO("".join(rows)))


def _chunks(ids_: list[str]) -> Iterable[list[str]]:
    return (ids_[n : n + TOLD_TOGETHER] for n in range(0, len(ids_), TOLD_TOGETHER))


def _null(value: object) -> str:
    return "\\N" if value is None else str(value)


def _text(value: str) -> str:
    if "\\" in value or "\t" in value or "\n" in value or "\r" in value:
        return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return value
