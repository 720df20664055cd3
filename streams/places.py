"""Where a page that is made now stands in its show, so that its socket goes on from there."""

from typing import Any
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from streams import showlog

log = structlog.get_logger(__name__)


def now(stream_id: UUID) -> dict[str, Any] | None:
    """Return epoch and offset of the show's lane, to be asked before the data; None when Redis is away."""
    try:
        epoch, offset = showlog.position(stream_id)
    except RedisError:
        log.warning("place.unknown", stream=str(stream_id), exc_info=True)
        return None
    return {"epoch": epoch, "offset": offset}
