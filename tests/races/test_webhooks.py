"""A webhook is answered whatever else is being done to what it is about."""

import hashlib
import hmac
import json
import threading
import time
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client

from commerce.models import Notice
from orders.models import Payment, Purchase
from tests.orders import make
from tests.orders.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

WITHIN = 1.0  # Seconds. The provider waits longer, and sends again what is not answered.


def knock(intent: str) -> Any:
    event = {
        "id": "evt_1",
        "object": "event",
        "type": "payment_intent.succeeded",
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": {"id": intent, "object": "payment_intent"}},
    }
    body, moment = json.dumps(event).encode(), int(time.time())
    key = settings.STRIPE_WEBHOOK_SECRETS[0].encode()
    digest = hmac.new(key, f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return Client().post(
        "/api/v1/webhooks/stripe",
        body,
        content_type="application/json",
        headers={"Stripe-Signature": f"t={moment},v1={digest}"},
    )


def test_a_notice_that_is_being_read_and_comes_again_is_answered_at_once() -> None:
    purchase = make.basket((make.variant(), 1)).go()
    payment = make.sent(purchase)
    Payment.objects.filter(pk=payment.pk).update(provider_id="pi_1")
    assert knock("pi_1").status_code == 200
    locked, answered = threading.Event(), threading.Event()

    def keep() -> bool:
        with transaction.atomic():
            list(Notice.objects.select_for_update())
            list(Purchase.objects.select_for_update())
            list(Payment.objects.select_for_update())
            locked.set()
            return answered.wait(15)

    def tell() -> tuple[int, float]:
        locked.wait(10)
        start = time.monotonic()
        status = knock("pi_1").status_code
        took = time.monotonic() - start
        answered.set()
        return status, took

    before_the_locks_went, (status, took) = at_once([keep, tell])

    assert before_the_locks_went
    assert status == 200
    assert took < WITHIN
