"""What the relay tells a show's moderators: how much waits for them."""

import time
from collections import OrderedDict
from typing import Any
from uuid import UUID

from commerce.models import Event
from streams import showlog
from streams.moderation import desk

EVERY_SECONDS = 1.0
_told_at: "OrderedDict[str, float]" = OrderedDict()
REMEMBERED = 1000


def tell_moderators(payload: dict[str, Any], *, key: str) -> None:
    """Tell host and moderators how much waits in a show as it is now.

    While a later change of the same show waits to be told, this one is left out, but for one a second.
    """
    stream = payload["stream"]
    if time.monotonic() - _told_at.get(stream, -EVERY_SECONDS) < EVERY_SECONDS and _later(stream, key):
        return
    _told_at[stream] = time.monotonic()
    _told_at.move_to_end(stream)
    if len(_told_at) > REMEMBERED:
        _told_at.popitem(last=False)
    stream_id = UUID(stream)
    d = {"stream": stream, **desk.waiting(stream_id)}
    for user_id in desk.whom_to_tell(stream_id):
        showlog.tell_user(user_id=user_id, t="moderation.waiting", d=d, ts=time.time_ns() // 1_000_000)


def _later(stream: str, key: str) -> bool:
    this = Event.objects.filter(key=key).values_list("id", flat=True).first()
    return (
        this is not None
        and Event.objects.filter(
            name="moderation.changed", delivered_at=None, payload__stream=stream, id__gt=this
        ).exists()
    )
