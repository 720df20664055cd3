"""Lies, one or more for each check of the audit: statements that no product's verb would run."""

from typing import NamedTuple

from django.db import connection

LONG_AGO = "now() - interval '1 hour'"


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
