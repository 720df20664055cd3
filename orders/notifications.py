"""What buyers are told on their own lane, read anew when it is sent, so that the last word is the newest."""

import time
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings

from commerce import clock
from orders import queries
from orders.carts import bodies
from orders.settling import charging, waiting
from streams import showlog
from streams.bodies import unix_ms

AT_ONCE = 100  # Purchases that are read and sent together: a drop accepts hundreds in a moment.


def tell_buyers(*, purchase_ids: Sequence[UUID]) -> None:
    """Send each buyer her purchase as it is now."""
    for first in range(0, len(purchase_ids), AT_ONCE):
        found = queries.bodies_to_tell(purchase_ids[first : first + AT_ONCE])
        told = [(buyer_id, "order.updated", body) for buyer_id, body in found]
        showlog.tell_each(told, ts=time.time_ns() // 1_000_000)


def tell_waiting(*, look: int) -> int:
    """Tell buyers whose purchases wait to be charged their places and about how long; returns how many."""
    told = waiting.to_tell(waiting.line(), look=look)
    for first in range(0, len(told), AT_ONCE):
        frames = [
            (
                each.buyer_id,
                "payment.waiting",
                {
                    "purchase": str(each.purchase_id),
                    "place": each.place,
                    "about_seconds": each.about_seconds,
                },
            )
            for each in told[first : first + AT_ONCE]
        ]
        showlog.tell_each(frames, ts=time.time_ns() // 1_000_000)
    return len(told)


def tell_cart(*, buyer_id: UUID, stream_id: UUID | None) -> None:
    """Send a buyer her cart as it is now, priced for a show or outside of any."""
    body = bodies.of_buyer(buyer_id=buyer_id, stream_id=stream_id, now=clock.database_now())
    _send(buyer_id, "cart.updated", body)


def ask_buyer(*, purchase_id: UUID) -> None:
    """Send a buyer what she needs to satisfy her bank, fetched anew, while it still asks."""
    found = charging.action(purchase_id=purchase_id)
    if found is None:
        return
    purchase, intent = found
    _send(
        purchase.buyer_id,
        "payment.action_required",
        {
            "purchase": str(purchase.id),
            "client_secret": intent.client_secret,
            "sheet_url": intent.sheet_url,
            "publishable_key": None if intent.sheet_url else settings.STRIPE_PUBLISHABLE_KEY,
            "expires_at": unix_ms(purchase.hold_until),
        },
    )


def _send(user_id: UUID, t: str, d: queries.Body) -> None:
    showlog.tell_user(user_id=user_id, t=t, d=d, ts=time.time_ns() // 1_000_000)
