"""Buying: one press of the button is one purchase, all of it or nothing, however often it is sent."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from django.conf import settings
from django.db import IntegrityError

from commerce import errors, idempotency, ids, outbox
from commerce.models import Address, Card
from commerce.money import Money
from orders import carts, holds, pricing, quotes, transactions
from orders.models import Hold, Order, OrderLine, Purchase, PurchaseMove
from streams import queries as shows
from streams.models import Stream
from streams.states import clock_ms


class PriceChanged(errors.Conflict):
    """The total is not what the buyer saw."""

    code = "PRICE_CHANGED"
    message = "The price has changed. Look at the new total first."


class CardRequired(errors.Conflict):
    """There is no saved card to charge."""

    code = "CARD_REQUIRED"
    message = "Add a card first."


class AddressRequired(errors.Conflict):
    """There is no address to send to."""

    code = "ADDRESS_REQUIRED"
    message = "Add an address first."


class UnknownCard(errors.NotFound):
    message = "You have no such card."


class UnknownStream(errors.NotFound):
    message = "There is no such show."


def buy(
    *,
    buyer_id: UUID,
    key: UUID,
    lines: Sequence[quotes.Wanted],
    expect_total: Money,
    card_id: UUID | None,
    stream_id: UUID | None,
    seen: tuple[str, int] | None,
    now: datetime,
) -> tuple[Purchase, bool]:
    """Accept a purchase and return it, with True when this key had bought it before.

    `seen` is the (epoch, offset) of the last room event the buyer's client had. Accepted means durable: the
    units are held and the charge is on its way. Raises IdempotencyMismatch, UnknownStream, StreamNotLive,
    what `quotes` raises, MixedCurrencies, PriceChanged, UnknownCard, CardRequired, AddressRequired,
    OutOfStock, CustomerLimit, Busy, Unavailable.
    """
    wanted = quotes.merged(lines)
    asked = _fingerprint(wanted, expect_total, card_id, stream_id)
    known = _known(buyer_id, key, asked)
    if known is not None:
        return known, True

    def place() -> Purchase:
        return _place(buyer_id, key, asked, wanted, expect_total, card_id, stream_id, seen, now)

    try:
        return transactions.run(place), False
    except IntegrityError as error:
        # The same key on another socket, or this one before its connection was lost: the first to commit
        # stands.
        known = _known(buyer_id, key, asked) if transactions.violated(error) == "purchase_key_once" else None
        if known is None:
            raise
        return known, True
    except transactions.Busy:
        # The row waited for may have been the same key's.
        known = _known(buyer_id, key, asked)
        if known is None:
            raise
        return known, True


def _known(buyer_id: UUID, key: UUID, asked: str) -> Purchase | None:
    known = Purchase.objects.filter(buyer_id=buyer_id, key=key).first()
    if known is not None and known.fingerprint != asked:
        raise idempotency.IdempotencyMismatch
    return known


def _fingerprint(
    wanted: Sequence[quotes.Wanted], expect_total: Money, card_id: UUID | None, stream_id: UUID | None
) -> str:
    # Not `seen`: a retry on a new socket may have seen more of the show and still be the same purchase.
    asked = [
        [[one.variant_id, one.quantity, one.offer_id] for one in wanted],
        expect_total.as_dict(),
        card_id,
        stream_id,
    ]
    return hashlib.sha256(orjson.dumps(asked)).hexdigest()


def _place(
    buyer_id: UUID,
    key: UUID,
    asked: str,
    wanted: Sequence[quotes.Wanted],
    expect_total: Money,
    card_id: UUID | None,
    stream_id: UUID | None,
    seen: tuple[str, int] | None,
    now: datetime,
) -> Purchase:
    stream = _live(stream_id)
    lines = quotes.lines(wanted=wanted, stream=stream, now=now)
    total = pricing.total(lines)
    if total != expect_total:
        raise PriceChanged(
            total=total.as_dict(),
            lines=[
                {"variant": str(line.variant_id), "price": line.unit.as_dict(), "quantity": line.quantity}
                for line in lines
            ],
        )
    purchase = Purchase(
        id=ids.new(),
        buyer_id=buyer_id,
        key=key,
        fingerprint=asked,
        stream=stream,
        amount=total.amount,
        currency=total.currency,
        card=card_to_charge(buyer_id=buyer_id, card_id=card_id),
        ship_to=_ship_to(buyer_id),
        hold_until=now + timedelta(seconds=settings.HOLD_SECONDS),
        created_at=now,
        updated_at=now,
    )
    # Before any unit is locked: the same key on two sockets meets here, and the loser holds up nobody else.
    purchase.save(force_insert=True)
    held = _write_lines(purchase, lines, stream, seen, now)
    PurchaseMove.objects.create(purchase=purchase, new=purchase.status, at=now)
    carts.bought(
        buyer_id=buyer_id,
        lines=[(line.variant_id, line.quantity) for line in lines],
        stream_id=stream_id,
        now=now,
    )
    outbox.record(
        name="purchase.accepted",
        payload={"purchase": str(purchase.id)},
        key=f"purchase.accepted:{purchase.id}",
    )
    # Last, so that the rows everybody wants are locked for as short a time as can be.
    holds.take(buyer_id=buyer_id, held=held, now=now)
    return purchase


def _live(stream_id: UUID | None) -> Stream | None:
    if stream_id is None:
        return None
    stream = Stream.objects.filter(pk=stream_id, host__is_active=True).first()
    if stream is None:
        raise UnknownStream
    if stream.status != Stream.Status.LIVE:
        raise shows.StreamNotLive(status=stream.status)
    return stream


def card_to_charge(*, buyer_id: UUID, card_id: UUID | None) -> Card:
    """Return the buyer's card of that id, or the default one; raises UnknownCard, CardRequired."""
    kept = Card.objects.filter(user_id=buyer_id, removed_at=None)
    if card_id is not None:
        card = kept.filter(pk=card_id).first()
        if card is None:
            raise UnknownCard
        return card
    card = kept.filter(is_default=True).first()
    if card is None:
        raise CardRequired
    return card


