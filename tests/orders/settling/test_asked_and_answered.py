"""What the provider answers is held against what it was asked: amount, customer, and which intent."""

from datetime import timedelta

import pytest
from django.conf import settings

from catalog.models import Variant
from commerce import gateway
from commerce.models import Customer, LedgerTransaction
from orders import expiry, recovery
from orders.models import Discrepancy, Payment, Purchase, Setback
from orders.settling import capturing, charging, discrepancies, payments
from tests.orders import make
from tests.orders.make import NOW, after
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db


def bought(card: str = "pm_card_visa") -> Purchase:
    return make.basket((make.variant(stocked=3, amount=1999), 1), by=make.real_buyer(card)).go()


def charge(purchase: Purchase, *, seconds: float = 1) -> Purchase:
    charging.charge(purchase_id=purchase.id, now=after(seconds))
    return Purchase.objects.get(pk=purchase.pk)


def statuses(server: StripeServer, purchase: Purchase) -> list[str]:
    """Of the buyer's intents at the provider, oldest first."""
    customer = Payment.objects.filter(purchase=purchase).earliest("number").customer
    found = server.client().v1.payment_intents.list({"customer": customer})
    return [each.status for each in reversed(found.data)]


# --- a part of the money ---


def test_a_part_of_the_money_pays_nothing_and_is_shown_to_operators(stripe_server: StripeServer) -> None:
    """As when somebody captured one cent in the provider's own screens."""
    one = make.variant(stocked=3, amount=1999)
    Variant.objects.filter(pk=one.pk).update(release_at=NOW + timedelta(days=2))
    purchase = charge(make.basket((one, 1), by=make.real_buyer()).go())
    payment = Payment.objects.get()
    stripe_server.client().v1.payment_intents.capture(payment.provider_id or "", {"amount_to_capture": 1})

    for _ in range(2):
        with pytest.raises(discrepancies.Mismatch):
            charging.check(payment_id=payment.id, now=after(60))

    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.AUTHORIZED
    assert not LedgerTransaction.objects.exists()
    found = Discrepancy.objects.get()
    assert (found.kind, found.provider_id, found.payment) == ("payment", payment.provider_id, payment)
    assert (found.ours, found.theirs, found.currency) == (1999, 1, "EUR")


def test_a_second_charge_of_one_payment_is_shown_with_both_amounts() -> None:
    payment = make.sent(make.basket((make.variant(amount=1999), 1)).go())
    payments.apply(intent=make.said(payment, "succeeded"), now=after(2))

    with pytest.raises(discrepancies.Mismatch):
        payments.apply(intent=make.said(payment, "succeeded", id="pi_other"), now=after(3))

    assert [(each.kind, each.provider_id, each.theirs) for each in Discrepancy.objects.all()] == [
        ("second_charge", "pi_other", 1999)
    ]
    assert Purchase.objects.get().status == Purchase.Status.PAID


# --- the customer ---


def test_a_charge_is_found_although_its_buyer_is_another_customer_since(stripe_server: StripeServer) -> None:
    """Her customer at the provider was made anew between the charge and the look at what became of it."""
    purchase = bought()
    stripe_server.fault("drop_after", path="/v1/payment_intents")
    charge(purchase)
    fresh = stripe_server.client().v1.customers.create({"email": "anew@example.com"})
    Customer.objects.filter(user=purchase.buyer).update(provider_id=fresh.id)

    expiry.expire(purchase_id=purchase.id, now=after(700))

    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.PAID
    assert make.broken() == []


def test_the_same_key_asks_for_the_same_customer(stripe_server: StripeServer) -> None:
    purchase = bought()
    stripe_server.fault("drop_after", path="/v1/payment_intents")
    charge(purchase)
    fresh = stripe_server.client().v1.customers.create({"email": "anew@example.com"})
    Customer.objects.filter(user=purchase.buyer).update(provider_id=fresh.id)

    assert charge(purchase, seconds=40).status == Purchase.Status.PAID


# --- an intent that nobody wants any more ---


