"""Deliveries: who may send which, what became of a try, and when there is another.

Senders claim rows for a lease, commit, and only then ask the network; who is killed lets the lease run out.
An outcome is written by whoever made the last try and nobody else: `attempts` counts them and is the fence.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from commerce import errors, outbox
from commerce.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookMessage
from commerce.webhooks import messages, sending

log = structlog.get_logger(__name__)

# Standard Webhooks' own: at once, and so long after each failure. Up to a fifth is added, so that what failed
# together does not come back together.
BACK_OFF = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
JITTER = 0.2
MOST_RETRY_AFTER = timedelta(days=1)
# Beyond what a request may take (`sending.SECONDS`) with a name server that hardly answers.
LEASE = timedelta(seconds=180)
# To one endpoint and of one merchant, so that slow ones take no more of the threads.
AT_ONCE, AT_ONCE_OF_MERCHANT = 4, 8

Off = WebhookEndpoint.Off


class UnknownDelivery(errors.NotFound):
    message = "There is no such delivery."


class BeingSent(errors.Conflict):
    """Somebody is sending it now."""

    code = "WEBHOOK_BEING_SENT"
    message = "This delivery is being sent right now."
    temporary = True
    retry_ms = 5_000


@dataclass(frozen=True, slots=True)
class Claimed:
    """A try that this process may make until the lease runs out."""

    id: UUID
    attempt: int
    url: str
    message_id: str
    body: str
    secrets: tuple[tuple[UUID, str], ...]


_LOCK = "FOR UPDATE OF d SKIP LOCKED"

# Per endpoint by its index, so that what waits for one costs the others nothing.
_CLAIM = """
    WITH busy AS (
        SELECT merchant_id, endpoint_id, count(*) AS sending FROM commerce_webhookdelivery
         WHERE status = 'pending' AND leased_until > statement_timestamp() GROUP BY 1, 2
    ), of_merchant AS (
        SELECT merchant_id, sum(sending) AS sending FROM busy GROUP BY 1
    ), due AS (
        SELECT due.*, e.merchant_id, coalesce(b.sending, 0) + row_number() OVER (
                   PARTITION BY e.id ORDER BY due.due_at, due.message_id) AS nth
          FROM commerce_webhookendpoint e
          LEFT JOIN busy b ON b.endpoint_id = e.id
         CROSS JOIN LATERAL (
               SELECT d.id, d.due_at, d.message_id FROM commerce_webhookdelivery d
                WHERE d.endpoint_id = e.id AND d.status = 'pending' AND d.due_at <= statement_timestamp()
                  AND (d.leased_until IS NULL OR d.leased_until <= statement_timestamp())
                  AND d.message_id = (SELECT min(oldest.message_id) FROM commerce_webhookdelivery oldest
                                       WHERE oldest.endpoint_id = d.endpoint_id
                                         AND oldest.object_id = d.object_id AND oldest.status = 'pending')
                ORDER BY d.due_at, d.message_id
                LIMIT greatest(0, %(at_once)s - coalesce(b.sending, 0))) due
         WHERE e.enabled AND e.removed_at IS NULL
    ), ready AS (
        -- Of a merchant's endpoints first the one that is sent the least: slow ones would keep all of its
        -- places, as what waits for them has waited the longest.
        SELECT due.*, coalesce(m.sending, 0) + row_number() OVER (
                   PARTITION BY due.merchant_id ORDER BY due.nth, due.due_at, due.message_id)
               AS nth_of_merchant
          FROM due LEFT JOIN of_merchant m USING (merchant_id)
    ), mine AS (
        SELECT d.id FROM commerce_webhookdelivery d
          JOIN ready ON ready.id = d.id AND ready.nth_of_merchant <= %(of_merchant)s
         -- Asked again of the row as it is once it is locked: a try may have ended meanwhile.
         WHERE d.status = 'pending' AND d.due_at <= statement_timestamp()
           AND (d.leased_until IS NULL OR d.leased_until <= statement_timestamp())
         ORDER BY ready.due_at, ready.message_id LIMIT %(limit)s {lock}
    ), taken AS (
        UPDATE commerce_webhookdelivery d
           SET attempts = d.attempts + 1, tried = d.tried + 1,
               leased_until = clock_timestamp() + make_interval(secs => %(lease)s)
          FROM mine WHERE d.id = mine.id
     RETURNING d.id, d.merchant_id, d.attempts
    )
    INSERT INTO commerce_webhookattempt (merchant_id, delivery_id, number, started_at, error, answer)
    SELECT merchant_id, id, attempts, clock_timestamp(), 'NO_OUTCOME', '' FROM taken
    RETURNING delivery_id, number
