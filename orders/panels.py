"""Parts of a show's snapshot that belong to one shopper. The list in config/subscriptions.py names `own`."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection
from django.utils import timezone

from orders import queries
from orders.carts import bodies
from orders.waitlist import waiting

# Who comes in for the first time has none of these, and a crowd of them comes at once: one look tells.
_HAS = """
SELECT coalesce((SELECT c.version FROM orders_cart c WHERE c.buyer_id = asked.buyer), 0),
       EXISTS (SELECT FROM orders_cartline l WHERE l.cart_id = asked.buyer),
       EXISTS (SELECT FROM orders_waitlistentry w
                WHERE w.buyer_id = asked.buyer AND w.stream_id = asked.stream),
       ARRAY(SELECT p.id FROM orders_purchase p
              WHERE p.buyer_id = asked.buyer AND p.stream_id = asked.stream
              ORDER BY p.id DESC LIMIT %(latest)s)
  FROM unnest(%(streams)s::uuid[], %(buyers)s::uuid[]) WITH ORDINALITY AS asked (stream, buyer, n)
 ORDER BY asked.n
"""


def own(asked: Sequence[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], queries.Body]:
    """Return for each (show, shopper) her cart, her purchases in the show and her places in its lines."""
    streams, buyers = [str(stream) for stream, _ in asked], [str(buyer) for _, buyer in asked]
    with connection.cursor() as cursor:
        cursor.execute(_HAS, {"streams": streams, "buyers": buyers, "latest": queries.LATEST})
        rows = cursor.fetchall()
    purchases = queries.bodies({purchase_id for *_, bought in rows for purchase_id in bought})
    return {
        (stream_id, buyer_id): {
            "cart": cart(buyer_id, stream_id) if has_lines else {**bodies.empty(), "version": version},
            "purchases": [purchases[purchase_id] for purchase_id in bought],
            "waitlist": waiting.bodies(buyer_id=buyer_id, stream_id=stream_id) if waits else [],
        }
        for (stream_id, buyer_id), (version, has_lines, waits, bought) in zip(asked, rows, strict=True)
    }


def cart(user_id: UUID, stream_id: UUID) -> queries.Body:
    """Return the shopper's cart, priced for the show."""
    return bodies.of_buyer(buyer_id=user_id, stream_id=stream_id, now=timezone.now())
