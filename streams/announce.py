"""What verbs tell the room and its users: recorded with the change, sent by the relay.

Every function must run inside the transaction that makes the change true; rolled back, nothing is told.
"""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from commerce import outbox


def tell_room(*, stream_id: UUID, t: str, d: dict[str, Any], key: str | None = None) -> None:
    """Tell every viewer of a stream a must event (lane `s`): it gets an offset, is kept, and can be resumed.

    `t` is the frame type, `d` its JSON body. The same key twice is told once.
    """
    payload = {"stream": str(stream_id), "t": t, "d": d}
    outbox.record(name="room.told", payload=payload, key=key, lane=str(stream_id))


def state(*, stream_id: UUID, t: str, k: str, n: int, d: dict[str, Any], key: str | None = None) -> None:
    """Tell a stream's viewers the newest value of `k`; `n` is its version; a lower one is ignored."""
    payload = {"stream": str(stream_id), "t": t, "k": k, "n": n, "d": d}
    outbox.record(name="room.state", payload=payload, key=key)


def tell_user(*, user_id: UUID, t: str, d: dict[str, Any], key: str | None = None) -> None:
    """Tell one user, on all of his or her sockets (lane `u`). What was missed comes back in the snapshot."""
    outbox.record(name="user.told", payload={"user": str(user_id), "t": t, "d": d}, key=key)


def tell_users(told: Iterable[tuple[UUID, str, dict[str, Any], str]]) -> None:
    """Tell several users (user, frame type, body, key) in one statement, each on her own lane."""
    outbox.record_all(
        ("user.told", {"user": str(user_id), "t": t, "d": d}, key) for user_id, t, d, key in told
    )


def stock_moved(
    *, variants: Collection[UUID] = (), offers: Collection[UUID] = (), key: str | None = None
) -> None:
    """Say that what is left of these variants and offers changed; the hearer reads the numbers."""
    payload = {"variants": sorted(map(str, variants)), "offers": sorted(map(str, offers))}
    if variants or offers:
        outbox.record(name="stock.moved", payload=payload, key=key)