"""


def claim(*, limit: int, now: datetime) -> list[Claimed]:
    """Claim tries that are due, the longest due first; committed before anything is sent.

    Of the messages about one object an endpoint is sent the oldest that is neither delivered nor given up. Of
    a merchant's places an endpoint to which less is being sent has the next.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _CLAIM.format(lock=_LOCK),
            {
                "at_once": AT_ONCE,
                "of_merchant": AT_ONCE_OF_MERCHANT,
                "limit": limit,
                "lease": LEASE.total_seconds(),
            },
        )
        numbers: dict[UUID, int] = dict(cursor.fetchall())
        rows = WebhookDelivery.objects.filter(pk__in=numbers).select_related("endpoint", "message")
        rows = rows.prefetch_related("endpoint__secrets").order_by("due_at", "message_id")
        return [
            Claimed(
                row.id,
                numbers[row.id],
                row.endpoint.url,
                row.message.public_id,
                row.message.body,
                # Newest first; until the older one's time is over, both sign.
                tuple(
                    (each.id, each.key)
                    for each in sorted(row.endpoint.secrets.all(), key=lambda each: each.id, reverse=True)
                    if each.valid_until is None or each.valid_until > now
                ),
            )
            for row in rows
        ]


def finish(claimed: Claimed, outcome: sending.Outcome, *, now: datetime) -> bool:
    """Write down what became of a try, and what follows; False when somebody has tried again since."""
    with transaction.atomic():
        row = _locked(claimed)
        if row is None:
            return False
        answer = outcome.answer.decode("utf-8", "replace").replace("\x00", "")[:500]
        WebhookAttempt.objects.filter(delivery_id=row.id, number=claimed.attempt).update(
            status=outcome.status, error=outcome.error, answer=answer, milliseconds=outcome.milliseconds
        )
        row.leased_until, row.last_status, row.last_error = None, outcome.status, outcome.error
        if outcome.delivered:
            row.status, row.finished_at = WebhookDelivery.Status.DELIVERED, now
            WebhookEndpoint.objects.filter(pk=row.endpoint_id).exclude(failing_since=None).update(
                failing_since=None
            )
        else:
            _failed(row, outcome, now)
        row.save(
            update_fields=["status", "finished_at", "leased_until", "due_at", "last_status", "last_error"]
        )
        _move_followers(row, now)
    return True


def turn_off(endpoint: WebhookEndpoint, *, reason: Off, now: datetime) -> None:
    """Turn off an endpoint whose row is locked, have its merchant told by mail and its other endpoints."""
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
        enabled=False, off_reason=reason, off_at=now, updated_at=now
    )
    log.warning("webhook.endpoint_off", endpoint=str(endpoint.id), reason=reason.value)
    key = f"endpoint.disabled:{endpoint.id}:{now.isoformat()}"
    outbox.record(name="webhook.endpoint_off", payload={"endpoint": str(endpoint.id)}, key=key[:120])
    data = {"id": str(endpoint.id), "description": endpoint.description, "reason": reason.value}
    told = messages.Told(endpoint.merchant_id, "endpoint.disabled", key, f"endpoint:{endpoint.id}", data, now)
    messages.tell([told], without=endpoint.pk)


def of_merchant(*, merchant_id: UUID) -> QuerySet[WebhookDelivery]:
    """Return a merchant's deliveries with their messages; not those of endpoints that it removed."""
    rows = WebhookDelivery.objects.filter(merchant_id=merchant_id, endpoint__removed_at=None)
    return rows.select_related("message")


def one_of_merchant(*, merchant_id: UUID, delivery_id: UUID) -> WebhookDelivery:
    """Return one of a merchant's deliveries; raises UnknownDelivery."""
    found = of_merchant(merchant_id=merchant_id).filter(pk=delivery_id).first()
    if found is None:
        raise UnknownDelivery
    return found


def retry(*, merchant_id: UUID, delivery_id: UUID, now: datetime) -> WebhookDelivery:
    """Have a delivery sent (again) now, with all its tries before it; raises UnknownDelivery, BeingSent."""
    with transaction.atomic():
        one_of_merchant(merchant_id=merchant_id, delivery_id=delivery_id)
        row = WebhookDelivery.objects.select_for_update().get(pk=delivery_id)
        if row.leased_until is not None and row.leased_until > now:
            raise BeingSent
        _again(WebhookDelivery.objects.filter(pk=delivery_id), now)
    return one_of_merchant(merchant_id=merchant_id, delivery_id=delivery_id)


