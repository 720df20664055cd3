"""Settling: what the provider's webhooks may do, and that every purchase ends right without any of them."""

import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from commerce.models import Event, Notice
from config.children import Child
from orders import recovery
from orders.models import Payment, Purchase, Refund
from orders.reconciling import notices
from orders.settling import charging, repaying
from tests.live_server import LiveRoom
from tests.orders import make
from tests.orders.threads import at_once
from tests.stripe_server import StripeServer
from tests.worker_process import relay_until

DOOR = "/api/v1/webhooks/stripe"


def event(kind: str = "payment_intent.succeeded", object_id: str = "pi_1", **more: Any) -> dict[str, Any]:
    return {
        "id": f"evt_{uuid4().hex}",
        "object": "event",
        "type": kind,
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": {"id": object_id, "object": kind.split(".")[0], "client_secret": "hush"}},
        **more,
    }


def signed(body: bytes, *, secret: str | None = None, at: float | None = None) -> str:
    moment = int(time.time() if at is None else at)
    key = (settings.STRIPE_WEBHOOK_SECRETS[0] if secret is None else secret).encode()
    digest = hmac.new(key, f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def knock(body: bytes, signature: str | None) -> Any:
    headers = {} if signature is None else {"Stripe-Signature": signature}
    return Client().post(DOOR, body, content_type="application/json", headers=headers)


# --- the door ---


@pytest.mark.django_db
def test_a_signed_notice_is_kept_once_and_answered_at_once() -> None:
    body = json.dumps(event()).encode()

    first, again = knock(body, signed(body)), knock(body, signed(body))

    assert (first.status_code, again.status_code) == (200, 200)
    notice = Notice.objects.get()
    assert (notice.type, notice.object_id, notice.livemode) == ("payment_intent.succeeded", "pi_1", False)
    assert make.events("notice.received") == [{"notice": notice.pk}]
    assert "hush" not in str(notice.payload)


@pytest.mark.django_db
def test_a_notice_of_what_nobody_reads_is_kept_and_wakes_nobody() -> None:
    body = json.dumps(event(type="customer.created")).encode()

    answers = [knock(body, signed(body)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert Notice.objects.get().processed_at is not None
    assert make.events("notice.received") == []


@pytest.mark.django_db
def test_what_the_provider_did_not_sign_is_refused_and_not_kept() -> None:
    body = json.dumps(event()).encode()
    live = json.dumps(event(livemode=True)).encode()
    reformatted = json.dumps(json.loads(body), indent=1).encode()
    for sent, signature in [
        (body, None),
        (body, ""),
        (body, "nonsense"),
        (body, "t=1,v1="),
        (body, signed(body, secret="whsec_other")),
        (body, signed(body, at=time.time() - 3600)),
        (body, signed(body, at=time.time() + 3600)),
        (reformatted, signed(body)),
        (body.replace(b"pi_1", b"pi_2"), signed(body)),
        (body + b" ", signed(body)),
        (b"", signed(body)),
        (b"not json", signed(b"not json")),
        (b"[]", signed(b"[]")),
        (b"{}", signed(b"{}")),
        (b"\xff\xfe", signed(b"\xff\xfe")),
        (live, signed(live)),
    ]:
        answer = knock(sent, signature)
        assert (answer.status_code, answer.json()["code"]) == (400, "BAD_SIGNATURE"), (sent, signature)
    assert not Notice.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_a_notice_that_is_too_large_is_not_read() -> None:
    body = b"x" * 300_000
    answer = knock(body, signed(body))
    assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")


@pytest.mark.django_db
def test_the_door_takes_posts_only() -> None:
    assert Client().get(DOOR).status_code == 405


@pytest.mark.django_db(transaction=True)
def test_the_same_notice_three_times_at_once_is_one() -> None:
    body = json.dumps(event()).encode()
    signature = signed(body)

    answers = at_once([lambda: knock(body, signature)] * 3)

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert Notice.objects.count() == 1
    assert Event.objects.filter(name="notice.received").count() == 1


# --- what a notice does ---


def bought(card: str = "pm_card_visa") -> Purchase:
    return make.basket((make.variant(), 1), by=make.real_buyer(card)).go(now=timezone.now())


def charged(purchase: Purchase) -> Payment:
    charging.charge(purchase_id=purchase.id, now=timezone.now())
    return Payment.objects.get(purchase=purchase)


def read(kind: str, object_id: str) -> Notice:
    body = json.dumps(event(kind, object_id)).encode()
    knock(body, signed(body))
    notice = Notice.objects.latest("pk")
    notices.read(notice_id=notice.pk, now=timezone.now())
    notice.refresh_from_db()
    return notice


@pytest.mark.django_db
def test_a_notice_is_a_hint_and_the_intent_is_asked_anew(stripe_server: StripeServer) -> None:
    """Signed or not, it is the provider's own word on the intent that counts."""
    payment = charged(bought("pm_card_authenticationRequired"))
    assert payment.provider_id

    notice = read("payment_intent.succeeded", payment.provider_id)

    assert notice.processed_at is not None
    assert Purchase.objects.get().status == "action_required"

    found = charging.action(purchase_id=payment.purchase_id)
    assert found is not None
    assert found[1].client_secret
    make.answer_bank(stripe_server, found[1].client_secret)
    read("payment_intent.payment_failed", payment.provider_id)
    assert Purchase.objects.get().status == "paid"
    assert make.broken() == []


@pytest.mark.django_db
def test_the_banks_question_answered_wrongly_is_a_decline(stripe_server: StripeServer) -> None:
    payment = charged(bought("pm_card_authenticationRequired"))
    found = charging.action(purchase_id=payment.purchase_id)
    assert found is not None
    assert found[1].client_secret
    make.answer_bank(stripe_server, found[1].client_secret, "fail")

    read("payment_intent.payment_failed", str(payment.provider_id))

    assert Purchase.objects.get().status == "declined"
    assert make.broken() == []


@pytest.mark.django_db
def test_a_notice_may_come_before_our_own_answer_is_recorded(stripe_server: StripeServer) -> None:
    purchase = bought()
    stripe_server.fault("drop_after", path="/v1/payment_intents")
    payment = charged(purchase)
    assert (payment.status, payment.provider_id) == ("unknown", None)
    (intent,) = stripe_server.client().v1.payment_intents.list(
        {"customer": purchase.buyer.customer.provider_id}
    )

    read("payment_intent.succeeded", intent.id)

    assert Purchase.objects.get().status == "paid"
    assert make.broken() == []


@pytest.mark.django_db
def test_notices_that_are_not_ours_are_read_and_left_alone(stripe_server: StripeServer) -> None:
    customer = stripe_server.client().v1.customers.create({"email": "else@example.com"})
    foreign = stripe_server.client().v1.payment_intents.create(
        {"amount": 500, "currency": "eur", "customer": customer.id}
    )

    for kind, object_id in [
        ("payment_intent.created", foreign.id),
        ("customer.created", customer.id),
        ("payment_intent.canceled", "pi_that_is_gone"),
        ("refund.updated", "re_unknown"),
        ("something.new", ""),
    ]:
        assert read(kind, object_id).processed_at is not None


@pytest.mark.django_db
def test_a_notice_that_cannot_be_read_now_is_read_by_a_later_sweep(stripe_server: StripeServer) -> None:
    payment = charged(bought())
    body = json.dumps(event("payment_intent.succeeded", str(payment.provider_id))).encode()
    knock(body, signed(body))

    assert recovery.finish(now=timezone.now())["notices"] == 0
    assert recovery.finish(now=timezone.now() + timedelta(seconds=20))["notices"] == 1
    assert Notice.objects.get().processed_at is not None


# --- refunds of what came too late ---


@pytest.mark.django_db
def test_money_that_came_too_late_is_really_sent_back(stripe_server: StripeServer) -> None:
    lipstick = make.variant(stocked=1, amount=1999)
    purchase = make.basket((lipstick, 1), by=make.real_buyer("pm_card_authenticationRequired")).go(
        now=timezone.now()
    )
    payment = charged(purchase)
    found = charging.action(purchase_id=purchase.id)
    assert found is not None
    assert found[1].client_secret
    # The page fails first, the piece is sold on, and then the buyer tries the same intent again and succeeds.
    make.answer_bank(stripe_server, found[1].client_secret, "fail")
    charging.check(payment_id=payment.id, now=timezone.now())
    make.basket((lipstick, 1)).go(now=timezone.now())
    stripe_server.client().v1.payment_intents.confirm(
        str(payment.provider_id), {"payment_method": "pm_card_visa"}
    )
    read("payment_intent.succeeded", str(payment.provider_id))
    refund = Refund.objects.get()

    for _ in range(2):
        repaying.send(refund_id=refund.id, now=timezone.now())

    refund.refresh_from_db()
    assert refund.status == "succeeded"
    charges = stripe_server.client().v1.charges.retrieve(Payment.objects.get(pk=payment.pk).charge_id)
    assert charges.amount_refunded == 1999
    assert Purchase.objects.get(pk=purchase.pk).status == "declined"
    assert make.broken() == []


# --- all parts together ---


@pytest.mark.django_db(transaction=True)
def test_a_rush_with_declines_is_settled_and_the_books_agree(
    worker: Child, stripe_server: StripeServer
) -> None:
    lipstick = make.variant(stocked=6, amount=1999)
    before = _taken(stripe_server)
    cards = ["pm_card_visa", "pm_card_chargeCustomerFail"] * 3
    purchases = [
        make.basket((lipstick, 1), by=make.real_buyer(card)).go(now=timezone.now()) for card in cards
    ]

    relay_until(lambda: not Purchase.objects.filter(status="accepted").exists())
    LiveRoom.relay()

    statuses = [Purchase.objects.get(pk=purchase.pk).status for purchase in purchases]
    assert statuses == ["paid", "declined"] * 3
    assert make.left(lipstick) == 3
    assert _taken(stripe_server) - before == 3 * 1999
    assert make.broken() == []


def _taken(server: StripeServer) -> int:
    """What the simulator's own books say was captured in euros, in cents."""
    return sum(
        charge.amount_captured
        for charge in server.client().v1.charges.list({"limit": 100}).auto_paging_iter()
        if charge.currency == "eur"
    )
