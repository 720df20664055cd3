"""Endpoints, messages and deliveries for tests, and what a receiver got."""

from datetime import UTC, datetime, timedelta

from commerce import clock
from commerce.models import (
    Merchant,
    WebhookDelivery,
    WebhookEndpoint,
)
from commerce.webhooks import endpoints, messages, running
from tests.catalog import make
from tests.commerce.webhooks.receiver import Receiver

NOW = datetime.now(UTC)


def endpoint(to: Receiver, of: Merchant | None = None, *, types: list[str] | None = None) -> WebhookEndpoint:
    seller = of or make.merchant()
    return endpoints.create(
        merchant_id=seller.pk,
        url=to.url,
        description="shop",
        event_types=types or [],
        now=datetime.now(UTC) - timedelta(days=1),
    )


def tell(to: WebhookEndpoint, n: int, *, about: str = "one", type: str = "order.opened") -> int:
    told = messages.Told(
        to.merchant_id, type, f"{type}:{about}:{n}", about, {"id": about, "n": n}, clock.database_now()
    )
    return messages.tell([told])


def secret_of(one: WebhookEndpoint) -> str:
    return endpoints.secrets(merchant_id=one.merchant_id, endpoint_id=one.id, now=NOW)[0][0]


def send() -> int:
    return running.send_due(seconds=5)


def make_due() -> None:
    WebhookDelivery.objects.filter(status="pending").update(due_at=NOW, leased_until=None)


def numbers(receiver: Receiver) -> list[int]:
    return [got.said["data"]["n"] for got in receiver.got]
