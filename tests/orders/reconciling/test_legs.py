"""Legs of payouts that the provider never moved: shown to operators, until they have come to an end."""

from datetime import timedelta

import pytest
from django.utils import timezone

from commerce import gateway
from commerce.money import Money
from orders import recovery
from orders.models import Discrepancy, Movement, PayoutLeg
from orders.payouts import sending
from orders.reconciling import reconciler
from tests.orders import make
from tests.orders.selling import COMMISSION, Trade, now
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db

A_WHILE = 16 * 60


@pytest.fixture
def trade(own_stripe: StripeServer) -> Trade:
    made = Trade(own_stripe)
    made.sell()
    return made


def written(trade: Trade) -> PayoutLeg:
    """The leg of a payout that is written down."""
    assert trade.begin(trade.host) is not None
    return PayoutLeg.objects.get()


def not_there() -> list[tuple[str, int | None]]:
    found = Discrepancy.objects.filter(kind="not_there", resolved_at=None)
    return list(found.values_list("provider_id", "ours"))


def ago(seconds: int) -> dict[str, object]:
    at = timezone.now() - timedelta(seconds=seconds)
    return {"sent_at": at, "checked_at": at}


@pytest.mark.parametrize("status", ["sent", "unknown"])
def test_a_leg_that_was_sent_and_never_moved_is_shown_until_it_is(trade: Trade, status: str) -> None:
    leg = written(trade)
    PayoutLeg.objects.update(status=status, **ago(60))
    reconciler.reconcile(now=now())
    assert not_there() == []

    PayoutLeg.objects.update(**ago(A_WHILE))
    for _ in range(2):
        reconciler.reconcile(now=now())
    assert not_there() == [(str(leg.id), COMMISSION)]
    assert any("no-open-discrepancy" in each for each in make.broken())

    recovery.finish(now=now())
    assert PayoutLeg.objects.get().status == "paid"
    reconciler.reconcile(now=now())
    assert not_there() == []
    assert trade.arrived(trade.host) == COMMISSION
    assert make.broken() == []


def test_a_leg_that_is_just_being_asked_for_is_not_shown(trade: Trade) -> None:
    written(trade)
    PayoutLeg.objects.update(status="sent", **ago(A_WHILE))
    PayoutLeg.objects.update(checked_at=now())

    reconciler.reconcile(now=now())

    assert not_there() == []


def test_a_leg_that_is_paid_here_alone_is_shown_until_it_moves_there(trade: Trade) -> None:
    leg = written(trade)
    answer = gateway.Transfer(
        id="tr_nowhere",
        amount=Money(leg.amount, leg.currency),
        reversed=0,
        destination=trade.host.provider_id or "",
        charge_id=None,
        leg_id=leg.id,
    )
    sending.apply(answer=answer, leg_id=leg.id, now=now())
    reconciler.reconcile(now=now())
    assert not_there() == []

    reconciler.reconcile(now=now(A_WHILE))
    assert not_there() == [("tr_nowhere", COMMISSION)]

    late = {"kind": "transfer", "source": "tr_nowhere", "amount": -COMMISSION, "fee": 0, "currency": "EUR"}
    Movement.objects.create(provider_id="txn_late", made_at=now(), seen_at=now(), **late)
    reconciler.reconcile(now=now(A_WHILE))
    assert not_there() == []


def test_control_a_leg_that_did_move_is_never_shown(trade: Trade) -> None:
    payout = trade.pay(trade.host)
    assert payout is not None and payout.status == "paid"

    reconciler.reconcile(now=now())
    reconciler.reconcile(now=now(A_WHILE))

    assert not Discrepancy.objects.exists()
