"""Endpoints: where a merchant wants to be told what, and the secrets that sign it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from commerce import errors, ids
from commerce.models import Merchant, WebhookDelivery, WebhookEndpoint, WebhookSecret
from commerce.outside import addresses
from commerce.webhooks import deliveries, messages, signing

MOST_ENDPOINTS = 20
MOST_OVERLAP = timedelta(days=7)

Off = WebhookEndpoint.Off


class UnknownEndpoint(errors.NotFound):
    message = "There is no such webhook endpoint."


class BadUrl(errors.Invalid):
    """Nothing is sent to this address; the sentence says why."""

    code = "BAD_WEBHOOK_URL"
    message = "Nothing can be sent to this address."


class TooManyEndpoints(errors.Conflict):
    """A merchant has a limited number of endpoints."""

    code = "TOO_MANY_WEBHOOK_ENDPOINTS"
    message = f"A merchant has at most {MOST_ENDPOINTS} webhook endpoints. Remove one first."


class EndpointOff(errors.Conflict):
    """Nothing is sent to an endpoint that is off; `reason` says why it is."""

    code = "WEBHOOK_ENDPOINT_OFF"
    message = "This endpoint is turned off. Turn it on first."


def of_merchant(*, merchant_id: UUID) -> QuerySet[WebhookEndpoint]:
    """Return a merchant's endpoints."""
    return WebhookEndpoint.objects.filter(merchant_id=merchant_id, removed_at=None)


def one_of_merchant(*, merchant_id: UUID, endpoint_id: UUID) -> WebhookEndpoint:
    """Return one of a merchant's endpoints; raises UnknownEndpoint."""
    found = of_merchant(merchant_id=merchant_id).filter(pk=endpoint_id).first()
    if found is None:
        raise UnknownEndpoint
    return found


def create(
    *, merchant_id: UUID, url: str, description: str, event_types: Sequence[str], now: datetime
) -> WebhookEndpoint:
    """Add an endpoint with its first secret; it hears what happens from now on.

    Raises BadUrl, TooManyEndpoints.
    """
    _check(url)
    with transaction.atomic():
        Merchant.objects.select_for_update(no_key=True).get(pk=merchant_id)
        if of_merchant(merchant_id=merchant_id).count() >= MOST_ENDPOINTS:
            raise TooManyEndpoints(limit=MOST_ENDPOINTS)
        made = WebhookEndpoint.objects.create(
            merchant_id=merchant_id,
            url=url,
            description=description,
            event_types=sorted(set(event_types)),
            created_at=now,
            updated_at=now,
        )
        _new_secret(made, now)
    return made


def change(*, merchant_id: UUID, endpoint_id: UUID, now: datetime, **changes: Any) -> WebhookEndpoint:
    """Change `url`, `description`, `event_types` or `enabled` of an endpoint.

    Turned on again it is sent what waited, oldest first. Raises UnknownEndpoint, BadUrl.
    """
    with transaction.atomic():
        row = locked(merchant_id, endpoint_id)
        if "url" in changes and changes["url"] != row.url:
            _check(changes["url"])
            row.failing_since = None
        enabled = changes.pop("enabled", row.enabled)
        for name, value in changes.items():
            setattr(row, name, sorted(set(value)) if name == "event_types" else value)
        if enabled != row.enabled:
            _switch(row, Off.MERCHANT, now, enabled=enabled)
        row.updated_at = now
        row.save()
    return row


def switch(*, endpoint_id: UUID, enabled: bool, now: datetime) -> bool:
    """Turn an endpoint on or off for operations; False when it was so already or is removed."""
    with transaction.atomic():
        rows = WebhookEndpoint.objects.select_for_update(no_key=True)
        row = rows.filter(pk=endpoint_id, removed_at=None).exclude(enabled=enabled).first()
        if row is None:
            return False
        if enabled:
            _switch(row, Off.OPERATOR, now, enabled=True)
            row.save()
        else:
            deliveries.turn_off(row, reason=Off.OPERATOR, now=now)
    return True


