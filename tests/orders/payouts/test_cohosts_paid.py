"""A show with two hosts: each is paid her part, and owes it back when the buyer has her money again."""

import pytest

from commerce import ledger, payees
from commerce.models import ConnectedAccount
from orders.models import Commission, Payment
from orders.payouts import planning, reversing
from orders.reconciling import reconciler
from tests import books
from tests.orders import make
from tests.orders.selling import PRICE, REST, Trade, account, now
from tests.streams.make import cohost
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db

HERS, GUESTS = 150, 50  # Of 2.00 that a sale earns its hosts.


def duo(server: StripeServer) -> tuple[Trade, ConnectedAccount]:
    """A show that sells, and the account of the host who has a quarter of its commission."""
    trade = Trade(server)
    row = cohost(trade.stream, 2_500, now=now(-60))
    return trade, account(payees.Owner(host_id=row.host_id), server)


def owed(whose: ConnectedAccount) -> int:
    return -ledger.balance(ledger.payable(planning.payee_of(whose)), "EUR").amount


def test_each_host_is_paid_her_part_by_payouts_of_her_own(own_stripe: StripeServer) -> None:
    trade, guest = duo(own_stripe)
    order = trade.sell()

    for whose, part in ((trade.merchant, REST), (trade.host, HERS), (guest, GUESTS)):
        payout = trade.pay(whose)
        assert payout is not None
        assert (payout.status, payout.amount) == ("paid", part)
        assert (trade.arrived(whose), owed(whose)) == (part, 0)
    assert set(Commission.objects.values_list("host_id", "status", "payout__account")) == {
        (trade.stream.host_id, "paid", trade.host.id),
        (guest.host_id, "paid", guest.id),
    }
    sent = REST + HERS + GUESTS
    assert Payment.objects.get(purchase=order.purchase_id).transferred_amount == sent
    reconciler.reconcile(now=now(60))
    books.equal(own_stripe.books())
    assert make.broken() == []


def test_what_goes_back_after_the_payout_each_owes_for_her_part_and_it_is_taken_back(
    own_stripe: StripeServer,
) -> None:
    trade, guest = duo(own_stripe)
    order = trade.sell()
    for whose in (trade.host, guest):
        trade.pay(whose)

    trade.refund(order, PRICE // 2)
    assert (owed(trade.host), owed(guest)) == (-HERS // 2, -GUESTS // 2)
    assert Payment.objects.get(purchase=order.purchase_id).receivable_amount == (HERS + GUESTS) // 2
    trade.refund(order, PRICE // 2)
    assert (owed(trade.host), owed(guest)) == (-HERS, -GUESTS)
    assert set(Commission.objects.values_list("status", flat=True)) == {"reversed"}

    for row in reversing.begin(account_id=guest.id, currency="EUR", by_id=None, now=now()):
        reversing.send(reversal_id=row.id, now=now())
    assert (owed(trade.host), owed(guest)) == (-HERS, 0)
    assert make.broken() == []


def test_what_one_host_owes_is_netted_with_what_she_earns_next_and_not_with_the_others(
    own_stripe: StripeServer,
) -> None:
    trade, guest = duo(own_stripe)
    first = trade.sell()
    trade.pay(guest)
    trade.refund(first, PRICE)
    trade.sell()
    trade.sell()

    assert (owed(trade.host), owed(guest)) == (2 * HERS, GUESTS)
    payout = trade.pay(guest)
    assert payout is not None
    assert payout.amount == GUESTS
    assert make.broken() == []
