"""The reconciler: without any webhook everything settles, and what differs is shown to operators."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from commerce import gateway, ledger
from commerce.models import Notice
from commerce.money import Money
from orders import expiry
from orders.models import Discrepancy, Mark, Movement, Payment, Purchase, Refund
from orders.reconciling import movements, notices, reconciler
from orders.settling import charging, discrepancies, payments, refunds, repaying
from tests.orders import make
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db

PRICE = 1999
FEE = 88  # Of that price, at the simulator.


_ahead = timedelta(0)  # How far the provider's clock is ahead of ours.


def now() -> datetime:
    """Return the time at the provider, whose clock other tests may have moved on."""
    return timezone.now() + _ahead


@pytest.fixture
def server(stripe_server: StripeServer) -> StripeServer:
    """The provider, at a time when nothing of other tests is looked at any more. It sends no webhooks."""
    global _ahead
    stripe_server.hurry(60 * 86_400)  # Also what they left to happen, as a dispute to be overdue.
    there = stripe_server.ask("/_simulator/clock", {"advance_seconds": 600})["now"]
    _ahead = datetime.fromtimestamp(there, UTC) - timezone.now()
    Mark.objects.bulk_create(Mark(name=name, at=now()) for name in reconciler.LISTS)
    return stripe_server


def bought(token: str = "pm_card_visa") -> Purchase:
    return make.basket((make.variant(amount=PRICE), 1), by=make.real_buyer(token)).go(now=now())


def paid(token: str = "pm_card_visa") -> Payment:
    purchase = bought(token)
    charging.charge(purchase_id=purchase.id, now=now())
    return Payment.objects.get(purchase=purchase)


def reconcile(*, seconds: float = 0) -> dict[str, int]:
    """Reconcile once, and read what it found, as the relay's tasks would."""
    at = now() + timedelta(seconds=seconds)
    done = reconciler.reconcile(now=at)
    for notice_id in notices.unread(now=at + timedelta(minutes=1), limit=500):
        notices.read(notice_id=notice_id, now=at)
    return done


def open_ones() -> list[tuple[str, str, int | None]]:
    found = Discrepancy.objects.filter(resolved_at=None).order_by("id")
    return [(each.kind, each.provider_id, each.theirs) for each in found]


# --- what no webhook brought ---


def test_a_charge_made_after_we_gave_up_is_found(server: StripeServer) -> None:
    """Its request hung on the way until its purchase was over, and its webhook was lost."""
    purchase = bought()
    payment = make.sent(purchase)
    expiry.expire(purchase_id=purchase.id, now=now() + timedelta(hours=1))
    assert Purchase.objects.get().status == "expired"
    gateway.charge(
        key=str(payment.id),
        amount=Money(PRICE, "EUR"),
        customer=payment.customer,
        card=payment.card.provider_id,
        payment_id=payment.id,
        purchase_id=purchase.id,
    )

    reconcile()

    assert Purchase.objects.get().status == "paid"
    assert make.broken() == []