def _ship_to(buyer_id: UUID) -> dict[str, str]:
    address = Address.objects.filter(user_id=buyer_id).order_by("-is_default", "-id").first()
    if address is None:
        raise AddressRequired
    fields = ("name", "line1", "line2", "city", "postal_code", "country")
    return {field: getattr(address, field) for field in fields}


def _write_lines(
    purchase: Purchase,
    lines: Sequence[pricing.Line],
    stream: Stream | None,
    seen: tuple[str, int] | None,
    now: datetime,
) -> list[Hold]:
    stream_ms = clock_ms(stream.live_at, now) if stream and stream.live_at else None
    epoch, offset = seen if seen and stream else ("", None)
    orders, rows, held = [], [], []
    for merchant_id, part in pricing.by_merchant(lines).items():
        order = Order(
            id=ids.new(),
            purchase=purchase,
            merchant_id=merchant_id,
            amount=sum(line.total.amount for line in part),
            currency=purchase.currency,
            created_at=now,
            updated_at=now,
        )
        orders.append(order)
        for line in part:
            row = OrderLine(
                id=ids.new(),
                order=order,
                merchant_id=merchant_id,
                variant_id=line.variant_id,
                title=line.title[:515],
                sku=line.sku,
                quantity=line.quantity,
                unit_amount=line.unit.amount,
                amount=line.total.amount,
                currency=line.unit.currency,
                list_amount=line.list_amount,
                offer_id=line.offer_id,
                stream=stream,
                host_id=line.host_id,
                item_id=line.item_id,
                pin_id=line.pin_id,
                stream_ms=stream_ms,
                frame_epoch=epoch,
                frame_offset=offset,
                host_commission_bp=line.host_commission_bp,
                platform_fee_bp=line.platform_fee_bp,
            )
            rows.append(row)
            held.append(
                Hold(
                    line=row,
                    purchase=purchase,
                    variant_id=line.variant_id,
                    offer_id=line.offer_id,
                    quantity=line.quantity,
                    updated_at=now,
                )
            )
    Order.objects.bulk_create(orders)
    OrderLine.objects.bulk_create(rows)
    Hold.objects.bulk_create(held)
    return held
