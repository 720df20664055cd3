"""Charging against the Stripe simulator: one effect per attempt, whatever goes wrong on the way."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Product
from commerce.models import Card, User
from config.embedded import free_port
from orders import expiry, quotes, recovery, tasks
from orders.models import Payment, Purchase
from orders.settling import attempts, charging, payments
from tests.orders import make
from tests.orders.make import after
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db


def bought(card: str = "pm_card_visa", *, stocked: int = 10) -> Purchase:
    return make.basket((make.variant(stocked=stocked, amount=1999), 1), by=make.real_buyer(card)).go()


def charge(purchase: Purchase, *, seconds: float = 1) -> Purchase:
    charging.charge(purchase_id=purchase.id, now=after(seconds))
    return Purchase.objects.get(pk=purchase.pk)


def captured(server: StripeServer, payment: Payment) -> int:
    """How much the simulator's own books say was taken for a payment, in minor units."""
    assert payment.provider_id
    intent = server.client().v1.payment_intents.retrieve(payment.provider_id)
    return intent.amount_received


def intents_of(server: StripeServer, buyer: User) -> list[Any]:
    customer = buyer.customer.provider_id
    return list(server.client().v1.payment_intents.list({"customer": customer}).data)


def test_a_card_that_pays_pays(stripe_server: StripeServer) -> None:
    purchase = charge(bought())

    payment = Payment.objects.get()
    assert purchase.status == Purchase.Status.PAID
    assert (payment.status, payment.number, payment.sent_at) == ("succeeded", 1, after(1))
    assert payment.provider_id
    assert payment.provider_id.startswith("pi_")
    assert payment.charge_id.startswith("ch_")
    assert captured(stripe_server, payment) == 1999
    assert make.broken() == []


def test_charging_again_changes_nothing(stripe_server: StripeServer) -> None:
    purchase = charge(bought())

    for seconds in (2, 60, 100_000):
        assert charge(purchase, seconds=seconds).version == purchase.version

    assert len(intents_of(stripe_server, purchase.buyer)) == 1


def test_a_declined_card_is_told_why(stripe_server: StripeServer) -> None:
    purchase = charge(bought("pm_card_chargeCustomerFail"))

    payment = Payment.objects.get()
    assert purchase.status == Purchase.Status.DECLINED
    assert (payment.decline_code, payment.message) == ("generic_decline", "Your card was declined.")
    assert make.broken() == []


def test_another_card_pays_after_a_decline(stripe_server: StripeServer) -> None:
    purchase = charge(bought("pm_card_chargeCustomerFail"))
    second = make.real_card(purchase.buyer, "pm_card_mastercard", default=False)

    charging.retry(purchase_id=purchase.id, buyer_id=purchase.buyer_id, card_id=second.id, now=after(10))
    purchase = charge(purchase, seconds=11)

    assert purchase.status == Purchase.Status.PAID
    assert purchase.card == second
    assert make.broken() == []


def test_a_decline_long_ago_cannot_be_revived_at_its_old_price() -> None:
    purchase = declined()

    with pytest.raises(charging.RetryTooLate):
        retried(purchase, seconds=31 * 60)

    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.DECLINED
    assert make.broken() == []


def test_a_purchase_is_no_place_to_try_out_cards() -> None:
    purchase = declined()
    for number in range(2, charging.MAX_ATTEMPTS + 1):
        retried(purchase, seconds=10 * number)
        payment = Payment.objects.get(purchase=purchase, number=number)
        payments.apply(intent=make.said(payment, "declined"), now=after(10 * number + 1))

    with pytest.raises(charging.TooManyAttempts):
        retried(purchase, seconds=100)

    assert purchase.payments.count() == charging.MAX_ATTEMPTS


def test_what_was_retired_since_cannot_be_paid_with_another_card() -> None:
    purchase = declined()
    Product.objects.update(status=Product.Status.RETIRED)

    with pytest.raises(quotes.NotForSale):
        retried(purchase, seconds=10)


def declined() -> Purchase:
    purchase = make.basket((make.variant(stocked=3), 1), by=make.buyer()).go()
    payments.apply(intent=make.said(make.sent(purchase), "declined"), now=after(1))
    return Purchase.objects.get(pk=purchase.pk)