@pytest.mark.parametrize("listed", ["events", "intents"])
def test_either_list_alone_settles_everything(
    server: StripeServer, listed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers of all kinds are lost: a charge that paid, a decline, and one that her bank asked about."""
    monkeypatch.setattr(reconciler, "LISTS", {listed: reconciler.LISTS[listed]})
    purchases = []
    for token in ("pm_card_visa", "pm_card_chargeCustomerFail", "pm_card_authenticationRequired"):
        purchases.append(bought(token))
        server.fault("drop_after", path="/v1/payment_intents")
        charging.charge(purchase_id=purchases[-1].id, now=now())
    assert {each.status for each in Payment.objects.all()} == {"unknown"}

    reconcile()
    assert [Purchase.objects.get(pk=each.pk).status for each in purchases] == [
        *("paid", "declined", "action_required")
    ]

    waiting = Payment.objects.get(purchase=purchases[2])
    make.answer_bank(server, gateway.retrieve(waiting.provider_id or "").client_secret or "")
    reconcile()
    assert Purchase.objects.get(pk=purchases[2].pk).status == "paid"
    assert make.broken() == []


def test_a_refund_whose_end_nobody_told_is_read_from_the_log(server: StripeServer) -> None:
    payment = paid("pm_card_pendingRefund")
    refund = refunds.owe(payment=payment, amount=100, reason="scratched", now=now())
    repaying.send(refund_id=refund.id, now=now())
    assert Refund.objects.get().status == "pending"
    server.hurry()

    reconcile()

    assert Refund.objects.get().status == "succeeded"
    assert open_ones() == []


def test_a_refund_that_fails_days_later_is_owed_again(server: StripeServer) -> None:
    payment = paid("pm_card_refundFail")
    refund = refunds.owe(payment=payment, amount=100, reason="scratched", now=now())
    repaying.send(refund_id=refund.id, now=now())
    assert Refund.objects.get().status == "succeeded"
    server.hurry()

    reconcile()
    reconcile(seconds=600)

    assert Refund.objects.get().status == "failed"
    assert ledger.balance(ledger.REFUNDS, "EUR").amount == -100
    assert ledger.balance(ledger.PROVIDER, "EUR").amount == PRICE - FEE
    assert open_ones() == []
    assert not Movement.objects.filter(matched_at=None).exists()


def test_what_webhooks_brought_is_not_read_again(server: StripeServer) -> None:
    paid()
    reconcile()
    seen = Notice.objects.count()
    assert set(Notice.objects.values_list("source", flat=True)) == {"log"}

    assert reconcile()["events"] == 0
    assert Notice.objects.count() == seen


def test_a_declined_intent_whose_closing_was_lost_is_closed(server: StripeServer) -> None:
    payment = paid("pm_card_chargeCustomerFail")
    reconcile()
    assert gateway.retrieve(payment.provider_id or "").status == "declined", "its task may be at it"

    reconcile(seconds=90)
    assert gateway.retrieve(payment.provider_id or "").status == "cancelled"


# --- money ---


def net(server: StripeServer) -> int:
    """What the provider's own books say is ours there, in cents."""
    return int(server.books()["totals"].get("eur", {"net": 0})["net"])


def test_the_providers_balance_is_that_of_our_books(server: StripeServer) -> None:
    before = net(server)
    payment = paid()
    paid()
    refund = refunds.owe(payment=payment, amount=100, reason="scratched", now=now())
    repaying.send(refund_id=refund.id, now=now())

    for _ in range(2):
        reconcile()

    assert ledger.balance(movements.PROVIDER_FEES, "EUR").amount == 2 * FEE
    theirs = net(server) - before
    assert ledger.balance(ledger.PROVIDER, "EUR").amount == theirs == 2 * (PRICE - FEE) - 100
    assert not Movement.objects.filter(matched_at=None).exists()
    assert open_ones() == []


def test_a_fee_that_we_do_not_know_is_shown_once(server: StripeServer) -> None:
    fee = server.move("stripe_fee", -500, "eur")

    for _ in range(3):
        reconcile()
    assert open_ones() == [("movement", fee, -500)]
    assert "no-open-discrepancy" in make.broken()

    one = Discrepancy.objects.get()
    with pytest.raises(discrepancies.NoteRequired):
        discrepancies.resolve(discrepancy_id=one.pk, note=" ", by_id=None, now=now())
    by = make.user()
    discrepancies.resolve(discrepancy_id=one.pk, note="Radar, monthly", by_id=by.id, now=now())
    reconcile()
    assert open_ones() == []
    assert Discrepancy.objects.get().resolved_by == by


def test_what_the_provider_paid_out_has_left_our_books_too(server: StripeServer) -> None:
    paid()
    server.move("payout", -1000, "eur")

    reconcile()

    assert ledger.balance(movements.BANK, "EUR").amount == 1000
    assert ledger.balance(ledger.PROVIDER, "EUR").amount == PRICE - FEE - 1000
    assert open_ones() == []


def test_a_charge_that_is_not_ours_is_shown(server: StripeServer) -> None:
    intent = server.client().v1.payment_intents.create(
        {
            "amount": 700,
            "currency": "eur",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "allowed_payment_method_types": ["card"],
        }
    )

    reconcile()
    assert open_ones() == [("foreign_charge", intent.id, 700)]

    reconcile(seconds=600)
    assert [kind for kind, _, _ in open_ones()] == ["foreign_charge", "movement"]


def test_a_refund_made_in_the_providers_own_screens_is_shown(server: StripeServer) -> None:
    payment = paid()
    made = server.client().v1.refunds.create({"payment_intent": payment.provider_id or "", "amount": 300})

    reconcile()

    assert open_ones() == [("foreign_refund", made.id, 300)]
    assert Discrepancy.objects.get().payment == payment


def test_a_dispute_is_booked_and_shown_until_it_is_answered(server: StripeServer) -> None:
    before = net(server)
    payment = paid("pm_card_createDispute")

    for _ in range(2):
        reconcile()

    found = Discrepancy.objects.get()
    assert (found.kind, found.payment, found.theirs) == ("dispute", payment, PRICE)
    assert "evidence until" in found.what
    theirs = net(server) - before
    assert ledger.balance(ledger.PROVIDER, "EUR").amount == theirs == -FEE - 1500
    assert not Movement.objects.filter(matched_at=None).exists()

    server.client().v1.disputes.close(found.provider_id)
    reconcile()
    assert open_ones() == []
    assert make.broken() == []


def test_what_we_booked_and_the_provider_did_not_is_shown_until_it_did(server: StripeServer) -> None:
    payment = make.sent(bought())
    payments.apply(intent=make.said(payment, "succeeded"), now=now() - timedelta(minutes=1))
    Payment.objects.update(finished_at=now() - timedelta(minutes=1))
    reconcile()
    assert open_ones() == []

    reconcile(seconds=16 * 60)
    payment.refresh_from_db()
    assert open_ones() == [("not_there", payment.charge_id, None)]

    Movement.objects.create(
        provider_id="txn_late",
        kind="charge",
        source=payment.charge_id,
        amount=PRICE,
        fee=FEE,
        currency="EUR",
        made_at=now(),
        seen_at=now(),
    )
    reconcile(seconds=16 * 60)
    assert open_ones() == []


def test_our_answer_may_still_be_on_its_way(server: StripeServer) -> None:
    """A movement is waited for while a task of ours may be booking it; after that it is a discrepancy, and
    none any more once it is booked.
    """
    purchase = bought()
    payment = make.sent(purchase)
    Movement.objects.create(
        provider_id="txn_1",
        kind="charge",
        source=f"ch_{payment.id.hex}",
        amount=PRICE,
        fee=FEE,
        currency="EUR",
        made_at=now(),
        seen_at=now(),
    )
    assert movements.match(now=now()) == 0
    assert open_ones() == []
    movements.match(now=now() + timedelta(minutes=6))
    assert open_ones() == [("movement", f"ch_{payment.id.hex}", PRICE)]

    payments.apply(intent=make.said(payment, "succeeded"), now=now())
    assert movements.match(now=now() + timedelta(minutes=6)) == 1
    assert open_ones() == []
    assert ledger.balance(movements.PROVIDER_FEES, "EUR").amount == FEE


# --- reading lists ---


def test_more_than_a_page_is_read_and_a_failure_in_the_middle_leaves_the_mark(server: StripeServer) -> None:
    before = dict(Mark.objects.values_list("name", "at"))
    for number in range(101):
        server.move("payout", -100 - number, "eur")
    # The first page of movements is answered, the second is not.
    server.fault("error_500", path="/v1/balance_transactions", method="GET", times=1)
    with pytest.raises(gateway.Unavailable):
        reconcile()
    after_failure = dict(Mark.objects.values_list("name", "at"))
    assert after_failure["movements"] == before["movements"]
    assert after_failure["events"] > before["events"], "one list keeps no other from being read"

    assert reconcile()["movements"] == 101
    assert Movement.objects.count() == 101
    assert Mark.objects.get(name="movements").at > before["movements"]
    assert ledger.balance(movements.BANK, "EUR").amount == sum(range(100, 201))


def test_whoever_stops_in_the_middle_of_a_list_begins_again(
    server: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(150):
        server.move("payout", -100 - number, "eur")
    before = Mark.objects.get(name="movements").at
    whole = gateway.movements_since

    def half(since: datetime) -> Iterator[gateway.Movement]:
        for number, each in enumerate(whole(since)):
            if number == 120:
                raise gateway.Unavailable
            yield each

    monkeypatch.setattr(gateway, "movements_since", half)
    with pytest.raises(gateway.Unavailable):
        reconcile()
    assert Movement.objects.count() == 100
    assert Mark.objects.get(name="movements").at == before

    monkeypatch.undo()
    reconcile()
    assert Movement.objects.count() == 150


def test_events_that_are_gone_are_told(server: StripeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "events_since", lambda since, types: iter(()))
    monkeypatch.setattr(reconciler, "LISTS", {"events": reconciler.LISTS["events"]})
    Mark.objects.update(at=now() - timedelta(days=31))

    reconcile()

    assert [each.kind for each in Discrepancy.objects.all()] == ["gap"]


def test_it_begins_with_our_first_payment(server: StripeServer) -> None:
    Mark.objects.all().delete()
    payment = paid()
    Mark.objects.all().delete()

    reconcile()

    assert Movement.objects.get().source == payment.charge_id


@pytest.mark.django_db(transaction=True)
def test_two_at_once_are_one(server: StripeServer) -> None:
    # The lock belongs to a connection: another one has it.
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended('reconcile', 0))")
    try:
        assert reconcile() == {}
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended('reconcile', 0))")
    finally:
        other.close()
    assert set(reconcile()) >= set(reconciler.LISTS)


def test_movements_that_are_never_found_stand_in_nobodys_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(movements, "BATCH", 2)
    at = now()
    for number, kind in enumerate(["stripe_fee", "stripe_fee", "stripe_fee", "payout"]):
        Movement.objects.create(
            provider_id=f"txn_{number}",
            kind=kind,
            amount=-5,
            fee=0,
            currency="EUR",
            made_at=at,
            seen_at=at + timedelta(seconds=number),
        )

    assert movements.match(now=at + timedelta(hours=1)) == 1
    assert Movement.objects.get(kind="payout").matched_at is not None
