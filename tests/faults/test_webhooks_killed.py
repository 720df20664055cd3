"""A sender killed as by `kill -9` in the middle of a try: it is made again, with the same id, later."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from commerce.models import WebhookAttempt, WebhookDelivery
from commerce.webhooks import endpoints, messages, running
from config.env import ROOT
from tests.catalog import make
from tests.commerce.webhooks.receiver import listening

pytestmark = pytest.mark.django_db(transaction=True)

SEND = """
import django; django.setup()
from commerce.webhooks import running
running.send_due(seconds=5)
"""


@pytest.mark.parametrize(("point", "came"), [("webhook.before_send", 0), ("webhook.after_send", 1)])
def test_what_a_killed_sender_left_is_sent_by_the_next_one(
    process_env: dict[str, str], settings: Any, point: str, came: int
) -> None:
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    running.client.cache_clear()
    seller, now = make.merchant(), timezone.now()
    ours = {"WEBHOOK_ALLOW_LOOPBACK": "true", "DEBUG": "true", "DJANGO_SETTINGS_MODULE": "config.settings"}
    with listening() as receiver:
        one = endpoints.create(
            merchant_id=seller.pk, url=receiver.url, description="", event_types=[], now=now
        )
        for n in (1, 2):
            messages.tell([messages.Told(seller.pk, "order.opened", f"{n}", "one", {"n": n}, timezone.now())])

        killed = subprocess.run(
            [sys.executable, "-c", SEND],
            env={**os.environ, **process_env, **ours, "FAULT": point},
            cwd=ROOT,
            timeout=60,
            check=False,
        )

        assert killed.returncode == -signal.SIGKILL
        assert len(receiver.got) == came
        first = WebhookDelivery.objects.order_by("message_id")[0]
        assert (first.status, first.attempts) == ("pending", 1)
        # Nobody takes it, or what is behind it, while its sender could still be at it.
        assert running.send_due(seconds=5) == 0

        WebhookDelivery.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        assert running.send_due(seconds=5) == 2

    said = [got.said["data"]["n"] for got in receiver.got]
    assert said == [1] * came + [1, 2]
    assert len({got.id for got in receiver.got if got.said["data"]["n"] == 1}) == 1
    secret = endpoints.secrets(merchant_id=seller.pk, endpoint_id=one.id, now=timezone.now())[0][0]
    assert all(got.verified(secret) for got in receiver.got)
    assert not WebhookDelivery.objects.exclude(status="delivered").exists()
    lost = WebhookAttempt.objects.order_by("id")[0]
    assert (lost.number, lost.error, lost.status) == (1, "NO_OUTCOME", None)
    running.threads().close()
    running.threads.cache_clear()
    running.client.cache_clear()
