"""What the relay brings to the catalog. A second delivery of the same event changes nothing."""

from typing import Any

from catalog import tasks


def start_import(payload: dict[str, Any], *, key: str) -> None:
    """Have a worker read the feed that a merchant sent."""
    tasks.read_feed.apply_async(kwargs={"import_id": payload["import"]})
