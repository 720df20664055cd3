"""Plain values out of the SDK's objects, or of the JSON that they are made of."""

from collections.abc import Mapping
from uuid import UUID

import stripe


def id_of(one: object) -> str | None:
    """Return the id of what may be an id, an expanded object, or nothing."""
    if isinstance(one, Mapping):
        one = one.get("id")
    return one if isinstance(one, str) else getattr(one, "id", None)


def ours(metadata: object, name: str) -> UUID | None:
    """Return an id of ours from metadata, which anybody with the dashboard could have written."""
    if isinstance(metadata, stripe.StripeObject):
        metadata = metadata.to_dict()
    found = metadata.get(name) if isinstance(metadata, Mapping) else None
    try:
        return UUID(found) if isinstance(found, str) else None
    except ValueError:
        return None
