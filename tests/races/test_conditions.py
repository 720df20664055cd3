"""Two systems of a merchant change an order that both have seen: one does, the other is told."""

from contextlib import suppress
from functools import partial
from threading import Barrier, BrokenBarrierError

import pytest
from rest_framework.request import Request

from commerce import etags
from orders import fulfilment
from orders.models import Order
from orders.settling import payments
from tests.catalog.api import Api, Reply
from tests.orders import make
from tests.orders.make import after
from tests.orders.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def both_acknowledge(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Have two acknowledge an order as they saw it, each after the other's look at it where that can be."""
    payment = make.sent(make.basket((make.variant(), 1)).go())
    payments.apply(intent=make.said(payment, "succeeded"), now=after(2))
    order = Order.objects.get(purchase=payment.purchase_id)
    api, path = Api(order.merchant), f"/api/v1/orders/{order.pk}"
    seen = api.get(path).headers["ETag"]
    looked, check = Barrier(2), etags.Resource.check

    def slowly(about: etags.Resource, request: Request) -> None:
        check(about, request)
        with suppress(BrokenBarrierError):
            looked.wait(0.5)

    monkeypatch.setattr(etags.Resource, "check", slowly)

    def acknowledge(number: int) -> Reply:
        body = {"reference": f"SO-{number}"}
        return api.post(f"{path}/acknowledge", body, headers={"If-Match": seen})

    return sorted(reply.status for reply in at_once([partial(acknowledge, n) for n in range(2)]))


def test_of_two_who_have_seen_the_same_order_one_changes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert both_acknowledge(monkeypatch) == [200, 412]


def test_control_without_the_lock_both_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fulfilment, "lock", lambda merchant_id, order_ids: {})

    assert both_acknowledge(monkeypatch) == [200, 200]
