"""Socket door of the waitlist."""

from datetime import datetime
from uuid import UUID

from orders.waitlist import places, waiting
from streams.frames import Body, Caller, Units


class WaitlistJoin(Body):
    """Line up for what is sold out, at an offer's price or (no offer) the list price."""

    variant: UUID
    offer: UUID | None = None
    quantity: Units = 1


class WaitlistLeave(Body):
    """Leave a line; in one's turn the units go on to the next."""

    variant: UUID
    offer: UUID | None = None


def join(caller: Caller, d: WaitlistJoin, *, key: UUID | None, now: datetime) -> waiting.Body:
    """Let the caller line up in her show and reply with her place."""
    return places.join(
        buyer_id=caller.signed_in(),
        stream_id=caller.stream_id,
        variant_id=d.variant,
        offer_id=d.offer,
        quantity=d.quantity,
        now=now,
    )


def leave(caller: Caller, d: WaitlistLeave, *, key: UUID | None, now: datetime) -> waiting.Body:
    """Let the caller leave a line and reply with the place that was hers."""
    return places.leave(buyer_id=caller.signed_in(), variant_id=d.variant, offer_id=d.offer, now=now)
