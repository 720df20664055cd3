"""Public ids: UUIDv7 (RFC 9562), so that rows sort by the time they were made."""

from datetime import datetime
from uuid import UUID

import msgspec
from uuid_utils import uuid7 as fast_uuid7
from uuid_utils.compat import uuid7

PLAIN_LENGTH = 36  # Of the two forms that msgspec reads, the one with hyphens.


def new() -> UUID:
    """Return a fresh UUIDv7."""
    return uuid7()


def least(at: datetime) -> UUID:
    """Return the id before which all sort that were made before a moment."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def text() -> str:
    """Return a fresh UUIDv7 as text: for many at once, in a quarter of the time."""
    return str(fast_uuid7())


def read(given: str) -> UUID:
    """Return a UUID that is written plainly, `8-4-4-4-12`; raises ValueError for every other form."""
    if len(given) != PLAIN_LENGTH:
        raise ValueError(f"not a plain UUID: {given!r}")
    return msgspec.convert(given, UUID)