def retried(purchase: Purchase, *, seconds: float) -> Purchase:
    return charging.retry(
        purchase_id=purchase.id, buyer_id=purchase.buyer_id, card_id=None, now=after(seconds)
    )


def test_a_bank_that_wants_the_buyer_is_waited_for(stripe_server: StripeServer) -> None:
    purchase = charge(bought("pm_card_authenticationRequired"))

    assert purchase.status == Purchase.Status.ACTION_REQUIRED
    found = charging.action(purchase_id=purchase.id)
    assert found is not None
    assert found[1].client_secret
    assert found[1].sheet_url

    make.answer_bank(stripe_server, found[1].client_secret)
    assert charging.action(purchase_id=purchase.id) is None, "the bank has its answer, whatever we know"
    charging.check(payment_id=Payment.objects.get().id, now=after(40))
    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.PAID
    assert charging.action(purchase_id=purchase.id) is None
    assert make.broken() == []


def test_what_the_bank_wants_is_told_although_the_provider_stumbles_once(stripe_server: StripeServer) -> None:
    purchase = charge(bought("pm_card_authenticationRequired"))
    stripe_server.fault("error_500", method="GET", times=1)

    told = tasks.ask_buyer.apply(kwargs={"purchase_id": str(purchase.id)})

    assert told.successful(), told.result


def test_a_lost_answer_is_unknown_and_asked_for_again_with_the_same_key(
    stripe_server: StripeServer, settings: LazySettings
) -> None:
    purchase = bought()
    stripe_server.fault("drop_after", path="/v1/payment_intents")

    assert charge(purchase).status == Purchase.Status.ACCEPTED
    assert Payment.objects.get().status == Payment.Status.UNKNOWN
    assert charge(purchase, seconds=20).status == Purchase.Status.ACCEPTED, "somebody may still be asking"

    assert charge(purchase, seconds=40).status == Purchase.Status.PAID
    assert len(intents_of(stripe_server, purchase.buyer)) == 1
    assert make.broken() == []


@pytest.mark.parametrize("fault", ["drop_before", "error_500", "error_500_after", "rate_limit"])
def test_whatever_goes_wrong_once_is_settled_by_the_next_sweep(
    stripe_server: StripeServer, fault: str
) -> None:
    purchase = bought()
    stripe_server.fault(fault, path="/v1/payment_intents")

    charge(purchase)
    recovery.finish(now=after(60))

    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.PAID
    assert len(intents_of(stripe_server, purchase.buyer)) == 1
    assert make.broken() == []


def test_a_provider_that_is_away_is_asked_again_when_it_is_back(
    stripe_server: StripeServer, settings: LazySettings
) -> None:
    purchase = bought()
    there = settings.STRIPE_API_BASE
    settings.STRIPE_API_BASE = f"http://127.0.0.1:{free_port()}"

    assert charge(purchase).status == Purchase.Status.ACCEPTED
    assert Payment.objects.get().status == Payment.Status.CREATED, "it never got there"

    settings.STRIPE_API_BASE = there
    assert recovery.finish(now=after(20))["unsettled"] == 1
    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.PAID


def test_a_provider_that_stays_away_costs_the_buyer_nothing(
    stripe_server: StripeServer, settings: LazySettings
) -> None:
    purchase = bought()
    settings.STRIPE_API_BASE = f"http://127.0.0.1:{free_port()}"
    charge(purchase)

    recovery.finish(now=after(601))

    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.EXPIRED
    assert Payment.objects.get().status == Payment.Status.CANCELLED
    assert make.broken() == []


def test_a_request_the_provider_refuses_is_a_decline_with_a_code_of_ours(
    stripe_server: StripeServer,
) -> None:
    purchase = bought()
    Card.objects.filter(user=purchase.buyer).update(provider_id="pm_does_not_exist")

    purchase = charge(purchase)

    payment = Payment.objects.get()
    assert purchase.status == Purchase.Status.DECLINED
    assert (payment.decline_code, payment.message) == ("resource_missing", payments.REFUSED)
    assert make.broken() == []


