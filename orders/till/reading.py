"""Reads all that a batch is decided by, in a dozen statements however many purchases it has.

What is counted is locked, in the one order that everybody keeps: carts, what is held for carts, turns of the
waitlist, offers, claimed coupons, stock; each by its key. A row that somebody else keeps locked fails the
batch after `lock_timeout`, or, where `patient` is off, is stepped over and noted as busy.
Before that, tills that want the same units wait for each other (`others`).

Where there is plenty of what is asked for, it is only looked at: nobody is refused for want of it, so that
all can be written before `writing` locks it and looks again. Tills of several processes write at once then,
and have the row that everybody wants for a moment each.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from catalog.commission import rates
from catalog.shelf import stock
from commerce import households
from orders.tariffs import reading as tariffs
from orders.till import others
from orders.till.asking import Asked
from orders.till.facts import Buyer, CardKept, Facts, Goods, Show, Turn
from streams import grants

_GOODS = """
    SELECT v.id, v.merchant_id, v.product_id, p.title, v.title, v.sku,
           v.is_active AND p.status = 'approved' AND m.is_active,
           m.name, m.host_commission_bp, m.platform_fee_bp,
           c.amount, c.currency, CASE WHEN f.currency = c.currency THEN f.amount END, v.release_at,
           p.product_type, EXISTS (SELECT FROM catalog_commissionrate r WHERE r.merchant_id = m.id)
      FROM catalog_variant v
      JOIN catalog_product p ON p.id = v.product_id
      JOIN commerce_merchant m ON m.id = v.merchant_id
      LEFT JOIN catalog_price c ON c.variant_id = v.id AND c.valid_to IS NULL
      LEFT JOIN catalog_pricefloor f ON f.variant_id = v.id
     WHERE v.id = ANY(%s::uuid[])
"""
_PARTS = """
    SELECT b.bundle_id, b.part_id, b.quantity, v.is_active, v.release_at
      FROM catalog_bundlepart b JOIN catalog_variant v ON v.id = b.part_id
     WHERE b.bundle_id = ANY(%s::uuid[]) ORDER BY b.part_id
"""
_SHOWS = """
    SELECT s.id, s.slug, s.host_id, h.is_active, s.status, s.live_at, p.id, p.item_id
      FROM streams_stream s
      JOIN commerce_host h ON h.id = s.host_id
      LEFT JOIN streams_pin p ON p.stream_id = s.id AND p.unpinned_at IS NULL
     WHERE s.id = ANY(%s::uuid[])
"""
_ITEMS = """
    SELECT stream_id, product_id, id FROM streams_showcaseitem
     WHERE stream_id = ANY(%s::uuid[]) AND product_id = ANY(%s::uuid[]) AND removed_at IS NULL
"""
_CARDS = """
    SELECT user_id, id::text, brand, last4, fingerprint, is_default FROM commerce_card
     WHERE user_id = ANY(%s::uuid[]) AND removed_at IS NULL
"""
_ADDRESSES = """
    SELECT DISTINCT ON (user_id) user_id, country,
           json_strip_nulls(json_build_object(
               'name', name, 'line1', line1, 'line2', line2, 'city', city, 'postal_code', postal_code,
               'country', country, 'phone', nullif(phone, ''), 'email', nullif(email, '')))::text
      FROM commerce_address
     WHERE user_id = ANY(%s::uuid[]) ORDER BY user_id, is_default DESC, id DESC
"""
_IN_CARTS = """
    SELECT cart_id, variant_id, quantity FROM orders_cartline
     WHERE cart_id = ANY(%s::uuid[]) AND variant_id = ANY(%s::uuid[])
"""
_CARTS = (
    "SELECT buyer_id FROM orders_cart WHERE buyer_id = ANY(%s::uuid[]) ORDER BY buyer_id FOR NO KEY UPDATE"
)
_CART_HOLDS = """
    SELECT buyer_id, variant_id, quantity FROM orders_carthold
     WHERE buyer_id = ANY(%s::uuid[]) AND variant_id = ANY(%s::uuid[])
"""
_TURNS = """
    SELECT buyer_id, variant_id, offer_id, id, quantity, turn_until, stream_id FROM orders_waitlistentry
     WHERE status = 'offered' AND buyer_id = ANY(%s::uuid[]) AND variant_id = ANY(%s::uuid[])
"""
_LOCKED = " ORDER BY id FOR UPDATE"
PLENTY = 10  # Times what a batch wants; with less, what other tills write meanwhile could well be the rest.
_WITH_TURNS = """
    SELECT DISTINCT buyer_id FROM orders_waitlistentry
     WHERE status = 'offered' AND buyer_id = ANY(%s::uuid[]) AND variant_id = ANY(%s::uuid[])
