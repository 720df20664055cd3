"""Disputes at the provider, from the buyer's bank to our books and back, beside its own bookkeeping."""

from datetime import timedelta

import pytest
from django.utils import timezone

from commerce import gateway, ledger
from orders.aftersales import disputes
from orders.models import Dispute, Payment
from orders.settling import charging
from tests.orders import make
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def contested(stripe_server: StripeServer) -> Dispute:
    """A purchase that the buyer's bank takes back as soon as it is paid."""
    lipstick = make.variant(amount=3000)
    purchase = make.basket((lipstick, 1), by=make.real_buyer("pm_card_createDispute")).go(now=timezone.now())
    charging.charge(purchase_id=purchase.id, now=timezone.now())
    charge = Payment.objects.get(purchase=purchase).charge_id
    (there,) = stripe_server.client().v1.disputes.list({"charge": charge}).data
    return take_in(there.id)


def take_in(provider_id: str) -> Dispute:
    told = gateway.retrieve_dispute(provider_id)
    assert disputes.take_in(told=told, now=timezone.now()) is not None
    return Dispute.objects.get(provider_id=provider_id)


def test_what_the_bank_took_is_booked_as_it_is_there(contested: Dispute, stripe_server: StripeServer) -> None:
    assert (contested.status, contested.withdrawn_amount) == ("needs_response", 3000)
    assert contested.due_at is not None
    moved = stripe_server.client().v1.balance_transactions.list({"source": contested.provider_id}).data
    assert sum(each.amount for each in moved) == -3000
    assert ledger.balance(ledger.PROVIDER, "EUR").amount == 0
    assert make.broken() == []


def test_evidence_is_sent_once_and_is_there(contested: Dispute, stripe_server: StripeServer) -> None:
    by = make.user("Ops")
    sent = disputes.submit(dispute_id=contested.id, by_id=by.id, now=timezone.now())

    assert (sent.status, sent.submitted_by) == ("under_review", by)
    there = stripe_server.client().v1.disputes.retrieve(contested.provider_id)
    assert there.evidence.customer_name == "Noa"
    assert "Velvet lipstick" in str(there.evidence.uncategorized_text)
    with pytest.raises(disputes.EvidenceSent):
        disputes.submit(dispute_id=contested.id, by_id=by.id, now=timezone.now() + timedelta(seconds=5))


def test_a_dispute_that_is_given_up_is_lost(contested: Dispute, stripe_server: StripeServer) -> None:
    stripe_server.client().v1.disputes.close(contested.provider_id)
    assert take_in(contested.provider_id).status == "lost"
    with pytest.raises(disputes.NotOpen):
        disputes.submit(dispute_id=contested.id, by_id=None, now=timezone.now())
    assert ledger.balance(ledger.PROVIDER, "EUR").amount == 0
    assert make.broken() == []


WORDS = {"uncategorized_text": "It was there."}


def there(server: StripeServer, dispute: Dispute) -> int:
    details = server.client().v1.disputes.retrieve(dispute.provider_id).evidence_details
    return details.submission_count


def test_evidence_whose_answer_was_lost_is_looked_up_and_counts_as_sent(
    contested: Dispute, stripe_server: StripeServer
) -> None:
    stripe_server.fault("drop_after", path="/v1/disputes")
    by = make.user("Ops")
    sent = disputes.submit(dispute_id=contested.id, by_id=by.id, now=timezone.now())

    assert (sent.status, sent.submitted_by, there(stripe_server, sent)) == ("under_review", by, 1)
    assert sent.submitted_at is not None


def test_evidence_that_never_arrived_can_be_sent_again(
    contested: Dispute, stripe_server: StripeServer
) -> None:
    stripe_server.fault("drop_before", path="/v1/disputes")
    with pytest.raises(gateway.UnknownOutcome):
        disputes.submit(dispute_id=contested.id, by_id=None, now=timezone.now())
    contested.refresh_from_db()
    assert contested.submitted_at is None
    sent = disputes.submit(dispute_id=contested.id, by_id=None, now=timezone.now())
    assert (sent.status, there(stripe_server, sent)) == ("under_review", 1)


def test_evidence_that_a_dead_process_had_sent_is_not_sent_a_second_time(
    contested: Dispute, stripe_server: StripeServer
) -> None:
    gateway.submit_evidence(
        provider_id=contested.provider_id, evidence={"uncategorized_text": "It was there."}
    )
    sent = disputes.submit(dispute_id=contested.id, by_id=None, now=timezone.now())
    assert (sent.status, there(stripe_server, sent)) == ("under_review", 1)
    assert sent.submitted_at is not None


def test_what_the_reconciler_hears_of_sent_evidence_is_kept(contested: Dispute) -> None:
    gateway.submit_evidence(
        provider_id=contested.provider_id, evidence={"uncategorized_text": "It was there."}
    )
    assert take_in(contested.provider_id).submitted_at is not None
