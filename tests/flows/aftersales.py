"""A sold order, and who asks about it over HTTP."""

from collections.abc import Callable
from typing import Any

from django.test import Client
from django.utils import timezone

from commerce import gateway
from commerce.models import Merchant, User
from commerce.money import Money
from orders.aftersales import disputes
from orders.models import Dispute, Order, Payment
from orders.settling import payments
from tests import apikeys
from tests.orders import make

Call = Callable[..., Any]


def merchant_api(owner: Merchant) -> Call:
    _, key = apikeys.key(owner)

    def call(method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent = {"Authorization": f"Api-Key {key}", **headers}
        return (
            getattr(Client(), method)(
                f"/api/v1/{path}", body or {}, content_type="application/json", headers=sent
            )
            if method != "get"
            else Client().get(f"/api/v1/{path}", headers=sent)
        )

    return call


def buyer_api(user: User) -> Call:
    client = Client()
    client.force_login(user)

    def call(path: str, body: Any = None, **headers: str) -> Any:
        return client.post(f"/api/v1/{path}", body or {}, content_type="application/json", headers=headers)

    return call


def sold(*, quantity: int = 3, shipped: bool = False) -> Order:
    """An order for 10.00 a piece that was paid just now, in a show."""
    now = timezone.now()
    lipstick = make.variant(stocked=10, amount=1000)
    stream = make.show(lipstick, now=now)
    purchase = make.basket((lipstick, quantity), stream=stream).go(now=now)
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=now)
    order = Order.objects.select_related("purchase__buyer", "merchant").get(purchase=purchase)
    if shipped:
        assert (
            merchant_api(order.merchant)("post", f"orders/{order.id}/ship", {"carrier": "DHL"}).status_code
            == 200
        )
    return order


def refused(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.content


def asked_back(order: Order) -> gateway.Dispute:
    """What the provider says when the bank wants all of an order back."""
    payment = Payment.objects.get(purchase=order.purchase)
    return gateway.Dispute(
        id=f"dp_{order.id.hex}",
        status="needs_response",
        reason="general",
        amount=Money(payment.amount, "EUR"),
        charge_id=payment.charge_id,
        intent_id=payment.provider_id,
        due_at=None,
        withdrawn=payment.amount,
    )


def contested(order: Order) -> Dispute:
    found = disputes.take_in(told=asked_back(order), now=timezone.now())
    assert found is not None
    return found