"""


class Clock(NamedTuple):
    """The database's clock, and what the process's steady one said then."""

    now: datetime
    read_at: float


def read(batch: Sequence[Asked], *, patient: bool, may_trust: bool, clock: Clock) -> Facts:
    """Return the facts of a batch, inside its transaction; what is counted stays locked until it ends.

    With `may_trust` the facts may be `trusting`: the stock was looked at, and `writing.write` locks it.
    """
    variants = {line.variant_id for asked in batch for line in asked.lines}
    buyers = _ids(asked.buyer_id for asked in batch)
    with connection.cursor() as cursor:
        facts = Facts(*clock)
        _goods(cursor, facts, variants)
        wanted = _ids(variants)
        # A bundle's parts are what is counted, and what a cart may hold.
        units = {part for goods in facts.goods.values() for part, _ in goods.takes(1)}
        _shows(cursor, facts, _ids(asked.stream_id for asked in batch))
        _buyers(cursor, facts, buyers)
        _tariffs(facts)
        if may_trust and patient:
            facts.trusting = _plenty(batch, facts, units)
        if not facts.trusting:
            counted = {line.offer_id for asked in batch for line in asked.lines if line.offer_id}
            others.wait(cursor, units | counted)
        _carts(cursor, facts, buyers, _ids(units | variants), patient)
        for row in _hers(cursor, facts, _TURNS, [buyers, wanted], patient):
            facts.turns[row[:3]] = Turn(*row[3:])
    if not facts.trusting:
        _counted(facts, batch, units, patient)
    return facts


def look(batch: Sequence[Asked], *, clock: Clock) -> Facts:
    """Return what a batch would be priced by; nothing is locked, so what is counted is not read."""
    buyers = _ids(asked.buyer_id for asked in batch)
    facts = Facts(*clock)
    with connection.cursor() as cursor:
        _goods(cursor, facts, {line.variant_id for asked in batch for line in asked.lines})
        _shows(cursor, facts, _ids(asked.stream_id for asked in batch))
        _buyers(cursor, facts, buyers)
        _tariffs(facts)
        cursor.execute(_TURNS, [buyers, _ids(line.variant_id for asked in batch for line in asked.lines)])
        for row in cursor.fetchall():
            facts.turns[row[:3]] = Turn(*row[3:])
    offers = {line.offer_id for asked in batch for line in asked.lines if line.offer_id}
    facts.deals = grants.offers(offers) if offers else {}
    coupons = {(asked.coupon_id, asked.buyer_id) for asked in batch if asked.coupon_id is not None}
    facts.claims = grants.claims(coupons) if coupons else {}
    return facts


def with_turns(batch: Iterable[Asked]) -> set[UUID]:
    """Return which of these buyers may have a turn for what they ask; nothing is locked."""
    asked = list(batch)
    if not asked:
        return set()
    variants = _ids(line.variant_id for each in asked for line in each.lines)
    with connection.cursor() as cursor:
        cursor.execute(_WITH_TURNS, [_ids(each.buyer_id for each in asked), variants])
        return {row[0] for row in cursor.fetchall()}


def _goods(cursor: Any, facts: Facts, variants: set[UUID]) -> None:
    cursor.execute(_GOODS, [_ids(variants)])
    for row in cursor.fetchall():
        title = f"{row[3]} ({row[4]})" if row[4] else row[3]
        facts.goods[row[0]] = Goods(row[0], row[1], row[2], title, row[5], *row[6:])
    cursor.execute(_PARTS, [_ids(variants)])
    for bundle_id, part_id, quantity, for_sale, release_at in cursor.fetchall():
        bundle = facts.goods[bundle_id]
        bundle.parts.append((part_id, quantity))
        bundle.for_sale = bundle.for_sale and for_sale
        if release_at is not None:
            # It goes out as one parcel, when the last of its parts is there.
            bundle.release_at = max(release_at, bundle.release_at or release_at)


def _shows(cursor: Any, facts: Facts, streams: str) -> None:
    if streams == "{}":
        return
    cursor.execute(_SHOWS, [streams])
    for row in cursor.fetchall():
        facts.shows[row[0]] = Show(*row)
    cursor.execute(_ITEMS, [streams, _ids(goods.product_id for goods in facts.goods.values())])
    for stream_id, product_id, item_id in cursor.fetchall():
        facts.shows[stream_id].items[product_id] = item_id
    planned = {goods.product_id for goods in facts.goods.values() if goods.by_plan}
    shown = [(show.host_id, each) for show in facts.shows.values() for each in show.items.keys() & planned]
    facts.promises = rates.promised(shown, at=facts.now)


def _buyers(cursor: Any, facts: Facts, buyers: str) -> None:
    cursor.execute(_CARDS, [buyers])
    for buyer_id, *card in cursor.fetchall():
        facts.buyers.setdefault(buyer_id, Buyer()).cards.append(CardKept(*card))
    cursor.execute(_ADDRESSES, [buyers])
    for buyer_id, country, address in cursor.fetchall():
        buyer = facts.buyers.setdefault(buyer_id, Buyer())
        buyer.country, buyer.ship_to = country, address


def _tariffs(facts: Facts) -> None:
    facts.tariffs = tariffs.read(
        {goods.merchant_id for goods in facts.goods.values()},
        countries={buyer.country for buyer in facts.buyers.values()},
        now=facts.now,
    )


def _carts(cursor: Any, facts: Facts, buyers: str, variants: str, patient: bool) -> None:
    cursor.execute(_IN_CARTS, [buyers, variants])
    concerned = {row[0] for row in cursor.fetchall()}
    if not concerned:
        return
    cursor.execute(_CARTS + _skip(patient), [_ids(concerned)])
    locked = {row[0] for row in cursor.fetchall()}
    facts.busy |= concerned - locked
    # Again, under the lock: what is taken out of the cart is what is in it now.
    cursor.execute(_IN_CARTS, [_ids(locked), variants])
    for buyer_id, variant_id, quantity in cursor.fetchall():
        facts.in_cart.setdefault(buyer_id, {})[variant_id] = quantity
    # What is held is held for a line, so these are all.
    for buyer_id, variant_id, quantity in _hers(
        cursor, facts, _CART_HOLDS, [_ids(locked), variants], patient
    ):
        facts.cart_holds[buyer_id, variant_id] = quantity


def _plenty(batch: Sequence[Asked], facts: Facts, units: set[UUID]) -> bool:
    """Look at the stock, and say whether all of it is so much more than is wanted that none will be short.

    Offers and coupons have limits of buyers, which only a lock can count.
    """
    if any(asked.offers or asked.coupon_id is not None for asked in batch):
        return False
    wanted: Counter[UUID] = Counter()
    for asked in batch:
        for line in asked.lines:
            if line.variant_id in facts.goods:
                wanted.update(dict(facts.goods[line.variant_id].takes(line.quantity)))
    facts.stock = stock.look(units)
    return all(facts.stock.get(each, 0) >= PLENTY * wanted[each] for each in units)


def _hers(cursor: Any, facts: Facts, select: str, asked: list[str], patient: bool) -> list[Any]:
    """Lock and return rows of units that belong to buyers, who come first in them.

    Whose rows somebody else keeps locked is noted as busy: without them she would be told that there are no
    units, or would take others beside those that are held for her.
    """
    cursor.execute(select + _LOCKED + _skip(patient), asked)
    rows: list[Any] = cursor.fetchall()
    if not patient:
        there = set(rows)
        cursor.execute(select, asked)
        facts.busy |= {row[0] for row in cursor.fetchall() if row not in there}
    return rows


def _counted(facts: Facts, batch: Sequence[Asked], units: set[UUID], patient: bool) -> None:
    asked = {(line.offer_id, asked.buyer_id) for asked in batch for line in asked.lines if line.offer_id}
    offers = {offer_id for offer_id, _ in asked}
    if offers:
        facts.deals = grants.lock_offers(offers, skip_locked=not patient)
        facts.busy |= grants.there(offers - facts.deals.keys()) if not patient else set()
        facts.had = grants.units_had({buyer for _, buyer in asked}, offers=facts.deals)
        limited = [deal.id for deal in facts.deals.values() if deal.per_household is not None]
        if limited:
            facts.households = grants.households_had(_households(facts), offers=limited)
    coupons = {(asked.coupon_id, asked.buyer_id) for asked in batch if asked.coupon_id is not None}
    if coupons:
        facts.claims = grants.lock_claims(coupons, skip_locked=not patient)
        if not patient:
            claimed = grants.claims_there(coupons - facts.claims.keys())
            facts.busy |= {buyer_id for _, buyer_id in claimed}
    facts.stock = stock.lock(units, skip_locked=not patient)
    if not patient:
        facts.busy |= stock.there(units - facts.stock.keys())


def _households(facts: Facts) -> set[str]:
    return {
        key
        for buyer in facts.buyers.values()
        if buyer.ship_to is not None
        for card in buyer.cards
        for key in households.keys(address=buyer.address, fingerprint=card.fingerprint)
    }


def _skip(patient: bool) -> str:
    return "" if patient else " SKIP LOCKED"


def _ids(ids: Iterable[UUID | None]) -> str:
    """Return ids as PostgreSQL's text of an array: one literal is read much faster than one of each."""
    return "{" + ",".join(sorted({str(each) for each in ids if each is not None})) + "}"
