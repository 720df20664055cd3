"""Disputes at the provider, from the buyer's bank to our books and back, beside its own bookkeeping."""

from datetime import timedelta

import pytest
from django.utils import timezone

from commerce import gateway, ledger
from commerce.money import Money
from orders import recovery
from orders.aftersales import disputes, refunding
from orders.models import Dispute, Order, Payment
from orders.reconciling import reconciler
from orders.settling import charging, repaying
from tests import books
from tests.deskfolk import client_of
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


def settled(server: StripeServer) -> None:
    """Both books are the same to the cent, and nothing is left to explain."""
    reconciler.reconcile(now=timezone.now())
    recovery.finish(now=timezone.now() + timedelta(seconds=60))
    reconciler.reconcile(now=timezone.now())
    books.equal(server.books())
    assert make.broken() == []


@pytest.mark.parametrize("returned", [0, 1, 700, 1099, 1100])
def test_a_dispute_of_a_part_of_which_a_part_comes_back_is_the_same_in_both_books(
    own_stripe: StripeServer, returned: int
) -> None:
    lipstick = make.variant(amount=1500)
    bought = make.basket((lipstick, 2), by=make.real_buyer(), stream=make.show(lipstick))
    purchase = bought.go(now=timezone.now())
    charging.charge(purchase_id=purchase.id, now=timezone.now())
    charge = Payment.objects.get(purchase=purchase).charge_id
    provider_id = own_stripe.dispute(charge, 1100)
    row = take_in(provider_id)
    assert (row.amount, row.withdrawn_amount, ledger.balance(ledger.PROVIDER, "EUR").amount) == (
        1100,
        1100,
        1900,
    )

    own_stripe.decide(provider_id, returned)
    settled(own_stripe)
    row.refresh_from_db()
    assert (row.status, row.reinstated_amount) == ("won" if returned == 1100 else "lost", returned)

    order = Order.objects.get()
    refund = refunding.refund(
        merchant_id=order.merchant_id,
        order_id=order.id,
        reason="x",
        actor=refunding.SYSTEM,
        now=timezone.now(),
    )
    assert refund.amount == 1900 + returned, "all that the bank has left"
    repaying.send(refund_id=refund.id, now=timezone.now())
    settled(own_stripe)
    refund.refresh_from_db()
    assert (refund.status, ledger.balance(ledger.REFUNDS, "EUR").amount) == ("succeeded", 0)


def test_a_bank_that_gives_back_what_was_refunded_before_costs_nobody_anything(
    own_stripe: StripeServer,
) -> None:
    lipstick = make.variant(amount=3000)
    purchase = make.basket((lipstick, 1), by=make.real_buyer()).go(now=timezone.now())
    charging.charge(purchase_id=purchase.id, now=timezone.now())
    order = Order.objects.get()
    refund = refunding.refund(
        merchant_id=order.merchant_id,
        order_id=order.id,
        reason="x",
        actor=refunding.SYSTEM,
        now=timezone.now(),
        amount=Money(800, "EUR"),
    )
    repaying.send(refund_id=refund.id, now=timezone.now())
    provider_id = own_stripe.dispute(Payment.objects.get().charge_id, 3000)
    take_in(provider_id)
    assert ledger.balance(ledger.DISPUTES, "EUR").amount == 800

    own_stripe.decide(provider_id, 800)
    settled(own_stripe)
    assert ledger.balance(ledger.DISPUTES, "EUR").amount == 0
    assert Dispute.objects.get().status == "lost"


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


def test_a_merchant_answers_the_bank_from_its_admin_once(
    contested: Dispute, stripe_server: StripeServer
) -> None:
    merchant = Order.objects.get(purchase=contested.payment.purchase_id).merchant
    client = client_of(merchant, "orders")
    where = f"/merchant/disputes/{contested.id}/"

    answers = [
        client.post(f"{where}evidence/", {"merchant": str(merchant.pk)}, follow=True).content.decode()
        for _ in range(2)
    ]

    assert "The evidence was sent." in answers[0]
    assert "was sent before" in answers[1]
    there = stripe_server.client().v1.disputes.retrieve(contested.provider_id)
    assert there.evidence.customer_name == "Noa"
    contested.refresh_from_db()
    assert (contested.status, contested.submitted_by and contested.submitted_by.name) == (
        "under_review",
        "Orders",
    )
