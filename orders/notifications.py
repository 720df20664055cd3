"""What buyers are told on their own lane, read anew when it is sent, so that the last word is the newest."""

import time
from uuid import UUID

from django.conf import settings

from commerce import clock
from orders import queries
from orders.carts import bodies
from orders.models import Purchase
from orders.settling import charging
from streams import showlog
from streams.bodies import unix_ms


def tell_buyer(*, purchase_id: UUID) -> None:
    """Send a buyer the purchase as it is now."""
    buyer_id = Purchase.objects.values_list("buyer_id", flat=True).get(pk=purchase_id)
    _send(buyer_id, "order.updated", queries.purchase_body(purchase_id))


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
