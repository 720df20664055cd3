"""Socket door of the waiting room before an offer."""

from datetime import datetime
from uuid import UUID

from streams import waitingroom
from streams.frames import Body, Caller


class WaitingroomEnter(Body):
    """Enter an offer's waiting room; again tells one's place."""

    offer: UUID


class WaitingroomLeave(Body):
    """Leave an offer's waiting room."""

    offer: UUID


def enter(caller: Caller, d: WaitingroomEnter, *, key: UUID | None, now: datetime) -> waitingroom.Body:
    """Let the caller into the waiting room of an offer of her show and reply with her place."""
    return waitingroom.enter(
        user_id=caller.signed_in(), stream_id=caller.stream_id, offer_id=d.offer, now=now
    )


def leave(caller: Caller, d: WaitingroomLeave, *, key: UUID | None, now: datetime) -> waitingroom.Body:
    """Take the caller out of a waiting room."""
    waitingroom.leave(user_id=caller.signed_in(), stream_id=caller.stream_id, offer_id=d.offer)
    return {}
