"""Each check of the audit is seen to fail on data that was corrupted behind the product's back."""

import json
from datetime import UTC, datetime
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import transaction

from catalog import bundles
from catalog.models import Variant
from catalog.shelf import locations, movements, places, stock
from commerce import gateway
from commerce.models import ConnectedAccount, Event, Notice
from commerce.money import Money
from orders import audit, fulfilment
from orders.aftersales import disputes
from orders.books import earning, postings
from orders.carts import guests
from orders.models import CartHold, Discrepancy, Order, Payment, PayoutLeg, Purchase, Refund, WaitlistEntry
from orders.payouts import paying, sending
from orders.settling import charging, payments, refunds
from streams import coupons
from streams.models import Offer, ShowEvent
from tests.orders import make, tariffing
from tests.orders.lies import LIES, corrupt
from tests.orders.make import after
from tests.streams.make import cohost

pytestmark = pytest.mark.django_db


def hear(payment: Payment, status: str, seconds: float) -> None:
    payments.apply(intent=make.said(payment, status), now=after(seconds))


def hear_dispute(payment: Payment) -> None:
    told = gateway.Dispute(
        id="dp_1",
        status="needs_response",
        reason="general",
        amount=Money(payment.amount, payment.currency),
        charge_id=payment.charge_id,
        intent_id=payment.provider_id,
        due_at=None,
        withdrawn=payment.amount,
    )
    disputes.take_in(told=told, now=after(5))


def ship(order: Order, now: datetime) -> None:
    parcel = {"carrier": "DHL", "tracking_number": "1", "tracking_url": ""}
    fulfilment.ship(merchant_id=order.merchant_id, order_id=order.id, now=now, **parcel)


def preordered(now: datetime) -> Purchase:
    """A pre-order that its card has promised to pay."""
    one = make.variant()
    Variant.objects.filter(pk=one.pk).update(release_at=after(100_000))
    purchase = make.basket((one, 1)).go(now=now)
    hear(make.sent(purchase), "held", 2)
    return purchase


def pay_out(host_id: UUID, merchant_id: UUID) -> None:
    """The host's payout has arrived, the merchant's is on its way."""
    enabled = {"country": "DE", "state": "enabled"}
    hers = ConnectedAccount.objects.create(host_id=host_id, provider_id="acct_1", **enabled)
    theirs = ConnectedAccount.objects.create(merchant_id=merchant_id, provider_id="acct_2", **enabled)
    for account in (hers, theirs):
        paying.begin(account_id=account.id, currency="EUR", now=after(9 * 86_400))
    leg = PayoutLeg.objects.get(payout__account=hers)
    sent = gateway.Transfer("tr_1", Money(leg.amount, "EUR"), 0, "acct_1", leg.payment.charge_id, leg.id)
    sending.apply(answer=sent, leg_id=leg.id, now=after(9 * 86_400))


