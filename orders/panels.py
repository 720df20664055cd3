"""Parts of a show's snapshot that belong to one shopper. The list in config/subscriptions.py names `own`."""

from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from orders import queries
from orders.carts import bodies
from orders.waitlist import waiting

# Who comes in for the first time has none of these, and a crowd of them comes at once: one look tells.
_HAS = """
SELECT EXISTS (SELECT FROM orders_cart WHERE buyer_id = %(buyer)s),
       EXISTS (SELECT FROM orders_purchase WHERE buyer_id = %(buyer)s AND stream_id = %(stream)s),
       EXISTS (SELECT FROM orders_waitlistentry WHERE buyer_id = %(buyer)s AND stream_id = %(stream)s)
"""


def own(*, user_id: UUID, stream_id: UUID) -> dict[str, Any]:
    """Return the shopper's cart, her purchases in the show and her places in its lines."""
    with connection.cursor() as cursor:
        cursor.execute(_HAS, {"buyer": user_id, "stream": stream_id})
        has_cart, has_bought, waits = cursor.fetchone()
    return {
        "cart": cart(user_id, stream_id) if has_cart else bodies.empty(),
        "purchases": purchases(user_id, stream_id) if has_bought else [],
        "waitlist": waiting.bodies(buyer_id=user_id, stream_id=stream_id) if waits else [],
    }


def cart(user_id: UUID, stream_id: UUID) -> queries.Body:
    """Return the shopper's cart, priced for the show."""
    return bodies.of_buyer(buyer_id=user_id, stream_id=stream_id, now=timezone.now())


def purchases(user_id: UUID, stream_id: UUID) -> list[queries.Body]:
    """Return the shopper's latest purchases in the show, newest first."""
    latest = queries.purchases_of(buyer_id=user_id).filter(stream_id=stream_id)[: queries.LATEST]
    return [queries.render_purchase(row) for row in latest]
