"""Walls: no row and no call reaches another merchant's endpoints, and the database holds its own rules."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection

from commerce import errors
from commerce.models import (
    WebhookDelivery,
    WebhookEndpoint,
)
from commerce.webhooks import deliveries, endpoints
from tests.catalog import make
from tests.commerce.webhooks.receiver import Receiver
from tests.commerce.webhooks.sent import NOW, endpoint, send, tell

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("on_loopback")]


@pytest.mark.parametrize("table", ["webhooksecret", "webhookdelivery", "webhookattempt"])
def test_a_row_cannot_name_another_merchants(receiver: Receiver, table: str) -> None:
    one = endpoint(receiver)
    tell(one, 1)
    send()
    other = make.merchant()

    with pytest.raises(IntegrityError, match="same_merchant"), connection.cursor() as cursor:
        cursor.execute(f"UPDATE commerce_{table} SET merchant_id = %s", [other.pk])


@pytest.mark.parametrize(
    "call",
    [
        lambda who, one, row: endpoints.one_of_merchant(merchant_id=who, endpoint_id=one),
        lambda who, one, row: endpoints.change(merchant_id=who, endpoint_id=one, now=NOW, description="x"),
        lambda who, one, row: endpoints.remove(merchant_id=who, endpoint_id=one, now=NOW),
        lambda who, one, row: endpoints.secrets(merchant_id=who, endpoint_id=one, now=NOW),
        lambda who, one, row: endpoints.test(merchant_id=who, endpoint_id=one, now=NOW),
        lambda who, one, row: endpoints.rotate(
            merchant_id=who, endpoint_id=one, overlap=timedelta(0), now=NOW
        ),
        lambda who, one, row: endpoints.replay(
            merchant_id=who, endpoint_id=one, since=NOW, delivered=True, now=NOW
        ),
        lambda who, one, row: deliveries.retry(merchant_id=who, delivery_id=row, now=NOW),
    ],
)
def test_another_merchants_are_unknown(receiver: Receiver, call: Callable[..., Any]) -> None:
    one = endpoint(receiver)
    tell(one, 1)
    before = list(WebhookEndpoint.objects.values())

    with pytest.raises(errors.NotFound):
        call(make.merchant().pk, one.id, WebhookDelivery.objects.get().id)

    assert list(WebhookEndpoint.objects.values()) == before


def test_a_merchant_has_a_limited_number(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "MOST_ENDPOINTS", 1)
    seller = make.merchant()
    endpoint(receiver, seller)

    with pytest.raises(endpoints.TooManyEndpoints):
        endpoint(receiver, seller)
    endpoint(receiver)


def test_an_endpoint_off_needs_a_reason(receiver: Receiver) -> None:
    one = endpoint(receiver)

    with pytest.raises(IntegrityError):
        WebhookEndpoint.objects.filter(pk=one.pk).update(enabled=False)
