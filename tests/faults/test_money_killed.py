"""Killed as by `kill -9` at each step of a refund, a notice and reconciling: afterwards the provider's books
and ours are the same, charge by charge, refund by refund and fee by fee."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from catalog.models import Variant
from commerce import gateway
from commerce.models import LedgerTransaction, Notice
from config import processes, servers
from config.children import Child
from config.embedded import free_port
from orders import fulfilment, recovery, tasks, transactions
from orders.models import Discrepancy, Dispute, Mark, Order, Payment, Purchase, Refund
from orders.reconciling import notices, reconciler
from orders.settling import charging, refunds
from tests import books
from tests.live_server import LiveRoom
from tests.orders import make
from tests.stripe_server import StripeServer
from tests.worker_process import Start, relay_until

pytestmark = pytest.mark.django_db(transaction=True)

PRICE, PART = 1999, 700
faults = pytest.mark.faults


def bought(card: str = "pm_card_visa") -> Purchase:
    return make.basket((make.variant(amount=PRICE), 1), by=make.real_buyer(card)).go(now=timezone.now())


def charge(purchase: Purchase) -> Payment:
    charging.charge(purchase_id=purchase.id, now=timezone.now())
    return Payment.objects.get(purchase=purchase)


def heal() -> None:
    """What beat rings for, half a minute later, once nobody else is at it."""
    at = timezone.now() + timedelta(seconds=31)
    end = time.monotonic() + 10
    while not reconciler.reconcile(now=at):  # The dead process's lock goes with its connection.
        assert time.monotonic() < end
        time.sleep(0.02)
    recovery.finish(now=at + timedelta(seconds=31))
    LiveRoom.relay()


def in_the_end(server: StripeServer) -> None:
    books.equal(server.books())
    make.audited()


REFUNDS = {
    "refund.before_send": ("sent", 0),  # Written down, the provider not asked yet.
    "refund.after_send": ("sent", 1),  # On its way, and nobody here knows.
    "refund.after_take_in": ("succeeded", 1),  # All done, the task not acknowledged.
}


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("refund.before_send", marks=faults),
        "refund.after_send",
        pytest.param("refund.after_take_in", marks=faults),
    ],
)
def test_a_refund_is_carried_out_once(
    own_stripe: StripeServer, own_worker: Start, tmp_path: Path, point: str
) -> None:
    payment = charge(bought())
    dying = own_worker(FAULT=f"{point}:{tmp_path / 'died'}")
    transactions.run(
        lambda: refunds.owe(payment=payment, amount=PART, reason="scratched", now=timezone.now())
    )

    relay_until(lambda: not dying.alive())

    status, sent = REFUNDS[point]
    assert Refund.objects.get().status == status
    assert len(own_stripe.books()["refunds"]) == sent
    heal()
    assert Refund.objects.get().status == "succeeded"
    assert [each["amount"] for each in own_stripe.books()["refunds"]] == [PART]
    in_the_end(own_stripe)


CAPTURES = {
    "capture.before_send": ("authorized", 0),  # The parcel is ready, the provider not asked.
    "capture.after_send": ("authorized", PRICE),  # Taken, and nobody here knows.
    "capture.after_apply": ("succeeded", PRICE),  # All done, the task not acknowledged.
}


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("capture.before_send", marks=faults),
        "capture.after_send",
        pytest.param("capture.after_apply", marks=faults),
    ],
)
def test_a_preorders_money_is_taken_once(
    own_stripe: StripeServer, own_worker: Start, tmp_path: Path, point: str
) -> None:
    goods, opens = make.variant(amount=PRICE), timezone.now() + timedelta(days=1)
    Variant.objects.filter(pk=goods.pk).update(release_at=opens)
    purchase = make.basket((goods, 1), by=make.real_buyer()).go(now=timezone.now())
    assert charge(purchase).status == "authorized"
    dying = own_worker(FAULT=f"{point}:{tmp_path / 'died'}")
    order = Order.objects.get()
    parcel = {"carrier": "DHL", "tracking_number": "1", "tracking_url": ""}
    fulfilment.ship(merchant_id=order.merchant_id, order_id=order.id, now=opens, **parcel)
    Order.objects.update(updated_at=timezone.now())

    relay_until(lambda: not dying.alive())

    status, taken = CAPTURES[point]
    assert Payment.objects.get().status == status
    assert sum(each["captured"] for each in own_stripe.books()["intents"]) == taken
    heal()
    heal()  # A minute later its movement is found, and its fee booked.
    assert (Payment.objects.get().status, Order.objects.get().status) == ("succeeded", "shipped")
    in_the_end(own_stripe)


DISPUTES = {
    "dispute.written": 0,  # Booked, and not committed.
    "dispute.committed": PRICE,  # Booked, and its notice counts as unread.
}


@pytest.mark.parametrize("point", ["dispute.written", pytest.param("dispute.committed", marks=faults)])
def test_what_a_bank_took_is_booked_once(
    own_stripe: StripeServer, own_worker: Start, tmp_path: Path, point: str
) -> None:
    charge(bought("pm_card_createDispute"))
    dying = own_worker(FAULT=f"{point}:{tmp_path / 'died'}")
    since = timezone.now() - timedelta(minutes=5)
    (told,) = gateway.events_since(since, types=("charge.dispute.created",))
    notices.record(notice=told, now=timezone.now())

    relay_until(lambda: not dying.alive())

    assert sum(Dispute.objects.values_list("withdrawn_amount", flat=True)) == DISPUTES[point]
    assert Notice.objects.get().processed_at is None
    heal()
    heal()  # A minute later its movement is found, and its fee booked.
    assert Dispute.objects.get().withdrawn_amount == PRICE
    assert LedgerTransaction.objects.filter(kind="dispute.withdrawn").count() == 1
    assert Discrepancy.objects.get().what.endswith("UTC"), "somebody has to answer"
    Discrepancy.objects.update(resolved_at=timezone.now())
    in_the_end(own_stripe)


NOTICES = {
    "notice.read_before_apply": "unknown",  # Taken up, and nothing of it true here.
    "notice.read_after_apply": "succeeded",  # All of it true, and it counts as unread.
}


@pytest.mark.parametrize("point", [pytest.param(each, marks=faults) for each in NOTICES])
def test_a_notice_is_read_to_its_end(
    own_stripe: StripeServer, own_worker: Start, tmp_path: Path, point: str
) -> None:
    own_stripe.fault("drop_after", path="/v1/payment_intents")
    payment = charge(bought())
    assert payment.status == "unknown"
    dying = own_worker(FAULT=f"{point}:{tmp_path / 'died'}")
    (told,) = gateway.events_since(timezone.now() - timedelta(minutes=5), types=("payment_intent.succeeded",))
    notices.record(notice=told, now=timezone.now())

    relay_until(lambda: not dying.alive())

    assert Payment.objects.get().status == NOTICES[point]
    assert Notice.objects.get().processed_at is None
    heal()
    assert Notice.objects.get(provider_id=told.id).processed_at is not None
    assert Purchase.objects.get().status == "paid"
    in_the_end(own_stripe)


@pytest.mark.faults
@pytest.mark.parametrize("point", ["notice.recorded"])
def test_a_notice_that_was_kept_and_not_answered_comes_again_and_counts_once(
    process_env: dict[str, str], settings: Any, tmp_path: Path, point: str
) -> None:
    port = free_port()
    provider = StripeServer(
        webhook=(f"http://127.0.0.1:{port}/api/v1/webhooks/stripe", settings.STRIPE_WEBHOOK_SECRETS[0])
    )
    settings.STRIPE_API_BASE = provider.url
    started: list[Child] = []

    def web(**env: str) -> Child:
        table = processes.own(
            web_port=port,
            live_port=free_port(),
            simulator_port=provider.port,
            secret=settings.STRIPE_WEBHOOK_SECRETS[0],
            env={**process_env, **env, "VAR_DIR": str(tmp_path)},
            state=tmp_path / "unused.json",
        )
        started.append(servers.start(table["web"]))
        return started[-1]

    try:
        dying = web(FAULT=f"{point}:{tmp_path / 'died'}")
        provider.webhooks(deliver=False)
        purchase = bought()
        provider.webhooks(deliver=True)
        payment = charge(purchase)

        until(lambda: not dying.alive())
        # Several come at once: whoever dies takes those along that are just being answered.
        kept = dict(Notice.objects.values_list("provider_id", "pk"))
        assert kept
        web()
        told = provider.client().v1.events
        until(lambda: not told.list({"type": "payment_intent.succeeded", "delivery_success": False}).data)
        until(lambda: kept.keys().isdisjoint(e.id for e in told.list({"delivery_success": False}).data))

        heal()
        assert kept.items() <= dict(Notice.objects.values_list("provider_id", "pk")).items()
        assert Notice.objects.get(type="payment_intent.succeeded").processed_at is not None
        assert payment.status == "succeeded"
        in_the_end(provider)
    finally:
        for child in started:
            child.stop()
        provider.stop()


@pytest.mark.parametrize("point", ["reconcile.before_mark"])
def test_a_reconciler_killed_before_its_mark_begins_again(
    own_stripe: StripeServer, own_worker: Start, tmp_path: Path, point: str
) -> None:
    purchases = []
    for card in ("pm_card_visa", "pm_card_chargeCustomerFail"):
        purchases.append(bought(card))
        own_stripe.fault("drop_after", path="/v1/payment_intents")
        assert charge(purchases[-1]).status == "unknown"
    dying = own_worker(FAULT=f"{point}:{tmp_path / 'died'}")

    tasks.reconcile.delay()
    until(lambda: not dying.alive())

    assert Notice.objects.filter(processed_at=None).exists()
    assert not Mark.objects.exists()
    heal()
    assert {each.name for each in Mark.objects.all()} == set(reconciler.LISTS)
    assert [Purchase.objects.get(pk=each.pk).status for each in purchases] == ["paid", "declined"]
    in_the_end(own_stripe)


def until(true: Callable[[], Any], *, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