def remove(*, merchant_id: UUID, endpoint_id: UUID, now: datetime) -> None:
    """Remove an endpoint: nothing is sent to it any more, and its secrets sign nothing.

    Raises UnknownEndpoint.
    """
    with transaction.atomic():
        row = locked(merchant_id, endpoint_id)
        if row.enabled:
            _switch(row, Off.MERCHANT, now, enabled=False)
        row.removed_at = row.updated_at = now
        row.save()
        WebhookSecret.objects.filter(endpoint=row).delete()
        WebhookDelivery.objects.filter(endpoint=row, status="pending").update(
            status="failed", finished_at=now, leased_until=None
        )


def secrets(*, merchant_id: UUID, endpoint_id: UUID, now: datetime) -> list[tuple[str, WebhookSecret]]:
    """Return the secrets that sign for an endpoint now, newest first; raises UnknownEndpoint."""
    row = one_of_merchant(merchant_id=merchant_id, endpoint_id=endpoint_id)
    found = row.secrets.filter(Q(valid_until=None) | Q(valid_until__gt=now)).order_by("-id")
    return [(signing.secret(secret_id=each.id, key=each.key), each) for each in found]


def rotate(*, merchant_id: UUID, endpoint_id: UUID, overlap: timedelta, now: datetime) -> WebhookEndpoint:
    """Give an endpoint another secret; the one before signs beside it for `overlap`, at most MOST_OVERLAP.

    Raises UnknownEndpoint.
    """
    with transaction.atomic():
        row = locked(merchant_id, endpoint_id)
        # One before that is let go with it: there are two at most.
        WebhookSecret.objects.filter(endpoint=row).exclude(valid_until=None).delete()
        WebhookSecret.objects.filter(endpoint=row).update(valid_until=now + min(overlap, MOST_OVERLAP))
        _new_secret(row, now)
    return row


def test(*, merchant_id: UUID, endpoint_id: UUID, now: datetime) -> WebhookDelivery:
    """Have a test message sent to an endpoint; returns its delivery. Raises UnknownEndpoint, EndpointOff."""
    with transaction.atomic():
        row = locked(merchant_id, endpoint_id)
        if not row.enabled:
            raise EndpointOff(reason=row.off_reason)
        return messages.test(row, now=now)


def replay(*, merchant_id: UUID, endpoint_id: UUID, since: datetime, delivered: bool, now: datetime) -> int:
    """As `deliveries.replay`; raises UnknownEndpoint, EndpointOff."""
    with transaction.atomic():
        row = locked(merchant_id, endpoint_id)
        if not row.enabled:
            raise EndpointOff(reason=row.off_reason)
        return deliveries.replay(endpoint=row, since=since, delivered=delivered, now=now)


def _check(url: str) -> None:
    try:
        addresses.read(url, loopback=settings.WEBHOOK_ALLOW_LOOPBACK)
    except addresses.NotPublic as error:
        raise BadUrl(str(error)) from error


def locked(merchant_id: UUID, endpoint_id: UUID) -> WebhookEndpoint:
    """Return an endpoint that nobody else changes until the transaction ends; raises UnknownEndpoint."""
    rows = of_merchant(merchant_id=merchant_id).select_for_update(no_key=True)
    found = rows.filter(pk=endpoint_id).first()
    if found is None:
        raise UnknownEndpoint
    return found


def _switch(row: WebhookEndpoint, reason: Off, now: datetime, *, enabled: bool) -> None:
    row.enabled, row.updated_at = enabled, now
    row.off_reason, row.off_at = ("", None) if enabled else (reason, now)
    if enabled:
        row.failing_since = None


def _new_secret(row: WebhookEndpoint, now: datetime) -> None:
    WebhookSecret.objects.create(
        id=ids.new(), merchant_id=row.merchant_id, endpoint=row, key=signing.current_key(), created_at=now
    )
