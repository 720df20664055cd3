"""What the kernel does when something has happened. Called by the relay, perhaps twice."""

from typing import Any

from commerce import tasks


def forget_card(payload: dict[str, Any], *, key: str) -> None:
    """Have the provider forget a card that its owner removed."""
    tasks.forget_card.delay(card_id=payload["card"])


def tell_endpoint_off(payload: dict[str, Any], *, key: str) -> None:
    """Have a merchant told by mail that an endpoint was turned off, and its other endpoints by webhook."""
    tasks.tell_endpoint_off.delay(endpoint_id=payload["endpoint"])
    tasks.send_webhooks.delay()
