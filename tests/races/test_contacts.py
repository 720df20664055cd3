"""A buyer's contact is swept while somebody has her purchase in hand."""

from datetime import timedelta
from functools import partial
from threading import Event

import pytest
from django.db import transaction

from orders import contacts
from orders.models import Order, Purchase
from orders.settling import payments
from tests.orders import make
from tests.orders.make import after
from tests.orders.test_contacts import KEPT, deliver
from tests.orders.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_sweep_waits_for_whoever_has_a_purchase_in_hand() -> None:
    payment = make.sent(make.basket((make.variant(), 1)).go())
    payments.apply(intent=make.said(payment, "succeeded"), now=after(2))
    order = Order.objects.get(purchase=payment.purchase_id)
    deliver(order)
    taken, now = Event(), after(20 + KEPT) + timedelta(days=1)

    def work() -> str:
        """Take the purchase and then its order, as whatever is done with an order does."""
        with transaction.atomic():
            Purchase.objects.select_for_update(no_key=True).get(pk=order.purchase_id)
            taken.set()
            Event().wait(0.5)
            return Order.objects.select_for_update(no_key=True).get(pk=order.pk).status

    def sweep() -> int:
        assert taken.wait(5)
        return contacts.sweep(now=now)

    assert at_once([partial(work), partial(sweep)]) == ["delivered", 1]
    assert Purchase.objects.get(pk=order.purchase_id).ship_to == {"country": "DE"}
