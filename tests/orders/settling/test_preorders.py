"""Pre-orders: promised by the card, charged when they are shipped, and given back when the promise ends."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings

from catalog import preorders
from catalog.models import Variant
from commerce import gateway
from commerce.models import LedgerTransaction
from config.embedded import free_port
from orders import fulfilment, queries, recovery, tasks
from orders.models import Hold, Order, Payment, Purchase, Shipment
from orders.settling import capturing, charging, payments
from orders.till import refusals
from tests.orders import make
from tests.orders.make import NOW, after
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db

RELEASE = NOW + timedelta(days=2)
PARCEL = {"carrier": "Swift", "tracking_number": "SW1", "tracking_url": ""}


def preorder(*, days: float = 2, **more: Any) -> Variant:
    made = make.variant(**more)
    Variant.objects.filter(pk=made.pk).update(release_at=NOW + timedelta(days=days))
    return made


def promised(token: str = "pm_card_visa") -> tuple[Purchase, Variant]:
    """A pre-order that its card has promised to pay."""
    one = preorder(stocked=3)
    purchase = make.basket((one, 2), by=make.real_buyer(token)).go()
    charging.charge(purchase_id=purchase.id, now=after(1))
    return Purchase.objects.get(pk=purchase.pk), one


def ship(purchase: Purchase, *, days: float = 2.5) -> Order:
    order = purchase.orders.get()
    return fulfilment.ship(
        merchant_id=order.merchant_id, order_id=order.id, now=NOW + timedelta(days=days), **PARCEL
    )


def payment_of(purchase: Purchase) -> Payment:
    return Payment.objects.get(purchase=purchase)


def statuses(purchase: Purchase) -> tuple[str, str, str, str]:
    """Of the purchase, its order, its payment and its hold."""
    return (
        Purchase.objects.get(pk=purchase.pk).status,
        Order.objects.get(purchase=purchase).status,
        payment_of(purchase).status,
        Hold.objects.get(purchase=purchase).status,
    )


# --- at the till ---


def test_a_preorder_is_bought_alone_in_time_and_from_one_seller() -> None:
    one, other, now_ = preorder(), preorder(), make.variant()
    with pytest.raises(refusals.MixedRelease):
        make.basket((one, 1), (now_, 1)).go()
    with pytest.raises(refusals.MixedRelease):
        make.basket((one, 1), (other, 1)).go()
    with pytest.raises(refusals.PreorderTooEarly) as refused:
        make.basket((preorder(days=30), 1)).go()
    opens_at = NOW + timedelta(days=30) - preorders.WITHIN
    assert refused.value.data["opens_at"] == int(opens_at.timestamp() * 1000)
    purchase = make.basket((one, 1)).go()
    assert purchase.pay_at_shipping
    (order,) = queries.purchase_body(purchase.id)["orders"]
    assert order["lines"][0]["release_at"] == int(RELEASE.timestamp() * 1000)
    assert not Hold.objects.exclude(purchase=purchase).exists()


def test_what_is_released_is_no_preorder() -> None:
    assert not make.basket((preorder(days=-1), 1)).go().pay_at_shipping


# --- from the card's promise to the parcel ---


def test_a_preorder_is_promised_then_shipped_then_paid(stripe_server: StripeServer) -> None:
    purchase, one = promised()
    assert statuses(purchase) == ("authorized", "open", "authorized", "held")
    assert gateway.retrieve(payment_of(purchase).provider_id or "").status == "held"
    assert not LedgerTransaction.objects.exists()
    assert not make.broken()

    with pytest.raises(fulfilment.NotReleased) as refused:
        ship(purchase, days=1.9)
    assert refused.value.data == {"release_at": int(RELEASE.timestamp() * 1000)}

    assert ship(purchase).status == "shipping"
    assert ship(purchase).status == "shipping"
    assert [each["purchase"] for each in make.events("capture.asked")] == [str(purchase.id)]
    tasks.capture(purchase_id=str(purchase.id))
    tasks.capture(purchase_id=str(purchase.id))

    assert statuses(purchase) == ("paid", "shipped", "succeeded", "taken")
    assert Shipment.objects.count() == 1
    assert list(LedgerTransaction.objects.order_by("id").values_list("kind", flat=True)) == [
        *("capture", "sale")
    ]
    assert make.left(one) == 1
    assert not make.broken()


def test_a_promise_that_ends_gives_the_units_back(stripe_server: StripeServer) -> None:
    purchase, one = promised()
    gateway.cancel(payment_of(purchase).provider_id or "")
    later = NOW + timedelta(days=7)

    assert recovery.finish(now=later)["promises"] == 1

    assert statuses(purchase) == ("cancelled", "cancelled", "cancelled", "released")
    assert make.left(one) == 3
    body = queries.purchase_body(purchase.id)
    assert (body["status"], body["reason"]) == ("cancelled", "AUTHORIZATION_ENDED")
    assert {"purchase": str(purchase.id), "status": "cancelled", "version": 3} in make.events(
        "purchase.moved"
    )
    with pytest.raises(fulfilment.NotPaid):
        ship(purchase)
    assert not make.broken()


def test_a_parcel_whose_money_cannot_be_taken_does_not_go_out(stripe_server: StripeServer) -> None:
    purchase, one = promised()
    gateway.cancel(payment_of(purchase).provider_id or "")
    ship(purchase)
    capturing.capture(purchase_id=purchase.id, now=NOW + timedelta(days=2.5))
    assert statuses(purchase) == ("cancelled", "cancelled", "cancelled", "released")
    assert (make.left(one), Shipment.objects.count()) == (3, 0)
    assert not LedgerTransaction.objects.exists()
    assert not make.broken()


def test_the_first_parcel_of_a_preorder_has_its_money_taken_and_the_rest_follows(
    stripe_server: StripeServer,
) -> None:
    purchase, _ = promised()
    order = purchase.orders.get()
    part = [fulfilment.Packed(order.lines.get().id, 1)]
    out: dict[str, Any] = {"merchant_id": order.merchant_id, "order_id": order.id}
    at = NOW + timedelta(days=2.5)
    fulfilment.pack(label=fulfilment.Label("DHL", "1"), lines=part, now=at, **out)
    assert statuses(purchase)[1] == "shipping"
    with pytest.raises(fulfilment.NotOnItsWay):
        fulfilment.deliver(
            merchant_id=order.merchant_id, shipment_id=Shipment.objects.get().pk, delivered_at=None, now=at
        )

    capturing.capture(purchase_id=purchase.id, now=at)
    assert statuses(purchase)[:2] == ("paid", "partly_shipped")
    assert not make.broken()
    fulfilment.pack(label=fulfilment.Label("DHL", "2"), lines=[], now=at, **out)

    assert statuses(purchase)[:2] == ("paid", "shipped")
    assert len(make.events("capture.asked")) == 1
    assert not make.broken()


def test_parcels_of_a_preorder_whose_money_cannot_be_taken_are_unpacked(stripe_server: StripeServer) -> None:
    purchase, _ = promised()
    order = purchase.orders.get()
    gateway.cancel(payment_of(purchase).provider_id or "")
    at = NOW + timedelta(days=2.5)
    for number in "12":
        fulfilment.pack(
            merchant_id=order.merchant_id,
            order_id=order.id,
            label=fulfilment.Label("DHL", number),
            lines=[fulfilment.Packed(order.lines.get().id, 1)],
            now=at,
        )
    assert statuses(purchase)[1] == "shipping"

    capturing.capture(purchase_id=purchase.id, now=at)

    assert (statuses(purchase)[1], Shipment.objects.count()) == ("cancelled", 0)
    assert not make.broken()


def test_a_capture_that_no_task_took_up_is_found(stripe_server: StripeServer) -> None:
    purchase, _ = promised()
    ship(purchase)
    found = NOW + timedelta(days=2.6)
    assert recovery.finish(now=found)["captures"] == 1
    assert statuses(purchase)[:2] == ("paid", "shipped")


def test_a_provider_that_is_away_leaves_the_parcel_waiting(
    stripe_server: StripeServer, settings: LazySettings
) -> None:
    purchase, _ = promised()
    ship(purchase)
    settings.STRIPE_API_BASE = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(gateway.Unavailable):
        capturing.capture(purchase_id=purchase.id, now=NOW + timedelta(days=2.5))
    assert statuses(purchase) == ("authorized", "shipping", "authorized", "held")


def test_a_declined_card_promises_nothing(stripe_server: StripeServer) -> None:
    purchase, one = promised("pm_card_chargeCustomerFail")
    assert statuses(purchase) == ("declined", "pending", "declined", "released")
    assert make.left(one) == 3


def test_a_bank_that_asks_first_promises_when_it_is_answered(stripe_server: StripeServer) -> None:
    purchase, _ = promised("pm_card_authenticationRequired")
    assert statuses(purchase) == ("action_required", "pending", "action_required", "held")
    payment = payment_of(purchase)
    make.answer_bank(stripe_server, gateway.retrieve(payment.provider_id or "").client_secret or "")
    charging.check(payment_id=payment.id, now=after(30))
    assert statuses(purchase) == ("authorized", "open", "authorized", "held")


def test_a_promise_that_comes_too_late_is_let_go(stripe_server: StripeServer) -> None:
    one = preorder(stocked=3)
    purchase = make.basket((one, 1), by=make.real_buyer()).go()
    charging.charge(purchase_id=purchase.id, now=after(1))
    payment = payment_of(purchase)
    intent = gateway.retrieve(payment.provider_id or "")
    payments.apply(intent=make.said(payment, "cancelled", id=intent.id), now=after(2))
    payments.apply(intent=intent, now=after(3))
    payments.apply(intent=intent, now=after(4))

    assert statuses(purchase) == ("cancelled", "cancelled", "cancelled", "released")
    assert make.events("authorization.unwanted") == [{"payment": str(payment.id)}]
    capturing.let_go(payment_id=payment.id, now=after(5))
    assert gateway.retrieve(intent.id).status == "cancelled"
