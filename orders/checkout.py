"""Buying: one press of the button is one purchase, all of it or nothing, however often it is sent."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from commerce.models import Card
from commerce.money import Money
from orders.models import Purchase
from orders.till import asking, refusals, ringing
from orders.till.asking import Receipt, Wanted


def buy(
    *,
    buyer_id: UUID,
    key: UUID,
    lines: Sequence[Wanted],
    expect_total: Money,
    card_id: UUID | None,
    stream_id: UUID | None,
    seen: tuple[str, int] | None,
    now: datetime,
    coupon_id: UUID | None = None,
) -> tuple[Purchase, bool]:
    """Accept a purchase in this thread and return it, with True when this key had bought it before.

    A batch of one: doors hand theirs to the till's own thread (`till.counter`), where those that arrive
    together are written together. `seen` is the (epoch, offset) of the last room event the client had.
    Accepted means durable: the units are held and the charge is on its way. Raises IdempotencyMismatch,
    Unavailable, what `asking.ask` and what `deciding.decide` raise.
    """
    asked = asking.ask(
        buyer_id=buyer_id,
        key=key,
        lines=lines,
        expect_total=expect_total,
        card_id=card_id,
        stream_id=stream_id,
        coupon_id=coupon_id,
        seen=seen,
    )
    (outcome,) = ringing.ring_up([asking.Press(asked)], now=now).outcomes
    if not isinstance(outcome, Receipt):
        raise outcome
    return Purchase.objects.get(pk=outcome.purchase_id), outcome.replayed


def card_to_charge(*, buyer_id: UUID, card_id: UUID | None) -> Card:
    """Return the buyer's card of that id, or the default one; raises UnknownCard, CardRequired."""
    kept = Card.objects.filter(user_id=buyer_id, removed_at=None)
    if card_id is not None:
        card = kept.filter(pk=card_id).first()
        if card is None:
            raise refusals.UnknownCard
        return card
    card = kept.filter(is_default=True).first()
    if card is None:
        raise refusals.CardRequired
    return card
