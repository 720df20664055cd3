"""What the relay brings to the catalog. A second delivery of the same event changes nothing."""

from datetime import datetime
from typing import Any
from uuid import UUID

from catalog import tasks, telling
from commerce import clock
from commerce.tasks import send_webhooks


def start_import(payload: dict[str, Any], *, key: str) -> None:
    """Have a worker read the feed that a merchant sent."""
    tasks.read_feed.apply_async(kwargs={"import_id": payload["import"]})


def start_export(payload: dict[str, Any], *, key: str) -> None:
    """Have a worker write the file that a merchant asked for."""
    tasks.write_export.apply_async(kwargs={"export_id": payload["export"]})


def tell_stock(payload: dict[str, Any], *, key: str) -> None:
    """Have merchants' systems told what is left. They are rung for by beat: it is not sent at once."""
    variants = [UUID(variant) for variant in payload.get("variants", ())]
    telling.tell_stock(variant_ids=variants, now=clock.database_now())


def tell_low(payload: dict[str, Any], *, key: str) -> None:
    """Have a merchant's systems told of what has become little since it said how little that is."""
    variants = [UUID(variant) for variant in payload["variants"]]
    telling.tell_low(variant_ids=variants, now=clock.database_now())


def tell_import(payload: dict[str, Any], *, key: str) -> None:
    """Have a merchant's systems told that its feed is read."""
    if telling.tell_import(import_id=UUID(payload["import"])):
        send_webhooks.delay()


def tell_export(payload: dict[str, Any], *, key: str) -> None:
    """Have a merchant's systems told that its file is written."""
    if telling.tell_export(export_id=UUID(payload["export"])):
        send_webhooks.delay()


def tell_reviews(payload: dict[str, Any], *, key: str) -> None:
    """Have merchants' systems told what operators decided."""
    if telling.tell_reviews(review_ids=payload["reviews"]):
        send_webhooks.delay()


def tell_feed_off(payload: dict[str, Any], *, key: str) -> None:
    """Have a merchant told that a feed of its is fetched no more: its systems, and its people by mail."""
    told = 0
    if "fetch" in payload:
        told = telling.tell_feed_off(fetch_id=UUID(payload["fetch"]))
    elif "merchant" in payload:
        told = telling.tell_feed_stopped(
            merchant_id=UUID(payload["merchant"]),
            feed_id=UUID(payload["feed"]),
            at=datetime.fromisoformat(payload["at"]),
            key=key,
        )
    if told:
        send_webhooks.delay()
    tasks.tell_feed_off.delay(feed_id=payload["feed"])
