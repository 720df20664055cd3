"""Refunds on their way: carried out once, whatever is lost, and followed until they have come to an end."""

from datetime import datetime, timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from commerce import gateway, ledger
from commerce.money import Money
from config.embedded import free_port
from orders import recovery
from orders.models import Discrepancy, Payment, Refund
from orders.settling import charging, discrepancies, refunds, repaying
from tests.orders import make
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db

PRICE = 1999
PART = 100
DAY = 90_000  # Seconds: longer than the provider keeps a key.


@pytest.fixture
def owed(stripe_server: StripeServer) -> Refund:
    """A part of what a buyer paid is to go back to her."""
    purchase = make.basket((make.variant(amount=PRICE), 1), by=make.real_buyer()).go(now=timezone.now())
    charging.charge(purchase_id=purchase.id, now=timezone.now())
    return refunds.owe(payment=Payment.objects.get(), amount=PART, reason="scratched", now=timezone.now())


def returned(server: StripeServer) -> int:
    """How much the provider's own books say went back, in minor units."""
    return server.client().v1.charges.retrieve(Payment.objects.get().charge_id).amount_refunded


def send(refund: Refund, *, seconds: float = 0) -> Refund:
    repaying.send(refund_id=refund.id, now=timezone.now() + timedelta(seconds=seconds))
    refund.refresh_from_db()
    return refund


def lost(refund: Refund, *, seconds: float = 0) -> Refund:
    """Send it, and hear no answer that helps."""
    with pytest.raises(gateway.UnknownOutcome):
        send(refund, seconds=seconds)
    refund.refresh_from_db()
    return refund


def test_a_refund_is_carried_out_once(owed: Refund, stripe_server: StripeServer) -> None:
    for seconds in (0, 1, 60, DAY):
        assert send(owed, seconds=seconds).status == Refund.Status.SUCCEEDED

    assert returned(stripe_server) == PART
    assert owed.provider_id
    assert (owed.attempts, owed.failure) == (1, "")
    assert ledger.balance(ledger.REFUNDS, "EUR").amount == 0


def test_a_refund_whose_answer_was_lost_is_not_made_again_a_day_later(
    owed: Refund, stripe_server: StripeServer
) -> None:
    stripe_server.fault("drop_after", path="/v1/refunds")
    assert lost(owed).status == Refund.Status.UNKNOWN
    stripe_server.advance(DAY)

    assert send(owed, seconds=DAY).status == Refund.Status.SUCCEEDED
    assert returned(stripe_server) == PART


def test_a_refund_that_was_made_behind_an_error_is_found_at_once(
    owed: Refund, stripe_server: StripeServer
) -> None:
    stripe_server.fault("error_500_after", path="/v1/refunds")

    assert send(owed).status == Refund.Status.SUCCEEDED
    stripe_server.advance(DAY)
    send(owed, seconds=DAY)
    assert returned(stripe_server) == PART


def test_a_refund_that_a_killed_worker_had_sent_is_looked_up(
    owed: Refund, stripe_server: StripeServer
) -> None:
    """All that is left of the worker is that it was sent."""
    payment = owed.payment
    Refund.objects.update(status=Refund.Status.SENT, sent_at=timezone.now(), checked_at=timezone.now())
    gateway.refund(
        key="of a key that is forgotten",
        intent_id=payment.provider_id or "",
        amount=Money(PART, "EUR"),
        refund_id=owed.id,
    )

    assert send(owed, seconds=1).status == Refund.Status.SENT, "the worker may still be waiting"
    assert send(owed, seconds=DAY).status == Refund.Status.SUCCEEDED
    assert returned(stripe_server) == PART


def test_a_refund_that_never_arrived_is_sent_again(owed: Refund, stripe_server: StripeServer) -> None:
    stripe_server.fault("drop_before", path="/v1/refunds")
    lost(owed)

    assert send(owed, seconds=60).status == Refund.Status.SUCCEEDED
    assert (returned(stripe_server), owed.attempts) == (PART, 2)


def test_nothing_is_sent_again_while_the_provider_cannot_be_looked_at(
    owed: Refund, stripe_server: StripeServer
) -> None:
    stripe_server.fault("drop_after", path="/v1/refunds")
    lost(owed)
    stripe_server.advance(DAY)
    stripe_server.fault("error_500", path="/v1/refunds", method="GET")

    with pytest.raises(gateway.Unavailable):
        send(owed, seconds=DAY)
    assert returned(stripe_server) == PART


def test_a_provider_that_is_away_was_not_sent_anything(
    owed: Refund, stripe_server: StripeServer, settings: LazySettings
) -> None:
    there, settings.STRIPE_API_BASE = settings.STRIPE_API_BASE, f"http://127.0.0.1:{free_port()}"
    with pytest.raises(gateway.Unavailable):
        send(owed)
    owed.refresh_from_db()
    assert owed.status == Refund.Status.CREATED

    settings.STRIPE_API_BASE = there
    assert send(owed).status == Refund.Status.SUCCEEDED


