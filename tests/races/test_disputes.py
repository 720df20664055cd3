"""Two who answer the bank for one dispute at the same moment: it is answered once, and both are told so."""

from functools import partial

import pytest
from django.utils import timezone

from commerce import gateway
from orders.aftersales import disputes
from orders.models import Dispute, Payment
from orders.settling import charging
from tests.orders import make
from tests.orders.threads import at_once
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_two_answers_at_once_the_second_hears_that_it_was_sent(stripe_server: StripeServer) -> None:
    basket = make.basket((make.variant(), 1), by=make.real_buyer("pm_card_createDispute"))
    purchase = basket.go(now=timezone.now())
    charging.charge(purchase_id=purchase.id, now=timezone.now())
    charge = Payment.objects.get(purchase=purchase).charge_id
    (there,) = stripe_server.client().v1.disputes.list({"charge": charge}).data
    row = disputes.take_in(told=gateway.retrieve_dispute(there.id), now=timezone.now())
    assert row is not None
    send = partial(disputes.submit, dispute_id=row.pk, by_id=None, now=timezone.now())

    outcomes = at_once([send] * 4)

    assert [each for each in outcomes if not isinstance(each, Dispute | disputes.EvidenceSent)] == []
    assert stripe_server.client().v1.disputes.retrieve(there.id).evidence_details.submission_count == 1
    row.refresh_from_db()
    assert row.status == "under_review"