def replay(*, endpoint: WebhookEndpoint, since: datetime, delivered: bool, now: datetime) -> int:
    """Have sent again what an endpoint was given up on since a moment, and what it took if `delivered`.

    What waits for its next try is tried at once. In the order in which it happened, object by object. Returns
    how many; what is being sent at this moment is not among them.
    """
    rows = WebhookDelivery.objects.filter(endpoint=endpoint, message__occurred_at__gte=since)
    if not delivered:
        rows = rows.exclude(status=WebhookDelivery.Status.DELIVERED)
    return _again(rows, now)


def oldest_seconds() -> float:
    """Return for how long the longest due try has waited for a sender, 0.0 where none waits."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT coalesce(extract(epoch FROM clock_timestamp() - min(d.due_at)), 0)
              FROM commerce_webhookdelivery d
              JOIN commerce_webhookendpoint e ON e.id = d.endpoint_id AND e.enabled
             WHERE d.status = 'pending' AND (d.leased_until IS NULL OR d.leased_until <= clock_timestamp())
               AND NOT EXISTS (SELECT FROM commerce_webhookdelivery earlier
                                WHERE earlier.endpoint_id = d.endpoint_id AND earlier.object_id = d.object_id
                                  AND earlier.status = 'pending' AND earlier.message_id < d.message_id)
            """
        )
        return max(0.0, float(cursor.fetchone()[0]))


def prune(*, before: datetime, limit: int) -> int:
    """Delete at most `limit` messages older than that with their deliveries, and endpoints removed before."""
    old = WebhookMessage.objects.filter(created_at__lt=before).order_by("created_at")
    chosen = list(old.values_list("id", flat=True)[:limit])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM commerce_webhookattempt a USING commerce_webhookdelivery d"
            " WHERE a.delivery_id = d.id AND d.message_id = ANY(%s)",
            [chosen],
        )
        cursor.execute("DELETE FROM commerce_webhookdelivery WHERE message_id = ANY(%s)", [chosen])
        cursor.execute("DELETE FROM commerce_webhookmessage WHERE id = ANY(%s)", [chosen])
    WebhookEndpoint.objects.filter(removed_at__lt=before, deliveries=None).delete()
    return len(chosen)


def _again(rows: QuerySet[WebhookDelivery], now: datetime) -> int:
    free = rows.filter(Q(leased_until=None) | Q(leased_until__lte=now))
    return free.update(status="pending", finished_at=None, tried=0, due_at=now, leased_until=None)


def _locked(claimed: Claimed) -> WebhookDelivery | None:
    """Return the row whose outcome this is, locked behind its endpoint; None when it is somebody else's."""
    endpoint_id = WebhookDelivery.objects.filter(pk=claimed.id).values("endpoint_id")
    WebhookEndpoint.objects.select_for_update(no_key=True).filter(pk__in=endpoint_id).first()
    rows = WebhookDelivery.objects.select_for_update(of=("self",)).select_related("endpoint")
    return rows.filter(
        pk=claimed.id, attempts=claimed.attempt, status="pending", leased_until__isnull=False
    ).first()


def _failed(row: WebhookDelivery, outcome: sending.Outcome, now: datetime) -> None:
    endpoint = row.endpoint
    if row.tried > len(BACK_OFF) or outcome.status == 410:
        row.status, row.finished_at = WebhookDelivery.Status.FAILED, now
    else:
        row.due_at = now + _wait(row.tried, outcome)
    if endpoint.failing_since is None:
        endpoint.failing_since = now
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=now)
    if not endpoint.enabled:
        return
    if outcome.status == 410:
        turn_off(endpoint, reason=Off.GONE, now=now)
    elif now - endpoint.failing_since >= timedelta(days=settings.WEBHOOK_DISABLE_DAYS):
        turn_off(endpoint, reason=Off.FAILING, now=now)


def _move_followers(row: WebhookDelivery, now: datetime) -> None:
    """Let what waits behind a delivery be looked at when that is due again, or now when it is out of the way.

    Order does not rest on this, only that senders need not look at what they may not send.
    """
    behind = WebhookDelivery.objects.filter(
        endpoint=row.endpoint_id, object_id=row.object_id, status="pending", message__gt=row.message_id
    )
    if row.status == WebhookDelivery.Status.PENDING:
        behind.filter(due_at__lt=row.due_at).update(due_at=row.due_at)
    else:
        following = behind.order_by("message_id").values("pk")[:1]
        WebhookDelivery.objects.filter(pk__in=following, due_at__gt=now, tried=0).update(due_at=now)


def _wait(tried: int, outcome: sending.Outcome) -> timedelta:
    wait = BACK_OFF[tried - 1] * (1 + random.random() * JITTER)
    asked = timedelta(seconds=min(outcome.retry_after or 0.0, MOST_RETRY_AFTER.total_seconds()))
    return max(wait, asked)
