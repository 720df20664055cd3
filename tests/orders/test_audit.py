"""Each check of the audit is seen to fail on data that was corrupted behind the product's back."""

import json
from datetime import UTC, datetime
from io import StringIO
from typing import NamedTuple
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from catalog import bundles, locations, movements, places, stock
from catalog.models import Variant
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
from tests.orders.make import after
from tests.streams.make import cohost

pytestmark = pytest.mark.django_db

LONG_AGO = "now() - interval '1 hour'"


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


def corrupt(*statements: str) -> None:
    """Change rows with triggers and foreign keys off, as a mistake in the product could not."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)
            assert cursor.rowcount != 0, f"changed nothing: {statement}"


class Lie(NamedTuple):
    check: str
    statements: tuple[str, ...]


def lie(check: str, *statements: str) -> Lie:
    return Lie(check, statements)


PAID = "(SELECT id FROM orders_purchase WHERE status = 'paid' ORDER BY id LIMIT 1)"
OF_BUNDLE = """(SELECT line_id FROM orders_hold h JOIN orders_orderline l ON l.id = h.line_id
                 WHERE h.variant_id <> l.variant_id)"""
WAITING = "(SELECT id FROM orders_purchase WHERE status = 'accepted' ORDER BY id LIMIT 1)"

LIES = [
    lie(
        "commission-as-promised",
        "INSERT INTO catalog_commissionplan (id, merchant_id, name, kind, all_products)"
        " SELECT id, id, 'x', 'open', true FROM commerce_merchant",
        "INSERT INTO catalog_commissionrate (id, merchant_id, plan_id, rate_bp, valid_from)"
        " SELECT id, id, id, 4000, '2000-01-01' FROM commerce_merchant",
    ),
    lie("stock-adds-up", "UPDATE catalog_stock SET available = available + 1"),
    lie("stock-adds-up", "UPDATE orders_hold SET quantity = quantity + 1 WHERE status = 'taken'"),
    lie("stock-adds-up", "DELETE FROM catalog_stockmovement"),
    lie("stock-adds-up", "DELETE FROM orders_carthold"),
    lie("stock-adds-up", "UPDATE orders_carthold SET quantity = quantity + 1"),
    lie("stock-adds-up", "UPDATE orders_waitlistentry SET status = 'lapsed' WHERE status = 'offered'"),
    lie("stock-adds-up", "UPDATE orders_waitlistentry SET status = 'offered' WHERE status = 'waiting'"),
    lie("location-stock-adds-up", "UPDATE catalog_locationstock SET on_hand = on_hand + 1"),
    lie("location-stock-adds-up", "DELETE FROM catalog_locationstock"),
    lie(
        "location-stock-adds-up", "UPDATE catalog_stockmovement SET on_hand_delta = 4 WHERE on_hand_delta = 5"
    ),
    lie("main-location-has-no-rows", "UPDATE catalog_location SET is_main = false WHERE is_main"),
    lie(
        "main-location-has-no-rows",
        "DROP INDEX location_one_main",
        "UPDATE catalog_location SET is_main = true",
    ),
    lie(
        "stock-not-negative",
        "ALTER TABLE catalog_stock DROP CONSTRAINT stock_never_negative",
        "UPDATE catalog_stock SET available = -1",
    ),
    lie("offer-quota-adds-up", 'UPDATE streams_offer SET "left" = "left" + 1 WHERE "left" < quota'),
    lie("offer-limit-adds-up", "UPDATE streams_offerbuyer SET units = 1 WHERE units = 2"),
    lie("offer-limit-adds-up", "DELETE FROM streams_offerbuyer"),
    lie("offer-limit-adds-up", "UPDATE streams_offer SET per_buyer = 1"),
    lie("coupon-quota-adds-up", 'UPDATE streams_coupon SET "left" = "left" + 1'),
    lie("coupon-quota-adds-up", "DELETE FROM streams_couponclaim"),
    lie(
        "coupon-use-within-limit",
        "ALTER TABLE streams_couponclaim DROP CONSTRAINT coupon_claim_limit_holds",
        "UPDATE streams_couponclaim SET used = cap + 1",
    ),
    lie("holds-follow-purchases", "UPDATE orders_hold SET status = 'held' WHERE status = 'taken'"),
    lie("holds-follow-purchases", "UPDATE orders_hold SET status = 'released' WHERE status = 'held'"),
    lie("holds-follow-purchases", "UPDATE orders_purchase SET grace_until = now() WHERE status = 'declined'"),
    lie(
        "graces-end-in-time",
        f"UPDATE orders_purchase SET grace_until = {LONG_AGO} WHERE status = 'declined'",
    ),
    lie("holds-follow-purchases", "UPDATE orders_purchase SET status = 'expired' WHERE status = 'accepted'"),
    lie("lines-have-holds", "DELETE FROM orders_hold WHERE status = 'released'"),
    lie("lines-have-holds", "UPDATE orders_hold SET offer_id = NULL"),
    lie("lines-have-holds", f"UPDATE orders_hold SET quantity = quantity + 1 WHERE line_id IN {OF_BUNDLE}"),
    lie("lines-have-holds", f"DELETE FROM orders_hold WHERE line_id IN {OF_BUNDLE}"),
    lie("totals-add-up", "UPDATE orders_purchase SET amount = amount + 1"),
    lie("totals-add-up", "UPDATE orders_order SET amount = amount + 1, currency = 'USD'"),
    lie("totals-add-up", "UPDATE orders_orderline SET currency = 'USD'"),
    lie("orders-follow-purchases", "UPDATE orders_order SET status = 'pending' WHERE status = 'open'"),
    lie("orders-follow-purchases", "UPDATE orders_order SET status = 'open' WHERE status = 'pending'"),
    lie("orders-follow-purchases", "UPDATE orders_order SET status = 'open' WHERE status = 'cancelled'"),
    lie("orders-follow-purchases", "UPDATE orders_order SET status = 'shipping' WHERE status = 'open'"),
    lie("preorders-are-promised", "UPDATE orders_payment SET amount = 1 WHERE status = 'authorized'"),
    lie("preorders-are-promised", "UPDATE orders_payment SET status = 'sent' WHERE status = 'authorized'"),
    lie("preorders-are-promised", "UPDATE orders_purchase SET status = 'accepted' WHERE pay_at_shipping"),
    lie(
        "captures-come-to-an-end", f"UPDATE orders_order SET updated_at = {LONG_AGO} WHERE status LIKE '%ing'"
    ),
    lie("history-is-whole", "DELETE FROM orders_purchasemove WHERE new = 'paid'"),
    lie("paid-once", "UPDATE orders_payment SET status = 'cancelled' WHERE status = 'succeeded'"),
    lie(
        "paid-once",
        "UPDATE orders_payment SET amount = amount - 1 WHERE status = 'succeeded' AND refunded_amount = 0",
    ),
    lie(
        "paid-once",
        "DROP INDEX payment_one_alive_per_purchase",
        f"""INSERT INTO orders_payment (id, purchase_id, number, card_id, amount, currency, status, charge_id,
                                        decline_code, message, refunded_amount)
            SELECT gen_random_uuid(), purchase_id, 9, card_id, amount, currency, status, charge_id, '', '', 0
              FROM orders_payment WHERE purchase_id = {PAID}""",
    ),
    lie(
        "paid-once",
        f"""INSERT INTO orders_payment (id, purchase_id, number, card_id, amount, currency, status, charge_id,
                                        decline_code, message, refunded_amount)
            SELECT gen_random_uuid(), {WAITING}, 9, card_id, amount, currency, status, charge_id, '', '', 0
              FROM orders_payment WHERE purchase_id = {PAID}""",
    ),
    lie("captures-are-booked", "UPDATE orders_payment SET charge_id = '' WHERE status = 'succeeded'"),
    lie("captures-are-booked", "UPDATE orders_payment SET provider_id = NULL WHERE status = 'returned'"),
    lie("captures-are-booked", "UPDATE commerce_ledgertransaction SET kind = 'x' WHERE kind = 'capture'"),
    lie(
        "captures-are-booked",
        "UPDATE commerce_posting SET amount = amount + 1 WHERE account = 'provider'",
    ),
    lie(
        "captures-are-booked",
        "UPDATE commerce_ledgertransaction SET ref = 'x' WHERE kind = 'capture'"
        " AND id = (SELECT min(id::text)::uuid FROM commerce_ledgertransaction WHERE kind = 'capture')",
    ),
    lie("sales-are-booked", "DELETE FROM commerce_ledgertransaction WHERE kind = 'sale'"),
    lie(
        "sales-are-booked",
        f"UPDATE commerce_ledgertransaction SET ref = {WAITING}::text WHERE ref = {PAID}::text",
    ),
    lie(
        "merchants-get-the-rest",
        """UPDATE commerce_posting
              SET amount = amount + CASE WHEN account LIKE 'merchant:%' THEN 50 ELSE -50 END
            WHERE account LIKE 'merchant:%' OR account LIKE 'platform:%'""",
    ),
    lie("commission-matches", "DELETE FROM orders_commission"),
    lie("commission-matches", "UPDATE orders_commission SET amount = amount + 2"),
    lie("commission-matches", "UPDATE orders_commission SET base_amount = base_amount + 1"),
    lie(
        "commission-matches",
        "UPDATE orders_orderline SET host_id = NULL WHERE id IN (SELECT line_id FROM orders_commission)",
    ),
    lie("commission-matches", "UPDATE commerce_posting SET amount = amount - 1 WHERE account LIKE 'host:%'"),
    lie("commission-is-shared", "UPDATE orders_commission SET share_bp = share_bp - 1"),
    lie("commission-is-shared", "UPDATE streams_cohost SET agreed_at = '2040-01-01'"),
    lie(
        "commission-is-shared",
        "UPDATE orders_commission SET amount = amount + CASE WHEN share_bp > 5000 THEN 1 ELSE -1 END"
        " WHERE reversed_amount = 0",
    ),
    lie("hosts-bear-their-parts", "DELETE FROM orders_commissionback"),
    lie("hosts-bear-their-parts", "UPDATE orders_commissionback SET amount = amount + 1"),
    lie(
        "hosts-bear-their-parts",
        "UPDATE orders_commissionback b SET amount = b.amount + 5 * sign(c.share_bp - 5000)"
        "  FROM orders_commission c WHERE c.id = b.commission_id AND c.reversed_amount * 2 < c.amount",
        "UPDATE orders_commission SET reversed_amount = reversed_amount + 5 * sign(share_bp - 5000)"
        " WHERE reversed_amount > 0 AND reversed_amount * 2 < amount",
    ),
    lie("ledger-balances", "UPDATE commerce_posting SET amount = amount + 1 WHERE amount > 1"),
    lie("ledger-balances", "DELETE FROM commerce_posting"),
    lie("clearing-is-empty", "UPDATE commerce_posting SET currency = 'USD' WHERE amount > 0"),
    lie(
        "clearing-is-empty",
        "UPDATE commerce_posting SET account = 'elsewhere' WHERE account LIKE 'clearing:%' AND amount > 0",
    ),
    lie(
        "refunds-within-captures", "UPDATE orders_payment SET refunded_amount = 1 WHERE status = 'succeeded'"
    ),
    lie("refunds-within-captures", "UPDATE orders_payment SET refunded_amount = 0 WHERE status = 'returned'"),
    lie("refunds-within-captures", "DELETE FROM orders_refund"),
    lie("refunds-within-captures", "UPDATE orders_refund SET amount = amount + 1"),
    lie("refunds-within-captures", "UPDATE orders_payment SET status = 'declined' WHERE status = 'returned'"),
    lie("refunds-within-captures", "UPDATE orders_refund SET provider_id = NULL"),
    lie(
        "refunds-within-captures",
        "UPDATE commerce_ledgertransaction SET kind = 'x' WHERE kind = 'refund.paid'",
    ),
    lie("refund-lines-add-up", "DELETE FROM orders_refundline"),
    lie("refund-lines-add-up", "UPDATE orders_orderline SET refunded_amount = 1"),
    lie("refund-lines-add-up", "UPDATE orders_orderline SET refunded_quantity = 1"),
    lie(
        "refund-lines-add-up",
        "UPDATE orders_commission SET reversed_amount = 0 WHERE reversed_amount > 0",
    ),
    lie("refund-lines-add-up", "UPDATE orders_commission SET status = 'reversed'"),
    lie(
        "refund-lines-add-up",
        "UPDATE commerce_posting SET amount = amount + 1 WHERE account LIKE 'host:%' AND amount > 0",
    ),
    lie("disputes-are-booked", "UPDATE orders_dispute SET withdrawn_amount = withdrawn_amount - 1"),
    lie("disputes-are-booked", "UPDATE orders_dispute SET reinstated_amount = 1"),
    lie(
        "disputes-are-booked",
        "UPDATE orders_dispute SET reinstated_at = now(), reinstated_amount = withdrawn_amount",
    ),
    lie("disputes-are-booked", "UPDATE orders_disputeline SET host_amount = host_amount + 1"),
    lie(
        "disputes-are-booked", "UPDATE commerce_ledgertransaction SET kind = 'x' WHERE kind LIKE 'dispute.%'"
    ),
    lie("commission-lives", "UPDATE orders_commission SET status = 'reversed' WHERE status = 'paid'"),
    lie("commission-lives", "UPDATE orders_commission SET earned_at = now() WHERE status = 'pending'"),
    lie("commission-lives", "UPDATE orders_order SET status = 'open' WHERE status = 'shipped'"),
    lie("earned-is-booked", "UPDATE orders_proceeds SET amount = amount + 1"),
    lie("earned-is-booked", "DELETE FROM orders_proceeds"),
    lie("earned-is-booked", "DELETE FROM commerce_ledgertransaction WHERE kind = 'commission.earned'"),
    lie("earned-is-booked", "UPDATE orders_commission SET earned_at = NULL, status = 'pending'"),
    lie(
        "pending-is-what-is-not-earned",
        "UPDATE orders_commission SET reversed_amount = reversed_amount - 1 WHERE reversed_amount > 0",
    ),
    lie(
        "pending-is-what-is-not-earned",
        "UPDATE commerce_posting SET account = 'payable:' || account WHERE account LIKE 'host:%'",
    ),
    lie("totals-add-up", "UPDATE orders_order SET shipping_amount = shipping_amount + 1"),
    lie("totals-add-up", "UPDATE orders_orderline SET tax_amount = tax_amount + 1 WHERE tax_on_top"),
    lie("totals-add-up", "UPDATE orders_orderline SET tax_on_top = true"),
    lie("tax-follows-its-rate", "UPDATE orders_order SET shipping_tax_bp = 700 WHERE shipping_tax_bp > 0"),
    lie("tax-follows-its-rate", "UPDATE orders_orderline SET tax_bp = 700 WHERE tax_bp > 0"),
    lie("tax-follows-its-rate", "UPDATE orders_orderline SET tax_amount = 1 WHERE tax_name = ''"),
    lie(
        "charges-are-booked",
        "UPDATE commerce_ledgertransaction SET kind = 'x' WHERE kind = 'sale.shipping'",
    ),
    lie(
        "charges-are-booked",
        "UPDATE commerce_ledgertransaction SET kind = 'x' WHERE kind = 'sale.tax'",
    ),
    lie(
        "charges-given-back-add-up",
        "UPDATE orders_order SET refunded_shipping_amount = 1 WHERE shipping_amount > 0",
    ),
    lie("charges-given-back-add-up", "UPDATE orders_shippingback SET tax_amount = tax_amount - 1"),
    lie("charges-given-back-add-up", "UPDATE orders_refundline SET tax_amount = 0 WHERE tax_amount > 0"),
    lie("refund-lines-add-up", "DELETE FROM orders_shippingback"),
    lie(
        "payouts-within-captures",
        "UPDATE orders_payment SET transferred_amount = 1 WHERE status = 'succeeded' AND refunded_amount = 0",
    ),
    lie(
        "payouts-within-captures",
        "ALTER TABLE orders_payment DROP CONSTRAINT payment_payouts_capped",
        "UPDATE orders_payment SET refunded_amount = amount WHERE transferred_amount > 0",
    ),
    lie("payouts-are-booked", "UPDATE orders_payout SET amount = amount + 1"),
    lie("payouts-are-booked", "UPDATE orders_payout SET status = 'paid' WHERE status = 'sending'"),
    lie("payouts-are-booked", "UPDATE orders_payoutleg SET amount = amount + 1"),
    lie("payouts-are-booked", "DELETE FROM commerce_ledgertransaction WHERE kind = 'transfer.paid'"),
    lie("payouts-are-booked", "UPDATE orders_payoutleg SET status = 'failed' WHERE status = 'created'"),
    lie("reversals-are-booked", "UPDATE orders_payoutleg SET reversed_amount = 1 WHERE status = 'paid'"),
    lie(
        "reversals-are-booked",
        """INSERT INTO orders_reversal (id, leg_id, amount, currency, status, failure, attempts)
           SELECT gen_random_uuid(), id, 1, currency, 'created', '', 0 FROM orders_payoutleg LIMIT 1""",
    ),
    lie(
        "debts-are-written-off-by-somebody",
        "UPDATE commerce_posting SET account = 'bad_debts' WHERE account LIKE 'payable:%'",
    ),
    lie(
        "refused-reversals-are-told",
        """INSERT INTO orders_reversal (id, leg_id, amount, currency, status, failure, attempts, created_at)
           SELECT gen_random_uuid(), g.id, 1, g.currency, 'failed', 'x', 1, now()
             FROM orders_payoutleg g, generate_series(1, 5)""",
    ),
    lie("paid-is-in-a-payout", "UPDATE orders_commission SET payout_id = NULL WHERE status = 'paid'"),
    lie("paid-is-in-a-payout", "UPDATE orders_payout SET status = 'failed' WHERE status = 'paid'"),
    lie("payouts-come-to-an-end", f"UPDATE orders_payoutleg SET created_at = {LONG_AGO}"),
    lie("nothing-quarantined", "UPDATE commerce_event SET quarantined_at = now(), delivered_at = NULL"),
    lie("events-are-delivered", f"UPDATE commerce_event SET delivered_at = NULL, created_at = {LONG_AGO}"),
    lie("notices-are-read", f"UPDATE commerce_notice SET processed_at = NULL, received_at = {LONG_AGO}"),
    lie(
        "holds-end-in-time",
        f"UPDATE orders_purchase SET hold_until = {LONG_AGO} WHERE status = 'accepted'",
    ),
    lie("cart-holds-end-in-time", f"UPDATE orders_carthold SET until = {LONG_AGO}"),
    lie(
        "turns-end-in-time",
        f"UPDATE orders_waitlistentry SET turn_until = {LONG_AGO} WHERE status = 'offered'",
    ),
    lie(
        "coupons-end-in-time",
        f"UPDATE streams_coupon SET opens_at = {LONG_AGO} - interval '1 minute', closes_at = {LONG_AGO}",
    ),
    lie(
        "returns-end-in-time",
        f"""INSERT INTO orders_return (id, merchant_id, order_id, status, reason, note, answer, until)
            SELECT gen_random_uuid(), merchant_id, id, 'approved', 'damaged', '', '', {LONG_AGO}
              FROM orders_order WHERE status = 'shipped'""",
    ),
    lie("parcels-add-up", "UPDATE orders_shipmentline SET quantity = quantity + 1"),
    lie("parcels-add-up", "DELETE FROM orders_shipmentline"),
    lie("parcels-add-up", "UPDATE orders_order SET status = 'partly_shipped' WHERE status = 'shipped'"),
    lie("parcels-add-up", "UPDATE orders_order SET status = 'delivered' WHERE status = 'shipped'"),
    lie(
        "parcels-add-up",
        "UPDATE orders_shipmentline SET line_id = (SELECT l.id FROM orders_orderline l WHERE l.id <> line_id"
        " LIMIT 1)",
    ),
    lie("guests-are-forgotten", "UPDATE orders_guestcart SET updated_at = now() - interval '2 months'"),
    lie(
        "charges-come-to-an-end",
        f"UPDATE orders_purchase SET updated_at = {LONG_AGO} WHERE status = 'accepted'",
    ),
    lie(
        "charges-come-to-an-end",
        f"UPDATE orders_payment SET status = 'sent', checked_at = {LONG_AGO} WHERE status LIKE 'action%'",
    ),
    lie(
        "charges-come-to-an-end",
        f"UPDATE orders_purchase SET hold_until = {LONG_AGO} WHERE status = 'action_required'",
    ),
    lie("refunds-come-to-an-end", "UPDATE orders_refund SET status = 'failed'"),
    lie("refunds-within-captures", "UPDATE orders_refund SET status = 'by_bank', bank_amount = amount"),
    lie(
        "refunds-come-to-an-end",
        f"UPDATE orders_refund SET status = 'created', created_at = {LONG_AGO}",
    ),
    lie(
        "refunds-come-to-an-end",
        f"UPDATE orders_refund SET status = 'unknown', created_at = {LONG_AGO}",
    ),
    lie(
        "refunds-come-to-an-end",
        "UPDATE orders_refund SET status = 'pending', checked_at = now() - interval '1 day'",
    ),
    lie(
        "offers-end-in-time",
        f"""UPDATE streams_offer SET status = 'open', opens_at = {LONG_AGO} - interval '1 minute',
                   closes_at = {LONG_AGO}""",
    ),
    lie(
        "no-notice-quarantined",
        "UPDATE commerce_notice SET processed_at = NULL, quarantined_at = now()",
    ),
    lie("no-open-discrepancy", "UPDATE orders_discrepancy SET resolved_at = NULL"),
    lie("show-log-is-whole", 'DELETE FROM streams_showevent WHERE "offset" = 2'),
]


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
