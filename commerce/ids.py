"""Public ids: UUIDv7 (RFC 9562), so that rows sort by the time they were made."""

import re
from uuid import UUID

from uuid_utils import uuid7 as fast_uuid7
from uuid_utils.compat import uuid7

_PLAIN = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.I | re.A)


def new() -> UUID:
    """Return a fresh UUIDv7."""
    return uuid7()


def text() -> str:
    """Return a fresh UUIDv7 as text: for many at once, in a quarter of the time."""
    return str(fast_uuid7())


def read(given: str) -> UUID:
    """Return a UUID that is written plainly, `8-4-4-4-12`; raises ValueError for every other form."""
    if not _PLAIN.fullmatch(given):
        raise ValueError(f"not a plain UUID: {given!r}")
    return UUID(given)