@pytest.fixture
def world() -> None:
    """One purchase of every fate, and everything in order."""
    lipstick = make.variant(stocked=30, amount=1999)
    stream = make.show(lipstick)
    cohost(stream)
    offer = make.offer(stream, lipstick, amount=999, quota=20, per_buyer=2, seconds=3600)

    def bought(status: str | None) -> Purchase:
        purchase = make.basket((lipstick, 2, offer), stream=stream).go(now=after(1))
        if status:
            hear(make.sent(purchase), status, 2)
        return purchase

    bought(None)
    bought("succeeded")
    declined = bought("declined")
    charging.retry(purchase_id=declined.id, buyer_id=declined.buyer_id, card_id=None, now=after(3))
    hear(Payment.objects.get(purchase=declined, number=2), "declined", 4)
    shipped = make.basket((lipstick, 3), stream=stream).go(now=after(1))
    hear(make.sent(shipped), "succeeded", 2)
    ship(Order.objects.get(purchase=shipped), after(9))
    bought("requires_action")
    patient = make.variant(stocked=1)
    evening = make.show(patient)
    graced = make.offer(evening, patient)
    Offer.objects.filter(pk=graced.pk).update(grace_seconds=60)
    hear(make.sent(make.basket((patient, 1, graced), stream=evening).go(now=after(1))), "declined", 2)
    contested = bought("succeeded")
    hear_dispute(Payment.objects.get(purchase=contested))
    late = make.variant(stocked=1)
    expired = make.basket((late, 1)).go()
    payment = make.sent(expired)
    hear(payment, "cancelled", 700)
    make.basket((late, 1)).go(now=after(701))
    hear(payment, "succeeded", 702)
    Refund.objects.update(status="succeeded", provider_id="re_1")
    postings.refund_paid(Refund.objects.get())
    kept = Payment.objects.get(purchase=shipped)
    refunds.owe(payment=kept, amount=900, reason="scratched", now=after(10))
    assert earning.sweep(now=after(8 * 86_400)) == 1
    pay_out(stream.host_id, lipstick.merchant_id)
    for offset in (1, 2, 3):
        ShowEvent.objects.create(stream=stream, epoch="k3f9", offset=offset, key=str(offset), frame={})
    for code in ("main", "berlin"):
        locations.create(merchant_id=late.merchant_id, code=code, name=code, now=make.NOW)
    places.set_level(
        merchant_id=late.merchant_id,
        variant_id=late.id,
        location="berlin",
        units=5,
        note="",
        by=movements.SOMEBODY,
        now=after(1),
    )
    wanted = make.variant(stocked=3)
    stock.take(units={wanted.id: 3}, now=make.NOW)
    CartHold.objects.create(
        buyer=make.user(), merchant=wanted.merchant, variant=wanted, quantity=2, until=after(600)
    )
    WaitlistEntry.objects.create(buyer=make.user(), variant=wanted, status="offered", turn_until=after(60))
    WaitlistEntry.objects.create(buyer=make.user(), variant=wanted, status="waiting", turn_until=after(60))
    coupon = make.coupon(stream, lipstick.merchant)
    coupons.claim(stream_id=stream.id, user_id=make.user().id, coupon_id=coupon.id, now=after(5))
    part = make.variant(stocked=9, seller=lipstick.merchant)
    kit = make.variant(stocked=0, seller=lipstick.merchant, product=lipstick.product, title="Two")
    bundles.set_parts(merchant_id=kit.merchant_id, bundle_id=kit.id, parts={part.id: 2}, now=make.NOW)
    make.basket((kit, 2, offer), stream=stream).go(now=after(1))
    for goes_out in (False, True):
        promised = preordered(after(1))
        order = Order.objects.get(purchase=promised)
        if goes_out:
            ship(order, after(200_000))
    guests.add(token=None, variant_id=part.id, quantity=1, stream_id=None, network="x", now=datetime.now(UTC))
    taxed = make.variant(amount=1000)
    tariffing.tax(taxed.merchant)
    tariffing.on_top(taxed.merchant)
    tariffing.zone(taxed.merchant, "DE", amount=500)
    for fate in ("refunded", "contested"):
        charged = make.basket((taxed, 2), total=2975).go(now=after(1))
        hear(make.sent(charged), "succeeded", 2)
        if fate == "refunded":
            kept = Payment.objects.get(purchase=charged)
            refunds.owe(payment=kept, amount=2975, reason="lost", now=after(10))
    Event.objects.update(delivered_at=make.NOW)
    Discrepancy.objects.create(
        kind="movement", provider_id="txn_1", first_seen=make.NOW, last_seen=make.NOW, resolved_at=make.NOW
    )
    Notice.objects.create(provider_id="evt_1", type="x", payload={}, livemode=False, processed_at=make.NOW)


def test_a_world_in_order_passes(world: None) -> None:
    statuses = set(Purchase.objects.values_list("status", flat=True))
    assert statuses == {"accepted", "action_required", "authorized", "paid", "declined", "expired"}

    findings = audit.run()

    assert [finding for finding in findings if finding.broken] == []
    assert {finding.name for finding in findings if not finding.looked_at} == {"events-are-delivered"}


def test_every_lie_is_found(world: None) -> None:
    missed = []
    for each in LIES:
        with transaction.atomic():
            corrupt(*each.statements)
            if each.check not in make.broken():
                missed.append(each)
            transaction.set_rollback(True)

    assert missed == []
    assert make.broken() == []


def test_every_check_has_a_lie() -> None:
    assert {check.name for check in audit.CHECKS} == {each.check for each in LIES}
    assert len({check.name for check in audit.CHECKS}) == len(audit.CHECKS)


def test_the_command_says_what_it_looked_at_and_fails_on_a_lie(
    world: None, capsys: pytest.CaptureFixture[str]
) -> None:
    out = StringIO()
    call_command("audit", stdout=out)
    assert f"{len(audit.CHECKS)} checks, all ok." in out.getvalue()

    corrupt("UPDATE catalog_stock SET available = available + 1")
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("audit", stdout=out)

    assert ended.value.code == 1
    assert "BAD" in out.getvalue()
    assert "stock-adds-up" in out.getvalue()
    assert "available" in out.getvalue()
    assert f"{len(audit.CHECKS)} checks, 1 BAD." in out.getvalue()


def test_the_command_speaks_json(world: None) -> None:
    corrupt("UPDATE orders_commission SET rate_bp = rate_bp + 1")
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("audit", "--json", stdout=out)

    (bad,) = [finding for finding in json.loads(out.getvalue()) if finding["broken"]]
    assert bad["name"] == "commission-matches"
    assert bad["examples"]
