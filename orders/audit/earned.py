"""Rules of what merchants and hosts have earned, and of what they were paid."""

from orders.audit.checks import Check

EARNED: tuple[Check, ...] = (
    Check(
        "commission-lives",
        "Commission is earned once the time for returns is over, and its status is what its amounts say.",
        "SELECT count(*) FROM orders_commission",
        """
        SELECT format('line %s (%s): %s less %s, earned at %s', c.line_id, c.status, c.amount,
                      c.reversed_amount, c.earned_at)
          FROM orders_commission c
          JOIN orders_orderline l ON l.id = c.line_id
          JOIN orders_order o ON o.id = l.order_id
         WHERE CASE c.status WHEN 'pending' THEN c.earned_at IS NOT NULL
                             WHEN 'reversed' THEN c.reversed_amount < c.amount
                             ELSE c.earned_at IS NULL END
            OR (c.earned_at IS NOT NULL AND o.status NOT IN ('shipped', 'delivered', 'cancelled'))
        """,
    ),
    Check(
        "commission-as-promised",
        "Hosts' rates are those that plans promised at the moment of sale, the nearest one's.",
        "SELECT count(*) FROM orders_orderline WHERE host_id IS NOT NULL",
        # A sale and a change within the same minute may each have come first.
        """
        SELECT format('line %s, host %s: %s, promised %s', s.id, s.host_id, s.host_commission_bp, q.bp)
          FROM (SELECT l.id, l.merchant_id, l.host_id, l.host_commission_bp, l.platform_fee_bp,
                       v.product_id, p.created_at AS at
                  FROM orders_orderline l
                  JOIN orders_order o ON o.id = l.order_id
                  JOIN orders_purchase p ON p.id = o.purchase_id
                  JOIN catalog_variant v ON v.id = l.variant_id
                 WHERE l.host_id IS NOT NULL) s
         CROSS JOIN LATERAL (
               SELECT least(r.rate_bp, 10000 - s.platform_fee_bp) AS bp
                 FROM catalog_commissionrate r JOIN catalog_commissionplan n ON n.id = r.plan_id
                WHERE r.merchant_id = s.merchant_id AND (r.host_id IS NULL OR r.host_id = s.host_id)
                  AND tstzrange(r.valid_from, r.valid_until) @> s.at
                  AND (n.all_products OR EXISTS (
                       SELECT FROM catalog_commissionproduct g
                        WHERE g.plan_id = n.id AND g.product_id = s.product_id
                          AND tstzrange(g.valid_from, g.valid_until) @> s.at))
                ORDER BY (r.host_id IS NOT NULL)::int * 2 + (NOT n.all_products)::int DESC, r.rate_bp DESC
                LIMIT 1) q
         WHERE q.bp <> s.host_commission_bp
           AND NOT EXISTS (
               SELECT FROM (SELECT valid_from, valid_until FROM catalog_commissionrate
                             WHERE merchant_id = s.merchant_id
                             UNION ALL
                            SELECT valid_from, valid_until FROM catalog_commissionproduct
                             WHERE merchant_id = s.merchant_id) c
                WHERE valid_from BETWEEN s.at - interval '1 minute' AND s.at + interval '1 minute'
                   OR valid_until BETWEEN s.at - interval '1 minute' AND s.at + interval '1 minute')
        """,
    ),
    Check(
        "earned-is-booked",
        "What is earned was moved in the books from what is pending to what may be paid out, once.",
        "SELECT (SELECT count(*) FROM orders_proceeds)"
        " + (SELECT count(*) FROM orders_commission WHERE earned_at IS NOT NULL)",
        """
        SELECT format('order %s earned %s, booked %s', coalesce(s.order_id::text, b.ref), s.amount, b.amount)
          FROM orders_proceeds s
          FULL JOIN (SELECT t.ref, x.account, -sum(x.amount) AS amount
                       FROM commerce_ledgertransaction t JOIN commerce_posting x ON x.transaction_id = t.id
                      WHERE t.kind = 'proceeds.earned' AND x.account LIKE 'payable:%' GROUP BY 1, 2) b
                 ON b.ref = s.order_id::text AND b.account = 'payable:merchant:' || s.merchant_id
         WHERE coalesce(s.amount, -1) <> coalesce(b.amount, 0)
        UNION ALL
        SELECT format('commission of line %s earned, booked %s', coalesce(c.line_id::text, b.ref), b.amount)
          FROM (SELECT * FROM orders_commission WHERE earned_at IS NOT NULL) c
          FULL JOIN (SELECT t.ref, x.account, -sum(x.amount) AS amount
                       FROM commerce_ledgertransaction t
                       JOIN commerce_posting x ON x.transaction_id = t.id
                      WHERE t.kind = 'commission.earned' AND x.account LIKE 'payable:%'
                      GROUP BY 1, 2) b
                 ON b.ref = c.id::text AND b.account = 'payable:host:' || c.host_id
         WHERE c.id IS NULL
            OR coalesce(b.amount, 0) > c.amount
            OR (coalesce(b.amount, 0) < c.amount - c.reversed_amount
                -- What a bank gives back later is booked by itself.
                AND NOT EXISTS (SELECT FROM orders_disputeline e JOIN orders_dispute d ON d.id = e.dispute_id
                                 WHERE e.line_id = c.line_id AND d.reinstated_amount > 0))
        """,
    ),
    Check(
        "pending-is-what-is-not-earned",
        "On a host's pending account stands what is left of her commission that is not earned.",
        "SELECT count(DISTINCT account) FROM commerce_posting WHERE account LIKE 'host:%'",
        """
        SELECT format('host %s: pending %s, booked %s %s', host_id,
                      c.amount, b.amount, currency)
          FROM (SELECT host_id::text, currency, sum(amount - reversed_amount) AS amount
                  FROM orders_commission WHERE earned_at IS NULL GROUP BY 1, 2) c
          FULL JOIN (SELECT substr(account, 6) AS host_id, currency, -sum(amount) AS amount
                       FROM commerce_posting WHERE account LIKE 'host:%' GROUP BY 1, 2) b
               USING (host_id, currency)
         WHERE coalesce(c.amount, 0) <> coalesce(b.amount, 0)
        """,
    ),
    Check(
        "payouts-within-captures",
        "Of no payment more is sent on than was captured and not given back, but for what payees owe back.",
        "SELECT count(*) FROM orders_payment WHERE transferred_amount > 0",
        """
        SELECT format('payment %s: sent on %s, legs %s, of %s less %s', y.id, y.transferred_amount,
                      coalesce(g.amount, 0), y.amount, y.refunded_amount)
          FROM orders_payment y
          LEFT JOIN (SELECT payment_id, sum(amount - reversed_amount) AS amount FROM orders_payoutleg
                      WHERE status <> 'failed' GROUP BY 1) g ON g.payment_id = y.id
         WHERE y.transferred_amount <> coalesce(g.amount, 0)
            OR y.transferred_amount > y.amount - y.refunded_amount + y.receivable_amount
            OR (y.transferred_amount > 0 AND y.status <> 'succeeded')
        """,
    ),
    Check(
        "payouts-are-booked",
        "Payouts are the sum of their legs, and each leg is booked once at each step.",
        "SELECT count(*) FROM orders_payoutleg",
        """
        SELECT format('payout %s: %s, legs %s %s', q.id, q.amount, sum(g.amount), q.currency)
          FROM orders_payout q LEFT JOIN orders_payoutleg g ON g.payout_id = q.id AND g.currency = q.currency
         GROUP BY q.id HAVING coalesce(sum(g.amount), 0) <> q.amount
            OR (q.status = 'sending') <> bool_or(g.status NOT IN ('paid', 'failed'))
        UNION ALL
        SELECT format('leg %s (%s): booked as %s', coalesce(g.id::text, b.ref), g.status, b.kinds)
          FROM (SELECT g.*,
                       'payable:' || coalesce('merchant:' || a.merchant_id, 'host:' || a.host_id) AS payee
                  FROM orders_payoutleg g JOIN orders_payout q ON q.id = g.payout_id
                  JOIN commerce_connectedaccount a ON a.id = q.account_id) g
          FULL JOIN (SELECT t.ref, string_agg(format('%s %s %s', t.kind, x.account, x.amount), ', '
                                              ORDER BY t.kind, x.amount) AS kinds
                       FROM commerce_ledgertransaction t JOIN commerce_posting x ON x.transaction_id = t.id
                      WHERE t.kind IN ('transfer.owed', 'transfer.paid', 'transfer.failed') GROUP BY 1) b
                 ON b.ref = g.id::text
         WHERE b.kinds IS DISTINCT FROM CASE g.status
               WHEN 'failed' THEN format('transfer.failed %s %s, transfer.failed transfers %s, ',
                                         payee, -amount, amount) ELSE '' END
               || format('transfer.owed transfers %s, transfer.owed %s %s', -amount, payee, amount)
               || CASE g.status WHEN 'paid' THEN
                  format(', transfer.paid provider %s, transfer.paid transfers %s', -amount, amount)
                  ELSE '' END
            OR (g.status = 'paid' AND g.provider_id IS NULL)
        """,
    ),
    Check(
        "paid-is-in-a-payout",
        "Commission is paid by a payout that has arrived.",
        "SELECT count(*) FROM orders_commission WHERE status = 'paid'",
        """
        SELECT format('line %s (%s): payout %s is %s', c.line_id, c.status, q.id, q.status)
          FROM orders_commission c LEFT JOIN orders_payout q ON q.id = c.payout_id
         WHERE c.status IN ('earned', 'paid')
           AND (c.status = 'paid') <> coalesce(q.status IN ('paid', 'partly'), false)
        """,
    ),
    Check(
        "reversals-are-booked",
        "What was taken back of a leg is the sum of its reversals, and each is booked once at each step.",
        "SELECT count(*) FROM orders_payoutleg",
        """
        SELECT format('leg %s (%s): reversed %s of %s, by its reversals %s', g.id, g.status,
                      g.reversed_amount, g.amount, sum(v.amount) FILTER (WHERE v.status = 'done'))
          FROM orders_payoutleg g LEFT JOIN orders_reversal v ON v.leg_id = g.id
         GROUP BY g.id
        HAVING coalesce(sum(v.amount) FILTER (WHERE v.status = 'done'), 0) <> g.reversed_amount
            OR (count(v.id) > 0 AND g.status <> 'paid')
        UNION ALL
        SELECT format('reversal %s (%s): booked as %s', coalesce(v.id::text, b.ref), v.status, b.kinds)
          FROM (SELECT v.*,
                       'payable:' || coalesce('merchant:' || a.merchant_id, 'host:' || a.host_id) AS payee
                  FROM orders_reversal v JOIN orders_payoutleg g ON g.id = v.leg_id
                  JOIN orders_payout q ON q.id = g.payout_id
                  JOIN commerce_connectedaccount a ON a.id = q.account_id) v
          FULL JOIN (SELECT t.ref, string_agg(format('%s %s %s', t.kind, x.account, x.amount), ', '
                                              ORDER BY t.kind, x.amount) AS kinds
                       FROM commerce_ledgertransaction t JOIN commerce_posting x ON x.transaction_id = t.id
                      WHERE t.kind IN ('reversal.owed', 'reversal.paid', 'reversal.failed') GROUP BY 1) b
                 ON b.ref = v.id::text
         WHERE b.kinds IS DISTINCT FROM CASE v.status
               WHEN 'failed' THEN format('reversal.failed transfers %s, reversal.failed %s %s, ',
                                         -amount, payee, amount) ELSE '' END
               || format('reversal.owed %s %s, reversal.owed transfers %s', payee, -amount, amount)
               || CASE v.status WHEN 'done' THEN
                  format(', reversal.paid transfers %s, reversal.paid provider %s', -amount, amount)
                  ELSE '' END
            OR (v.status = 'done' AND v.provider_id IS NULL)
        """,
    ),
    Check(
        "payouts-come-to-an-end",
        "No leg of a payout waits longer than five minutes for the provider, or three days for money, and no"
        " reversal longer than five minutes.",
        "SELECT count(*) FROM orders_payoutleg",
        """
        SELECT format('leg %s (%s) since %s %s', id, status, created_at, failure) FROM orders_payoutleg
         WHERE status NOT IN ('paid', 'failed') AND created_at
               < now() - CASE WHEN refusals > 0 THEN interval '3 days' ELSE interval '5 minutes' END
        UNION ALL
        SELECT format('reversal %s (%s) since %s', id, status, created_at) FROM orders_reversal
         WHERE status NOT IN ('done', 'failed') AND created_at < now() - interval '5 minutes'
        """,
    ),
)
