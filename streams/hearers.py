"""What the relay brings to the room's sockets. A second delivery of the same event changes nothing."""

import time
from collections import OrderedDict
from datetime import datetime
from typing import Any
from uuid import UUID

from catalog import bundles
from catalog.models import Stock
from commerce import clock, outbox
from streams import offers, passes, showcase, showlog, waitingroom
from streams.models import Offer, ShowcaseItem, ShowEvent, Stream


def tell_room(payload: dict[str, Any], *, key: str) -> None:
    """Put a must event in the show log, in Redis for the sockets and in PostgreSQL as evidence.

    Events of one show are told in the order in which they were recorded: one that is told again after a
    failure would otherwise come after its successors, and leave viewers with an old pin. So whoever tells
    one tells first what was recorded before it; the log takes each key once.
    """
    for earlier_key, earlier in outbox.waiting_before(key=key, lane=payload["stream"]):
        if earlier_key not in _told:
            _log(earlier, key=earlier_key)
    _log(payload, key=key)
    _move_door(payload["t"], payload["d"])


def tell_state(payload: dict[str, Any], *, key: str) -> None:
    """Publish the newest value of a conflated key; an older version than was told is dropped."""
    showlog.tell_state(
        stream_id=UUID(payload["stream"]), t=payload["t"], k=payload["k"], n=payload["n"], d=payload["d"]
    )


def tell_user(payload: dict[str, Any], *, key: str) -> None:
    """Publish a frame to all connections of one user."""
    showlog.tell_user(user_id=UUID(payload["user"]), t=payload["t"], d=payload["d"], ts=_now_ms())


def change_access(payload: dict[str, Any], *, key: str) -> None:
    """Make a user's passes and tickets worthless and have her connections looked at again, at once."""
    user_id, stream = UUID(payload["user"]), payload.get("stream")
    passes.drop(user_id=user_id)
    showlog.tell_processes(user_id=user_id, stream_id=UUID(stream) if stream else None)


def let_in(payload: dict[str, Any], *, key: str) -> None:
    """Spare somebody the waiting room whose turn it is in the waitlist."""
    waitingroom.let_in(
        user_id=UUID(payload["user"]),
        offer_id=UUID(payload["offer"]),
        until=datetime.fromisoformat(payload["until"]),
    )


def show_stock(payload: dict[str, Any], *, key: str) -> None:
    """Tell the live shows what is left of these variants and offers, as it is now."""
    moved = {UUID(variant) for variant in payload.get("variants", ())}
    variants = moved | bundles.containing(moved) if moved else moved
    shown = (
        ShowcaseItem.objects.filter(
            product__variants__in=variants, removed_at=None, stream__status=Stream.Status.LIVE
        )
        .values_list("stream_id", "product__variants__id")
        .distinct()
        if variants
        else ()
    )
    stock = _standing([variant_id for _, variant_id in shown])
    for stream_id, variant_id in shown:
        if (now := stock.get(variant_id)) is not None:
            _show_stock(stream_id, variant_id, now)
    sold = payload.get("offers", ())
    for offer in Offer.objects.filter(pk__in=sold, stream__status=Stream.Status.LIVE) if sold else ():
        showlog.tell_state(
            stream_id=offer.stream_id,
            t="offer.progress",
            k=f"offer:{offer.id}",
            n=offer.version,
            d={"id": str(offer.id), "left": offer.left, "quota": offer.quota},
        )


def mind_floor(payload: dict[str, Any], *, key: str) -> None:
    """End the offers whose price the merchant does not take any more."""
    variants = [UUID(variant) for variant in payload["variants"]]
    offers.end_below(variant_ids=variants, now=clock.database_now())


def show_prices(payload: dict[str, Any], *, key: str) -> None:
    """Show new list prices wherever these variants are in a showcase."""
    showcase.show_prices(variant_ids=[UUID(variant) for variant in payload["variants"]], key=key)


def _move_door(t: str, d: dict[str, Any]) -> None:
    """Let an offer's waiting room follow the offer."""
    if t in ("offer.announced", "offer.started", "offer.updated"):
        waitingroom.follow(offer_id=UUID(d["id"]), opens_ms=d["starts_at"], closes_ms=d["ends_at"])
    elif t == "offer.ended":
        waitingroom.shut(offer_id=UUID(d["id"]))


def _standing(variant_ids: list[UUID]) -> dict[UUID, bundles.Standing]:
    """What can be promised of variants; one version of a plain one's row is one crossing to nothing left."""
    if not variant_ids:
        return {}
    rows = Stock.objects.filter(variant__in=variant_ids)
    plain = {
        row.pk: bundles.Standing(row.available, row.version, None if row.available else str(row.version))
        for row in rows
    }
    return plain | bundles.standing(variant_ids)


def _show_stock(stream_id: UUID, variant_id: UUID, stock: bundles.Standing) -> None:
    variant = str(variant_id)
    showlog.tell_state(
        stream_id=stream_id,
        t="stock.changed",
        k=f"stock:{variant}",
        n=stock.version,
        d={"variant": variant, "left": stock.left},
    )
    if stock.cause is not None:
        # One cause is one crossing, however many events and deliveries lead here.
        _log(
            {"stream": str(stream_id), "t": "stock.sold_out", "d": {"variant": variant}},
            key=f"sold_out:{variant}:{stock.cause}",
        )


# What this process has told lately: the relay marks a whole batch as delivered only at its end.
_told: "OrderedDict[str, None]" = OrderedDict()
REMEMBERED = 5_000


def _log(payload: dict[str, Any], *, key: str) -> None:
    stream_id, t, d = UUID(payload["stream"]), payload["t"], payload["d"]
    if ShowEvent.objects.filter(stream=stream_id, key=key).exists():
        # Told, and its evidence kept, before Redis forgot: told again it would come after its successors.
        _remember(key)
        return
    place = showlog.append(stream_id=stream_id, t=t, d=d, key=key, ts=_now_ms())
    ShowEvent.objects.bulk_create(
        [
            ShowEvent(
                stream_id=stream_id,
                epoch=place.epoch,
                offset=place.offset,
                key=key,
                frame=showlog.frame_of(t=t, d=d, place=place),
            )
        ],
        ignore_conflicts=True,
    )
    _remember(key)


def _remember(key: str) -> None:
    _told[key] = None
    if len(_told) > REMEMBERED:
        _told.popitem(last=False)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
