"""What merchants' systems are told: a message per event, and a delivery to every endpoint that asked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from commerce import ids
from commerce.models import WebhookDelivery, WebhookEndpoint, WebhookMessage

TEST = "webhook.test"  # Sent when asked for, whatever types an endpoint has chosen.


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened. The same key is told once; what is about one object is told in order."""

    merchant_id: UUID
    type: str
    key: str
    object_id: str
    data: Mapping[str, Any]
    occurred_at: datetime


def asked_for(*, merchant_ids: Collection[UUID], families: Collection[str]) -> set[UUID]:
    """Return which of these merchants have an endpoint for types that begin like this ("order.")."""
    if not merchant_ids:
        return set()
    types = [name for name in settings.WEBHOOK_EVENTS if name.startswith(tuple(families))]
    some = Q(event_types=[]) | Q(event_types__overlap=types)
    rows = WebhookEndpoint.objects.filter(some, merchant_id__in=list(merchant_ids), removed_at=None)
    return set(rows.values_list("merchant_id", flat=True))


def known(*, merchant_id: UUID, keys: Collection[str]) -> set[str]:
    """Return which of these keys a merchant was told, so that others need no body."""
    rows = WebhookMessage.objects.filter(merchant_id=merchant_id, key__in=list(keys))
    return set(rows.values_list("key", flat=True))


def tell(events: Sequence[Told], *, delay: timedelta = timedelta(0), without: UUID | None = None) -> int:
    """Write messages for the endpoints that want them, in this order; returns how many deliveries are new.

    What was told before is not told again, and an endpoint hears nothing that was before it. Also an endpoint
    that is off has its deliveries: they wait. The first try comes after `delay`. The endpoint `without` is
    told nothing.
    """
    with transaction.atomic():
        endpoints = _endpoints({event.merchant_id for event in events}, without)
        return sum(_tell(event, endpoints.get(event.merchant_id, ()), delay) for event in events)


def tell_newest(event: Told, *, same: str, delay: timedelta) -> int:
    """Tell how something stands now, unless it was told so: `same` names what of the body says whether.

    A message about the same object that nobody has begun to send says this instead of what it said.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # Two who tell of one object would both find that it was not told.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))",
            [f"{event.merchant_id}:{event.object_id}"],
        )
        told = WebhookMessage.objects.filter(merchant_id=event.merchant_id, object_id=event.object_id)
        last = told.filter(type=event.type).order_by("-id").first()
        if last is not None:
            if orjson.loads(last.body)["data"].get(same) == event.data[same]:
                return 0
            # Behind another message it would come too early, said in the place of an older one.
            if not told.filter(id__gt=last.id).exists() and _replace(last, event):
                return 0
        return tell([event], delay=delay)


def test(endpoint: WebhookEndpoint, *, now: datetime) -> WebhookDelivery:
    """Write a test message for one endpoint, in the caller's transaction."""
    data = {"endpoint": str(endpoint.id), "message": "This is a test. Nothing has happened."}
    key = f"{TEST}:{ids.new()}"
    event = Told(endpoint.merchant_id, TEST, key, key, data, now)
    _deliver(_write(event), event, [endpoint.id], timedelta(0))
    return WebhookDelivery.objects.get(endpoint=endpoint, message__key=key)


def _endpoints(merchant_ids: Collection[UUID], without: UUID | None) -> dict[UUID, list[WebhookEndpoint]]:
    found: dict[UUID, list[WebhookEndpoint]] = {}
    rows = WebhookEndpoint.objects.filter(merchant_id__in=merchant_ids, removed_at=None)
    for row in rows.exclude(pk__in=[without] if without else []).order_by("id"):
        found.setdefault(row.merchant_id, []).append(row)
    return found


def _tell(event: Told, endpoints: Sequence[WebhookEndpoint], delay: timedelta) -> int:
    chosen = [
        each.id
        for each in endpoints
        if each.created_at <= event.occurred_at and (not each.event_types or event.type in each.event_types)
    ]
    if not chosen:
        return 0
    return _deliver(_write(event), event, chosen, delay)


def _write(event: Told) -> int | None:
    """Write a message; None when it was written before."""
    public_id = f"msg_{ids.new().hex}"
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO commerce_webhookmessage
                   (merchant_id, public_id, key, type, object_id, body, occurred_at)
            VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (merchant_id, key) DO NOTHING RETURNING id
            """,
            [
                event.merchant_id,
                public_id,
                event.key,
                event.type,
                event.object_id,
                _body(event),
                event.occurred_at,
            ],
        )
        row = cursor.fetchone()
        return row[0] if row else None


def _deliver(message_id: int | None, event: Told, endpoint_ids: list[UUID], delay: timedelta) -> int:
    if message_id is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO commerce_webhookdelivery
                   (id, merchant_id, endpoint_id, message_id, object_id, status, attempts, tried, due_at,
                    last_error)
            SELECT unnest(%s::uuid[]), %s, unnest(%s::uuid[]), %s, %s, 'pending', 0, 0,
                   clock_timestamp() + make_interval(secs => %s), ''
                ON CONFLICT (message_id, endpoint_id) DO NOTHING
            """,
            [
                [ids.new() for _ in endpoint_ids],
                event.merchant_id,
                endpoint_ids,
                message_id,
                event.object_id,
                delay.total_seconds(),
            ],
        )
        return int(cursor.rowcount)


def _replace(message: WebhookMessage, event: Told) -> bool:
    """Have a message say something newer, while nobody has begun to send it; says whether it does."""
    # Locked, so that no sender reads the body that is replaced.
    rows = list(WebhookDelivery.objects.select_for_update().filter(message=message))
    if not rows or any(row.attempts or row.leased_until or row.status != "pending" for row in rows):
        return False
    # Its own key stays, as the event that it first told of is told.
    body, occurred_at = _body(event), event.occurred_at
    WebhookMessage.objects.filter(pk=message.pk).update(body=body, occurred_at=occurred_at)
    return True


def _body(event: Told) -> str:
    return orjson.dumps(
        {
            "type": event.type,
            "timestamp": event.occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "object": event.object_id,
            "data": event.data,
        },
        default=str,
    ).decode()
