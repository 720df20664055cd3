"""Parts of a show's snapshot that belong to one shopper. The table in config/subscriptions.py names them."""

from uuid import UUID

from django.utils import timezone

from orders import cartbodies, queries, waiting


def cart(user_id: UUID, stream_id: UUID) -> queries.Body:
    """Return the shopper's cart, priced for the show."""
    return cartbodies.of_buyer(buyer_id=user_id, stream_id=stream_id, now=timezone.now())


def purchases(user_id: UUID, stream_id: UUID) -> list[queries.Body]:
    """Return the shopper's latest purchases in the show, newest first."""
    latest = queries.purchases_of(buyer_id=user_id).filter(stream_id=stream_id)[: queries.LATEST]
    return [queries.render_purchase(row) for row in latest]


def waitlist(user_id: UUID, stream_id: UUID) -> list[waiting.Body]:
    """Return the lines in which the shopper stands in the show, and her turns."""
    return waiting.bodies(buyer_id=user_id, stream_id=stream_id)
