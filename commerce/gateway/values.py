"""Plain values out of the SDK's objects."""

from uuid import UUID

import stripe


def id_of(one: object) -> str | None:
    """Return the id of what may be an id, an expanded object, or nothing."""
    return one if isinstance(one, str) else getattr(one, "id", None)


def ours(metadata: object, name: str) -> UUID | None:
    """Return an id of ours from metadata, which anybody with the dashboard could have written."""
    found = metadata.to_dict().get(name) if isinstance(metadata, stripe.StripeObject) else None
    try:
        return UUID(found) if isinstance(found, str) else None
    except ValueError:
        return None
