"""Attempts written down while others change the purchase, and a conveyor that is closed meanwhile."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import transaction
from django.utils import timezone

from commerce.models import Card
from orders.models import Payment, Purchase
from orders.settling import attempts, conveyor
from tests.orders import make
from tests.orders.settling.test_conveyor import bought, statuses, until
from tests.orders.threads import at_once, somebody_waits
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_whose_card_is_changed_while_it_is_waited_for_is_asked_with_the_new_one(
    stripe_server: StripeServer,
) -> None:
    (one,) = bought(1)
    other = Card.objects.get(user=make.real_buyer("pm_card_mastercard"))
    has = threading.Event()

    def change() -> None:
        with transaction.atomic():
            Purchase.objects.filter(pk=one.pk).update(card=other)
            has.set()
            until(somebody_waits)

    def begin() -> object:
        assert has.wait(10)
        return attempts.begin_all([(one.id, timezone.now())], alone=True)

    _, begun = at_once([change, begin])

    (attempt,) = begun
    assert isinstance(attempt, attempts.Attempt)
    assert attempt.card == other.provider_id


def test_a_conveyor_that_is_closed_brings_what_it_has_to_its_end(own_stripe: StripeServer) -> None:
    purchases, belt = bought(6), conveyor.Conveyor(calls=2)
    told: list[conveyor.Passed] = []
    own_stripe.latency(300)

    def charge() -> None:
        ids = [each.id for each in purchases]
        told.extend(belt.charge_all(ids, clock=timezone.now, until=time.monotonic() + 30))

    asker = threading.Thread(target=charge, daemon=True)
    asker.start()
    until(lambda: Payment.objects.filter(status="sent").exists())

    belt.close()
    asker.join(20)

    assert [each.error for each in told] == [None] * 6
    assert statuses(purchases) == ["paid"] * 6
    with pytest.raises(RuntimeError):
        belt.charge(purchases[0].id, clock=timezone.now, until=time.monotonic() + 30)