def test_a_refund_that_the_provider_refuses_has_failed_and_is_still_owed(
    owed: Refund, stripe_server: StripeServer
) -> None:
    """As when somebody gave all of it back in the provider's own screens."""
    stripe_server.client().v1.refunds.create({"payment_intent": owed.payment.provider_id or ""})

    assert send(owed).status == Refund.Status.FAILED
    assert owed.failure == "charge_already_refunded"
    assert ledger.balance(ledger.REFUNDS, "EUR").amount == -PART
    assert "refunds-come-to-an-end" in make.broken()


# --- what becomes of it at the provider ---


def told(refund: Refund, status: gateway.RefundStatus, *, failure: str | None = None) -> Refund:
    """Take in what the provider says of a refund."""
    answer = gateway.RefundResult(
        id=refund.provider_id or "re_1",
        status=status,
        amount=Money(refund.amount, refund.currency),
        intent_id=refund.payment.provider_id,
        charge_id=refund.payment.charge_id,
        failure=failure,
        refund_id=refund.id,
    )
    assert repaying.apply(answer=answer, now=timezone.now()) is not None
    refund.refresh_from_db()
    return refund


def test_a_pending_refund_is_followed_and_is_no_fault(owed: Refund) -> None:
    assert told(owed, "pending").status == Refund.Status.PENDING
    _at(owed, timezone.now() - timedelta(days=3), looked=timezone.now())
    assert "refunds-come-to-an-end" not in make.broken()
    assert ledger.balance(ledger.REFUNDS, "EUR").amount == -PART

    assert told(owed, "succeeded").status == Refund.Status.SUCCEEDED
    assert ledger.balance(ledger.REFUNDS, "EUR").amount == 0


def test_a_pending_refund_is_asked_about_by_the_hour_not_by_the_sweep(
    owed: Refund, stripe_server: StripeServer
) -> None:
    send(owed)
    hours_ago = timezone.now() - timedelta(hours=3)
    Refund.objects.update(status=Refund.Status.PENDING)
    _at(owed, hours_ago, looked=timezone.now())
    assert recovery.finish(now=timezone.now())["refunds"] == 0

    _at(owed, hours_ago, looked=hours_ago)
    assert recovery.finish(now=timezone.now())["refunds"] == 1


def test_a_refund_that_fails_after_it_succeeded_is_owed_again(
    owed: Refund, stripe_server: StripeServer
) -> None:
    send(owed)
    at_provider = ledger.balance(ledger.PROVIDER, "EUR").amount

    for _ in range(2):
        assert told(owed, "failed", failure="lost_or_stolen_card").status == Refund.Status.FAILED

    assert owed.failure == "lost_or_stolen_card"
    assert ledger.balance(ledger.PROVIDER, "EUR").amount == at_provider + PART
    assert ledger.balance(ledger.REFUNDS, "EUR").amount == -PART
    assert "refunds-come-to-an-end" in make.broken()


def test_a_failed_refund_is_not_revived_by_what_was_said_before(owed: Refund) -> None:
    told(owed, "failed")
    for late in ("pending", "succeeded"):
        assert told(owed, late).status == Refund.Status.FAILED


def test_a_failed_refund_is_tried_again_as_a_refund_of_its_own(
    owed: Refund, stripe_server: StripeServer
) -> None:
    send(owed)
    told(owed, "failed")

    fresh = repaying.try_again(refund_id=owed.id, now=timezone.now())
    assert repaying.try_again(refund_id=owed.id, now=timezone.now()) == fresh, "once, however often pressed"
    assert make.events("refund.owed")[-1] == {"refund": str(fresh.id)}
    assert send(fresh).status == Refund.Status.SUCCEEDED

    assert ledger.balance(ledger.REFUNDS, "EUR").amount == 0
    assert Payment.objects.get().refunded_amount == PART
    assert "refunds-come-to-an-end" not in make.broken()


def test_what_is_said_of_another_refund_than_ours_is_not_taken_in(owed: Refund) -> None:
    said = gateway.RefundResult(
        id="re_1",
        status="succeeded",
        amount=Money(PART + 1, "EUR"),
        intent_id=owed.payment.provider_id,
        charge_id=None,
        failure=None,
        refund_id=owed.id,
    )
    with pytest.raises(discrepancies.Mismatch):
        repaying.apply(answer=said, now=timezone.now())
    owed.refresh_from_db()
    assert (owed.status, owed.provider_id) == (Refund.Status.CREATED, None)
    noted = Discrepancy.objects.get()
    assert (noted.kind, noted.provider_id, noted.ours, noted.theirs) == ("refund", "re_1", PART, PART + 1)


def _at(refund: Refund, moment: datetime, *, looked: datetime) -> None:
    Refund.objects.filter(pk=refund.pk).update(created_at=moment, sent_at=moment, checked_at=looked)
