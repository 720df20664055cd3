"""Notices of the provider: each kind read, and what cannot be read put aside where somebody sees it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from commerce import gateway
from commerce.models import Card, ConnectedAccount, Notice, User
from orders import gauges, tasks
from orders.models import Discrepancy, Payment, Purchase
from orders.reconciling import kinds, notices
from orders.settling import charging, discrepancies, payments
from tests.orders import make
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db


def told(kind: str, object_id: str, **more: Any) -> gateway.Notice:
    facts = {"account": None, "livemode": False, "object_kind": "", "payload": {}, **more}
    return gateway.Notice(
        id=f"evt_{uuid4().hex}", type=kind, created=timezone.now(), object_id=object_id, **facts
    )


def kept(kind: str, object_id: str = "pi_1", **more: Any) -> Notice:
    notices.record(notice=told(kind, object_id, **more), now=timezone.now())
    return Notice.objects.latest("pk")


def read(notice: Notice) -> Notice:
    notices.read(notice_id=notice.pk, now=timezone.now())
    notice.refresh_from_db()
    return notice


def breaks(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*, intent: gateway.Intent, now: datetime) -> None:
        raise error

    monkeypatch.setattr(gateway, "retrieve", lambda intent_id: None)
    monkeypatch.setattr(payments, "apply", fail)


# --- what cannot be read ---


def test_what_cannot_be_read_ten_times_is_put_into_quarantine(monkeypatch: pytest.MonkeyPatch) -> None:
    breaks(monkeypatch, ValueError("a surprise"))
    notice = kept("payment_intent.succeeded")

    for _ in range(notices.MOST_ATTEMPTS - 1):
        with pytest.raises(ValueError, match="surprise"):
            read(notice)
    assert read(notice).quarantined_at is not None

    assert (notice.attempts, notice.error) == (notices.MOST_ATTEMPTS, "ValueError: a surprise")
    assert notices.unread(now=make.after(10_000), limit=10) == []
    assert "no-notice-quarantined" in make.broken()
    assert samples()["yellowcart_notices_quarantined"] == 1


def test_that_the_provider_is_away_is_no_fault_of_the_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    breaks(monkeypatch, gateway.Unavailable())
    notice = kept("payment_intent.succeeded")

    for _ in range(notices.MOST_ATTEMPTS + 5):
        with pytest.raises(gateway.Unavailable):
            read(notice)

    notice.refresh_from_db()
    assert (notice.attempts, notice.quarantined_at) == (0, None)


def test_numbers_that_are_not_ours_are_put_into_quarantine_at_once(stripe_server: StripeServer) -> None:
    purchase = make.basket((make.variant(amount=1999), 1), by=make.real_buyer()).go(now=timezone.now())
    charging.charge(purchase_id=purchase.id, now=timezone.now())
    Payment.objects.update(amount=1)

    notice = read(kept("payment_intent.succeeded", str(Payment.objects.get().provider_id)))

    assert notice.quarantined_at is not None
    assert Discrepancy.objects.get().kind == "payment"


def test_a_quarantined_notice_is_read_when_an_operator_says_so(
    monkeypatch: pytest.MonkeyPatch, stripe_server: StripeServer
) -> None:
    purchase = make.basket((make.variant(), 1), by=make.real_buyer()).go(now=timezone.now())
    stripe_server.fault("drop_after", path="/v1/payment_intents")
    charging.charge(purchase_id=purchase.id, now=timezone.now())
    customer = purchase.buyer.customer.provider_id
    (intent,) = stripe_server.client().v1.payment_intents.list({"customer": customer})
    notice = kept("payment_intent.succeeded", intent.id)
    Notice.objects.update(quarantined_at=timezone.now(), attempts=10, error="ValueError: fixed since")
    read(notice)
    assert Purchase.objects.get().status == "accepted"

    address = reverse("admin:commerce_notice_changelist")
    chosen = {"action": "try_again", "_selected_action": [notice.pk]}
    assert operator().post(address, chosen, follow=True).status_code == 200

    assert make.events("notice.received")[-1] == {"notice": notice.pk}
    assert read(notice).processed_at is not None
    assert Purchase.objects.get().status == "paid"
    assert not notices.release(notice_id=notice.pk, now=timezone.now())


# --- connected accounts ---


def test_a_payment_of_a_connected_account_is_none_of_ours() -> None:
    notice = kept("payment_intent.succeeded", account="acct_1")

    assert (notice.account, notice.processed_at) == ("acct_1", None)
    assert notice.quarantined_at is not None
    assert make.events("notice.received") == []


def payee(provider_id: str) -> ConnectedAccount:
    return ConnectedAccount.objects.create(merchant=make.merchant(), country="DE", provider_id=provider_id)


def test_what_is_told_of_a_payee_is_kept_and_its_account_read() -> None:
    payee("acct_1")

    told_of, other = (
        kept(kind, "acct_1", account="acct_1") for kind in ("account.updated", "capability.updated")
    )

    assert (told_of.processed_at, told_of.quarantined_at) == (None, None)
    assert (other.processed_at is not None, other.quarantined_at) == (True, None)
    assert make.events("notice.received") == [{"notice": told_of.pk}]


@pytest.mark.parametrize("kind", ["account.updated", "payout.paid"])
def test_an_account_that_is_nobodys_here_is_put_into_quarantine_a_minute_later(kind: str) -> None:
    notice = kept(kind, "acct_2", account="acct_2")

    with pytest.raises(notices.UnknownAccount):
        read(notice)
    notice.refresh_from_db()
    assert (notice.attempts, notice.quarantined_at, notice.processed_at) == (1, None, None)

    notices.read(notice_id=notice.pk, now=notice.received_at + timedelta(seconds=61))

    notice.refresh_from_db()
    assert notice.quarantined_at is not None
    assert "acct_2" in notice.error
    assert "no-notice-quarantined" in make.broken()


def test_an_account_that_is_told_of_before_its_id_is_written_down_is_waited_for() -> None:
    notice = kept("capability.updated", "acct_3", account="acct_3")
    payee("acct_3")

    assert read(notice).processed_at is not None


def test_what_is_told_of_a_payees_account_in_the_other_mode_changes_nothing() -> None:
    notice = kept("account.updated", "acct_4", account="acct_4", livemode=True)

    assert (notice.processed_at is not None, notice.quarantined_at) == (True, None)
    assert make.events("notice.received") == []


# --- what was read long ago ---


def test_notices_that_were_read_long_ago_are_deleted_and_others_are_kept() -> None:
    ago = timezone.now() - timedelta(days=91)
    old, unread, held, fresh = (kept("customer.created") for _ in range(4))
    Notice.objects.exclude(pk=fresh.pk).update(received_at=ago, processed_at=ago)
    Notice.objects.filter(pk__in=[unread.pk, held.pk]).update(processed_at=None)
    Notice.objects.filter(pk=held.pk).update(quarantined_at=ago)

    assert tasks.prune_notices() == 1

    assert set(Notice.objects.values_list("pk", flat=True)) == {unread.pk, held.pk, fresh.pk}
    assert not Notice.objects.filter(pk=old.pk).exists()


# --- kinds ---


def test_a_card_is_saved_although_its_page_was_closed(stripe_server: StripeServer) -> None:
    buyer = make.real_buyer()
    client = stripe_server.client().v1
    customer = buyer.customer.provider_id
    setup = client.setup_intents.create(
        {
            "customer": customer,
            "payment_method": "pm_card_mastercard",
            "confirm": True,
            "allowed_payment_method_types": ["card"],
        }
    )

    read(kept("setup_intent.succeeded", setup.id))

    assert sorted(Card.objects.filter(user=buyer).values_list("brand", flat=True)) == ["mastercard", "visa"]


def test_a_card_that_is_gone_at_the_provider_is_gone_here(stripe_server: StripeServer) -> None:
    buyer = make.real_buyer()
    card = Card.objects.get(user=buyer)
    stripe_server.client().v1.payment_methods.detach(card.provider_id)

    read(kept("payment_method.detached", card.provider_id))

    card.refresh_from_db()
    assert card.removed_at is not None


def test_a_refund_seen_by_its_charge_only_is_shown(stripe_server: StripeServer) -> None:
    purchase = make.basket((make.variant(amount=1999), 1), by=make.real_buyer()).go(now=timezone.now())
    charging.charge(purchase_id=purchase.id, now=timezone.now())
    payment = Payment.objects.get()
    made = stripe_server.client().v1.refunds.create(
        {"payment_intent": payment.provider_id or "", "amount": 500}
    )

    read(kept("charge.refunded", payment.charge_id))

    assert [(each.kind, each.provider_id) for each in Discrepancy.objects.all()] == [
        ("foreign_refund", made.id)
    ]


# --- for operators ---


def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("ops@example.com", "long enough 1", name="Ops"))
    return client


def samples() -> dict[str, float]:
    found = {}
    for family in gauges.families():
        for sample in family.samples:
            found[sample.name + "".join(sample.labels.values())] = sample.value
    return found


def differing() -> Discrepancy:
    discrepancies.note(
        discrepancies.Difference(kind="movement", provider_id="txn_1", what="a fee of the month"),
        now=timezone.now(),
    )
    return Discrepancy.objects.get()


def test_a_discrepancy_is_resolved_with_a_note_on_its_screen() -> None:
    found, client = differing(), operator()
    assert samples()["yellowcart_discrepancies_openmovement"] == 1
    listed = client.get(reverse("admin:orders_discrepancy_changelist"))
    assert "a fee of the month" in listed.content.decode()
    address = reverse("admin:orders_discrepancy_change", args=[found.pk])

    assert client.post(address, {"note": " "}).status_code == 200, "asked for the note again"
    assert Discrepancy.objects.filter(resolved_at=None).exists()

    assert client.post(address, {"note": "Radar, monthly", "kind": "dispute"}).status_code == 302
    found.refresh_from_db()
    assert found.resolved_at is not None
    assert (found.note, found.kind) == ("Radar, monthly", "movement")
    assert found.resolved_by == User.objects.get(email="ops@example.com")
    assert client.get(address).status_code == 200
    assert client.post(address, {"note": "once more"}).status_code == 403
    assert samples()["yellowcart_discrepancies_openmovement"] == 0


def test_nobody_makes_or_deletes_a_discrepancy_by_hand() -> None:
    found, client = differing(), operator()
    assert client.get(reverse("admin:orders_discrepancy_add")).status_code == 403
    assert client.post(reverse("admin:orders_discrepancy_delete", args=[found.pk])).status_code == 403
    for screen in ("movement", "mark"):
        assert client.get(reverse(f"admin:orders_{screen}_changelist")).status_code == 200


def test_who_may_only_look_resolves_nothing() -> None:
    found = differing()
    client = Client()
    client.force_login(
        User.objects.create_user("see@example.com", "long enough 1", name="See", is_staff=True)
    )
    address = reverse("admin:orders_discrepancy_change", args=[found.pk])
    assert client.post(address, {"note": "mine"}).status_code == 403
    found.refresh_from_db()
    assert found.resolved_at is None


def test_the_providers_log_can_be_asked_for_all_that_is_read() -> None:
    assert len(kinds.READ) <= 20
