"""A buyer's contact is swept while somebody has her purchase in hand."""

from datetime import timedelta
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.db import transaction

from orders import contacts
from orders.models import Order, Purchase
from orders.settling import payments
from tests.orders import make
from tests.orders.make import after
from tests.orders.test_contacts import KEPT, deliver
from tests.orders.threads import at_once
from tests.races.test_parcels import unlocked

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


def paid_while_she_has_it_erased(monkeypatch: pytest.MonkeyPatch) -> Purchase:
    """Have the money of a declined purchase come after the look whether it may be erased, and before that."""
    payment = make.sent(make.basket((make.variant(), 1)).go())
    payments.apply(intent=make.said(payment, "declined"), now=after(2))
    buyer_id = payment.purchase.buyer_id
    looked, paid, erase = Event(), Event(), contacts._erase

    def slowly(*args: Any) -> None:
        looked.set()
        paid.wait(0.5)
        erase(*args)

    monkeypatch.setattr(contacts, "_erase", slowly)

    def pay() -> None:
        assert looked.wait(5)
        payments.apply(intent=make.said(payment, "succeeded"), now=after(4))
        paid.set()

    outcomes = at_once([partial(contacts.erase_of_buyer, buyer_id=buyer_id, now=after(3)), pay])
    assert outcomes == [1, None]
    return Purchase.objects.get(pk=payment.purchase_id)


def test_what_is_erased_is_not_paid_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    purchase = paid_while_she_has_it_erased(monkeypatch)

    assert (purchase.status, purchase.ship_to) == ("declined", {"country": "DE"})
    assert purchase.payments.get().status == "returned"
    assert make.broken() == []


def test_control_without_locks_a_paid_purchase_has_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    unlocked(monkeypatch)

    purchase = paid_while_she_has_it_erased(monkeypatch)

    assert (purchase.status, purchase.ship_to) == ("paid", {"country": "DE"})
