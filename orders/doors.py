"""What the trade's HTTP doors have in common: who asks, from which show, and what is said of it."""

from typing import cast
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from commerce import schema
from commerce.models import User
from orders.till import refusals
from streams.models import Stream

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    type=schema.IDEMPOTENCY_KEY.type,
    location=OpenApiParameter.HEADER,
    description="Makes a repetition harmless.",
)


def buyer_of(request: Request) -> UUID:
    """Return who is signed in."""
    return cast(User, request.user).id


def stream_id(slug: str | None) -> UUID | None:
    """Return the id of the show of that address; raises UnknownStream."""
    if slug is None:
        return None
    found = Stream.objects.filter(slug=slug).values_list("id", flat=True).first()
    if found is None:
        raise refusals.UnknownStream
    return found
