"""Background work of the kernel. A task may run twice."""

from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from commerce import backlog, cards, errors, idempotency, outbox, stalled, turnstile
from commerce.webhooks import deliveries, notices, running

EVENTS_KEPT = timedelta(days=30)  # Told long ago; kept so that somebody can see what was told.
KEYS_KEPT = timedelta(days=7)  # Promised are 24 hours. The kept answers name buyers, so not for ever.
PRUNED_AT_ONCE = 20_000
# Well below the broker's patience with a task; what is left is for the next ring.
SENDING_SECONDS = 45.0


@shared_task(
    name="commerce.forget_card",
    queue="notify",
    autoretry_for=(errors.Unavailable,),
    retry_backoff=2,
    retry_backoff_max=60,
    max_retries=10,
)
def forget_card(*, card_id: str, **_: object) -> None:
    """Have the provider forget a card that its owner removed."""
    cards.detach(card_id=UUID(card_id))


@shared_task(name="commerce.send_webhooks", queue="notify")
@turnstile.one_at_a_time
def send_webhooks(**_: object) -> int:
    """Send merchants' systems what is due, with threads of its own."""
    return running.send_due(seconds=SENDING_SECONDS)


@shared_task(
    name="commerce.tell_endpoint_off",
    queue="notify",
    autoretry_for=(OSError,),
    retry_backoff=30,
    retry_backoff_max=3600,
    max_retries=8,
)
def tell_endpoint_off(*, endpoint_id: str, **_: object) -> int:
    """Write to a merchant that an endpoint of its was turned off."""
    return notices.endpoint_off(endpoint_id=UUID(endpoint_id))


@shared_task(name="commerce.beat", queue="notify")
def beat(**_: object) -> None:
    """Note that beat rings."""
    backlog.heard_of_beat()


@shared_task(name="commerce.end_stalled", queue="sweep")
@turnstile.one_at_a_time
def end_stalled(**_: object) -> int:
    """End sessions that stalled in the middle of a COPY, so that nobody waits for what they have locked."""
    return stalled.end()


@shared_task(name="commerce.prune", queue="notify")
def prune(**_: object) -> dict[str, int]:
    """Delete told events, used keys and sessions that are past their time."""
    now = timezone.now()
    SessionStore.clear_expired()
    return {
        "events": outbox.prune(before=now - EVENTS_KEPT, limit=PRUNED_AT_ONCE),
        "webhooks": deliveries.prune(
            before=now - timedelta(days=settings.WEBHOOK_KEEP_DAYS), limit=PRUNED_AT_ONCE
        ),
        "keys": idempotency.prune(before=now - KEYS_KEPT, limit=PRUNED_AT_ONCE),
    }