def test_a_refusal_after_an_unknown_outcome_is_not_believed(stripe_server: StripeServer) -> None:
    purchase = bought()
    stripe_server.fault("drop_after", path="/v1/payment_intents")
    charge(purchase)
    Card.objects.filter(user=purchase.buyer).update(provider_id="pm_something_else")

    assert charge(purchase, seconds=40).status == Purchase.Status.ACCEPTED

    assert recovery.finish(now=after(700))["expired"] == 1
    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.PAID, "the first request had been carried out"
    assert make.broken() == []


# --- the end of the hold ---


def test_an_unpaid_purchase_expires_and_its_units_come_back(stripe_server: StripeServer) -> None:
    purchase = bought(stocked=1)

    assert expiry.due(now=after(599), limit=10) == []
    expiry.expire(purchase_id=purchase.id, now=after(599))
    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.ACCEPTED

    expiry.expire(purchase_id=purchase.id, now=after(600))
    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.EXPIRED
    assert make.broken() == []


def test_a_charge_that_waits_for_the_bank_is_cancelled_there_before_units_come_back(
    stripe_server: StripeServer,
) -> None:
    purchase = charge(bought("pm_card_authenticationRequired", stocked=1))
    found = charging.action(purchase_id=purchase.id)

    recovery.finish(now=after(700))

    purchase.refresh_from_db()
    payment = Payment.objects.get()
    assert (purchase.status, payment.status) == (Purchase.Status.EXPIRED, Payment.Status.CANCELLED)
    (intent,) = intents_of(stripe_server, purchase.buyer)
    assert intent.status == "canceled"
    assert found is not None
    assert make.broken() == []


def test_a_buyer_who_was_faster_than_the_cancellation_has_paid(stripe_server: StripeServer) -> None:
    purchase = charge(bought("pm_card_authenticationRequired", stocked=1))
    found = charging.action(purchase_id=purchase.id)
    assert found is not None
    assert found[1].client_secret
    make.answer_bank(stripe_server, found[1].client_secret)

    expiry.expire(purchase_id=purchase.id, now=after(700))

    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.PAID
    assert make.broken() == []


def test_units_stay_held_while_the_provider_cannot_be_asked(
    stripe_server: StripeServer, settings: LazySettings
) -> None:
    purchase = charge(bought("pm_card_authenticationRequired", stocked=1))
    there = settings.STRIPE_API_BASE
    settings.STRIPE_API_BASE = f"http://127.0.0.1:{free_port()}"

    recovery.finish(now=after(700))
    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.ACTION_REQUIRED
    assert purchase.holds.get().status == "held"

    settings.STRIPE_API_BASE = there
    assert recovery.finish(now=after(710))["expired"] == 0, "just asked"
    assert recovery.finish(now=after(731))["expired"] == 1
    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.EXPIRED


def test_what_the_provider_never_heard_of_ends_without_being_charged(stripe_server: StripeServer) -> None:
    """The provider keeps an error under the key: the outcome stays unknown until it is looked up."""
    purchase = bought(stocked=1)
    stripe_server.fault("error_500_saved", path="/v1/payment_intents")
    charge(purchase)
    charge(purchase, seconds=40)
    assert Payment.objects.get().status == Payment.Status.UNKNOWN

    recovery.finish(now=after(700))

    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.EXPIRED
    assert intents_of(stripe_server, purchase.buyer) == []
    assert make.broken() == []


def test_what_was_charged_without_our_knowledge_is_found_at_the_end_of_the_hold(
    stripe_server: StripeServer,
) -> None:
    purchase = bought(stocked=1)
    stripe_server.fault("drop_after", path="/v1/payment_intents")
    charge(purchase)

    recovery.finish(now=after(700))

    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.PAID
    assert make.broken() == []


def test_nobody_asks_again_while_an_answer_may_still_come(settings: LazySettings) -> None:
    assert timedelta(seconds=settings.STRIPE_TIMEOUT_SECONDS) < attempts.ASKED_AGAIN_AFTER


def test_a_charge_takes_a_bounded_number_of_statements(stripe_server: StripeServer) -> None:
    """Each costs the settler some of its processor, of which it has little in a rush."""
    purchase = bought()
    with CaptureQueriesContext(connection) as said:
        charging.charge(purchase_id=purchase.id, now=after(1))
    assert Purchase.objects.get(pk=purchase.pk).status == "paid"
    assert len(said) <= 30, [each["sql"][:80] for each in said.captured_queries]
