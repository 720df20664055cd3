"""Socket door of the trade: carts and purchases inside a show."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from commerce import errors
from commerce.money import Money
from orders import frames, queries
from orders.carts import contents
from orders.settling import charging
from orders.till import asking, counter, quoting
from streams.frames import Caller

Answer = Callable[[str | Exception], None]


def cart_add(caller: Caller, d: frames.CartAdd, *, key: UUID | None, now: datetime) -> queries.Body:
    """Put units into the caller's cart and reply with it."""
    return contents.add(
        buyer_id=caller.signed_in(),
        variant_id=d.variant,
        quantity=d.quantity,
        stream_id=caller.stream_id,
        now=now,
    )


def cart_update(caller: Caller, d: frames.CartUpdate, *, key: UUID | None, now: datetime) -> queries.Body:
    """Set units in the caller's cart and reply with it."""
    return contents.update(
        buyer_id=caller.signed_in(),
        version=d.version,
        variant_id=d.variant,
        quantity=d.quantity,
        stream_id=caller.stream_id,
        now=now,
    )


def cart_remove(caller: Caller, d: frames.CartRemove, *, key: UUID | None, now: datetime) -> queries.Body:
    """Take a variant out of the caller's cart and reply with it."""
    return contents.remove(
        buyer_id=caller.signed_in(),
        version=d.version,
        variant_id=d.variant,
        stream_id=caller.stream_id,
        now=now,
    )


def purchase_create(caller: Caller, d: frames.PurchaseCreate, *, key: UUID, answer: Answer) -> None:
    """Buy in the caller's show; the reply says accepted, `order.updated` says what became of it."""
    asked = asking.ask(
        buyer_id=caller.signed_in(),
        key=key,
        lines=[asking.Wanted(line.variant, line.quantity, line.offer) for line in d.lines],
        expect_total=Money(d.expect_total.amount, d.expect_total.currency),
        card_id=d.card,
        stream_id=caller.stream_id,
        coupon_id=d.coupon,
        seen=(d.seen.epoch, d.seen.offset) if d.seen else caller.position,
    )

    def rung_up(outcome: asking.Outcome) -> None:
        answer(outcome.body if isinstance(outcome, asking.Receipt) else outcome)

    counter.here().hand_over(asked, rung_up)


def purchase_quote(
    caller: Caller, d: frames.PurchaseQuote, *, key: UUID | None, now: datetime
) -> queries.Body:
    """Reply with what these lines would cost in the caller's show; nothing is bought or held."""
    return quoting.quote(
        asking.wonder(
            buyer_id=caller.signed_in(),
            lines=[asking.Wanted(line.variant, line.quantity, line.offer) for line in d.lines],
            stream_id=caller.stream_id,
            coupon_id=d.coupon,
        )
    )


def purchase_status(
    caller: Caller, d: frames.PurchaseStatus, *, key: UUID | None, now: datetime
) -> queries.Body:
    """Reply with a purchase of the caller; what her bank still asks of her is sent again on her lane."""
    buyer_id = caller.signed_in()
    if (d.purchase is None) == (d.key is None):
        raise errors.Invalid("Name the purchase, or the key it was bought with.")
    purchase = queries.purchase_of(buyer_id=buyer_id, purchase_id=d.purchase, key=d.key)
    charging.remind(purchase_id=purchase.id)
    return queries.render_purchase(purchase)