def test_a_declined_intent_is_closed_before_another_card_is_charged(stripe_server: StripeServer) -> None:
    purchase = charge(bought("pm_card_chargeCustomerFail"))
    payment = Payment.objects.get()
    assert statuses(stripe_server, purchase) == ["requires_payment_method"]
    assert make.events("intent.unwanted") == [{"payment": str(payment.id)}]

    capturing.let_go(payment_id=payment.id, now=after(3))
    second = make.real_card(purchase.buyer, "pm_card_mastercard", default=False)
    charging.retry(purchase_id=purchase.id, buyer_id=purchase.buyer_id, card_id=second.id, now=after(10))
    assert charge(purchase, seconds=11).status == Purchase.Status.PAID

    assert statuses(stripe_server, purchase) == ["canceled", "succeeded"]
    assert make.broken() == []


def test_a_declined_intent_that_was_paid_meanwhile_finds_its_place(stripe_server: StripeServer) -> None:
    """The page had its client secret, and was faster than we."""
    purchase = charge(bought("pm_card_chargeCustomerFail"))
    payment = Payment.objects.get()
    stripe_server.client().v1.payment_intents.confirm(
        payment.provider_id or "", {"payment_method": "pm_card_visa"}
    )

    capturing.let_go(payment_id=payment.id, now=after(3))

    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.PAID
    assert make.broken() == []


def test_an_intent_that_never_was_is_not_let_go() -> None:
    payment = make.sent(make.basket((make.variant(), 1)).go())
    payments.refuse(payment_id=payment.id, code="resource_missing", now=after(2))

    assert make.events("intent.unwanted") == []


# --- a parcel that waits for its money ---


def shipping() -> Purchase:
    one = make.variant(stocked=3)
    Variant.objects.filter(pk=one.pk).update(release_at=NOW + timedelta(days=2))
    purchase = charge(make.basket((one, 1), by=make.real_buyer()).go())
    purchase.orders.update(status="shipping", updated_at=after(200_000))
    return purchase


def test_a_capture_that_fails_is_put_off_by_the_sweep(stripe_server: StripeServer) -> None:
    purchase = shipping()
    stripe_server.fault("error_500", path="/v1/payment_intents/", times=None)

    assert recovery.finish(now=after(200_060))["captures"] == 1
    assert [(each.kind, each.subject) for each in Setback.objects.all()] == [("captures", str(purchase.id))]
    with pytest.raises(gateway.UnknownOutcome):
        capturing.capture(purchase_id=purchase.id, now=after(200_200))


def test_a_parcel_whose_payment_is_gone_at_the_provider_does_not_go_out(stripe_server: StripeServer) -> None:
    purchase = shipping()
    Payment.objects.update(provider_id="pi_of_another_account")

    capturing.capture(purchase_id=purchase.id, now=after(200_060))

    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.CANCELLED
    assert purchase.orders.get().status == "cancelled"
    assert Discrepancy.objects.get().provider_id == "pi_of_another_account"
    assert make.broken() == ["no-open-discrepancy"]


# --- how long units are kept ---


def test_other_cards_and_banks_keep_units_no_longer_than_the_maximum() -> None:
    purchase = make.basket((make.variant(stocked=3), 1)).go()
    most = after(settings.HOLD_MOST_SECONDS)
    at = 0
    for number in range(1, 4):
        payment = Payment.objects.filter(purchase=purchase, number=number).first() or make.sent(purchase)
        Payment.objects.filter(pk=payment.pk).update(status="sent")
        at += 500
        payments.apply(intent=make.said(payment, "requires_action"), now=after(at))
        purchase.refresh_from_db()
        assert purchase.hold_until == min(after(at + settings.HOLD_SECONDS), most)
        payments.apply(intent=make.said(payment, "declined"), now=after(at + 1))
        charging.retry(purchase_id=purchase.id, buyer_id=purchase.buyer_id, card_id=None, now=after(at + 2))
        purchase.refresh_from_db()
        assert purchase.hold_until == min(after(at + 2 + settings.HOLD_SECONDS), most)
    last = Payment.objects.get(purchase=purchase, number=4)
    payments.apply(intent=make.said(last, "declined"), now=after(at + 3))

    with pytest.raises(charging.RetryTooLate):
        charging.retry(
            purchase_id=purchase.id,
            buyer_id=purchase.buyer_id,
            card_id=None,
            now=after(settings.HOLD_MOST_SECONDS - 10),
        )
