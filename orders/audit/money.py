"""Rules of payments, ledger, commission and refunds."""

from orders.audit.checks import Check

MONEY: tuple[Check, ...] = (
    Check(
        "paid-once",
        "A paid purchase has exactly one succeeded payment over its amount; no other purchase has one.",
        "SELECT count(*) FROM orders_purchase WHERE status = 'paid'",
        """
        SELECT format('purchase %s (%s): %s succeeded payments over %s, amount %s',
                      p.id, p.status, count(y.id), coalesce(sum(y.amount), 0), p.amount)
          FROM orders_purchase p
          LEFT JOIN orders_payment y
                 ON y.purchase_id = p.id AND y.status = 'succeeded' AND y.currency = p.currency
         GROUP BY p.id
        HAVING count(y.id) <> (p.status = 'paid')::int OR (p.status = 'paid' AND sum(y.amount) <> p.amount)
        """,
    ),
    Check(
        "preorders-are-promised",
        "A pre-order that waits for its parcel has one authorised payment over its amount; nothing else has.",
        "SELECT count(*) FROM orders_purchase WHERE status = 'authorized'",
        """
        SELECT format('purchase %s (%s): %s authorised payments', p.id, p.status, count(y.id))
          FROM orders_purchase p
          LEFT JOIN orders_payment y ON y.purchase_id = p.id AND y.status = 'authorized'
               AND y.amount = p.amount AND y.currency = p.currency AND p.pay_at_shipping
         WHERE p.status = 'authorized'
            OR EXISTS (SELECT 1 FROM orders_payment z WHERE z.purchase_id = p.id AND z.status = 'authorized')
         GROUP BY p.id
        HAVING count(y.id) <> (p.status = 'authorized')::int
        """,
    ),
    Check(
        "captures-are-booked",
        "Every captured payment is booked once over its amount, and has provider ids to trace it by.",
        "SELECT count(*) FROM orders_payment WHERE status IN ('succeeded', 'returned')",
        """
        SELECT format('payment %s (%s)', y.id, y.status)
          FROM orders_payment y
         WHERE y.status IN ('succeeded', 'returned')
           AND (y.provider_id IS NULL OR y.charge_id = ''
                OR 1 <> (SELECT count(*)
                           FROM commerce_ledgertransaction t
                           JOIN commerce_posting d ON d.transaction_id = t.id
                                AND d.account = 'provider' AND d.amount = y.amount AND d.currency = y.currency
                           JOIN commerce_posting c ON c.transaction_id = t.id
                                AND c.account = 'clearing:' || y.purchase_id AND c.amount = -y.amount
                          WHERE t.kind = 'capture' AND t.ref = y.id::text))
        UNION ALL
        SELECT format('capture %s of no captured payment', t.ref)
          FROM commerce_ledgertransaction t
          LEFT JOIN orders_payment y ON y.id::text = t.ref AND y.status IN ('succeeded', 'returned')
         WHERE t.kind = 'capture' AND y.id IS NULL
        """,
    ),
    Check(
        "sales-are-booked",
        "Every paid purchase has one booked sale, with shipping and tax over its amount; no other has.",
        "SELECT count(*) FROM orders_purchase WHERE status = 'paid'",
        """
        SELECT format('purchase %s', p.id)
          FROM orders_purchase p
         WHERE p.status = 'paid'
           AND NOT EXISTS
               (SELECT 1 FROM commerce_ledgertransaction t
                  JOIN commerce_posting c ON c.transaction_id = t.id
                       AND c.account = 'clearing:' || p.id AND c.currency = p.currency
                 WHERE t.kind IN ('sale', 'sale.shipping', 'sale.tax') AND t.ref = p.id::text
                HAVING count(*) FILTER (WHERE t.kind = 'sale') = 1 AND sum(c.amount) = p.amount)
        UNION ALL
        SELECT format('sale %s of no paid purchase', t.ref)
          FROM commerce_ledgertransaction t
          LEFT JOIN orders_purchase p ON p.id::text = t.ref AND p.status = 'paid'
         WHERE t.kind IN ('sale', 'sale.shipping', 'sale.tax') AND p.id IS NULL
        """,
    ),
    Check(
        "merchants-get-the-rest",
        "Each merchant is booked what its lines brought, less the shares agreed at the sale.",
        "SELECT count(*) FROM orders_order WHERE status NOT IN ('pending', 'shipping', 'cancelled')",
        """
        SELECT format('order %s: booked %s of %s', o.id, -coalesce(m.amount, 0), o.amount)
          FROM orders_order o
          JOIN orders_purchase p ON p.id = o.purchase_id AND p.status = 'paid'
          JOIN (SELECT order_id, count(*) AS lines,
                       sum(base - base::numeric * (host_commission_bp + platform_fee_bp) / 10000) AS due
                  FROM (SELECT *, amount - CASE WHEN tax_on_top THEN 0 ELSE tax_amount END AS base
                          FROM orders_orderline) x GROUP BY 1) l ON l.order_id = o.id
          LEFT JOIN (SELECT t.ref, x.account, sum(x.amount) AS amount
                       FROM commerce_ledgertransaction t JOIN commerce_posting x ON x.transaction_id = t.id
                      WHERE t.kind = 'sale' GROUP BY 1, 2) m
                 ON m.ref = p.id::text AND m.account = 'merchant:' || o.merchant_id
         WHERE abs(-coalesce(m.amount, 0) - l.due) > l.lines
        """,
    ),
    Check(
        "commission-matches",
        "Hosts' commission is booked as it stands on the lines, at the rate agreed and on what was paid.",
        "SELECT count(*) FROM orders_commission",
        """
        SELECT format('line %s', l.id)
          FROM orders_orderline l
          JOIN orders_order o ON o.id = l.order_id
          JOIN orders_purchase p ON p.id = o.purchase_id
          LEFT JOIN orders_commission c ON c.line_id = l.id
         WHERE (c.line_id IS NOT NULL) <> (p.status = 'paid' AND l.host_id IS NOT NULL)
            OR (c.line_id IS NOT NULL
                AND (c.base_amount <> l.amount - CASE WHEN l.tax_on_top THEN 0 ELSE l.tax_amount END
                     OR c.rate_bp <> l.host_commission_bp
                     OR c.stream_id <> l.stream_id OR c.currency <> l.currency))
        UNION ALL
        SELECT format('line %s: commission %s', line_id, sum(amount)) FROM orders_commission
         GROUP BY line_id, base_amount, rate_bp
        HAVING abs(sum(amount) - base_amount::numeric * rate_bp / 10000) > 1
        UNION ALL
        SELECT format('purchase %s, host %s: commission %s, booked %s',
                      purchase_id, host_id, c.amount, b.amount)
          FROM (SELECT o.purchase_id::text, c.host_id, sum(c.amount) AS amount
                  FROM orders_commission c
                  JOIN orders_orderline l ON l.id = c.line_id
                  JOIN orders_order o ON o.id = l.order_id
                 GROUP BY 1, 2) c
          FULL JOIN (SELECT t.ref AS purchase_id, substr(x.account, 6)::uuid AS host_id,
                            -sum(x.amount) AS amount
                       FROM commerce_ledgertransaction t
                       JOIN commerce_posting x ON x.transaction_id = t.id AND x.account LIKE 'host:%'
                      WHERE t.kind = 'sale' GROUP BY 1, 2) b USING (purchase_id, host_id)
         WHERE coalesce(c.amount, 0) <> coalesce(b.amount, 0)
        """,
    ),
    Check(
        "ledger-balances",
        "Every ledger transaction has postings, and they sum to zero in each currency.",
        "SELECT count(*) FROM commerce_ledgertransaction",
        """
        SELECT format('transaction %s', t.id)
          FROM commerce_ledgertransaction t
         WHERE NOT EXISTS (SELECT 1 FROM commerce_posting x WHERE x.transaction_id = t.id)
            OR EXISTS (SELECT 1 FROM commerce_posting x WHERE x.transaction_id = t.id
                        GROUP BY x.currency HAVING sum(x.amount) <> 0)
        """,
    ),
    Check(
        "clearing-is-empty",
        "What a capture put on a purchase's clearing account, a sale or a refund has taken off.",
        "SELECT count(DISTINCT account) FROM commerce_posting WHERE account LIKE 'clearing:%'",
        """
        SELECT format('%s: %s %s', account, sum(amount), currency)
          FROM commerce_posting WHERE account LIKE 'clearing:%'
         GROUP BY account, currency HAVING sum(amount) <> 0
        """,
    ),
    Check(
        "refunds-within-captures",
        "Refunds are of captured payments, within them, and booked; a returned payment is back in full.",
        "SELECT count(*) FROM orders_refund",
        """
        SELECT format('payment %s (%s): refunded %s, refunds %s of %s', y.id, y.status, y.refunded_amount,
                      coalesce(r.amount, 0), y.amount)
          FROM orders_payment y
          LEFT JOIN (SELECT d.payment_id,
                            sum(CASE WHEN n.id IS NULL THEN d.amount ELSE d.bank_amount END) AS amount
                       FROM orders_refund d LEFT JOIN orders_refund n ON n.again_of_id = d.id
                      GROUP BY 1) r
                 ON r.payment_id = y.id
         WHERE y.refunded_amount <> coalesce(r.amount, 0) OR y.refunded_amount > y.amount
            OR (coalesce(r.amount, 0) > 0 AND y.status NOT IN ('succeeded', 'returned'))
            OR (y.status = 'returned' AND y.refunded_amount <> y.amount)
        UNION ALL
        SELECT format('refund %s (%s)', r.id, r.status)
          FROM orders_refund r
         WHERE 1 <> (SELECT count(*) FROM commerce_ledgertransaction t
                       JOIN commerce_posting x ON x.transaction_id = t.id AND x.account = 'refunds'
                            AND x.amount = -r.amount AND x.currency = r.currency
                      WHERE t.kind = 'refund.owed' AND t.ref = r.id::text)
            OR (r.status = 'succeeded')::int
               <> (SELECT count(*) FROM commerce_ledgertransaction t
                     JOIN commerce_posting x ON x.transaction_id = t.id AND x.account = 'provider'
                          AND x.amount = -r.amount AND x.currency = r.currency
                    WHERE t.kind = 'refund.paid' AND t.ref = r.id::text)
            OR (r.status = 'succeeded' AND r.provider_id IS NULL)
            OR r.bank_amount
               <> (SELECT coalesce(sum(x.amount), 0) FROM commerce_ledgertransaction t
                     JOIN commerce_posting x ON x.transaction_id = t.id AND x.account = 'refunds'
                          AND x.currency = r.currency
                    WHERE t.kind IN ('refund.by_bank', 'refund.owed_again') AND t.ref = r.id::text)
            OR (r.status = 'by_bank' AND r.bank_amount < r.amount
                AND NOT EXISTS (SELECT 1 FROM orders_refund n WHERE n.again_of_id = r.id))
        """,
    ),
    Check(
        "refund-lines-add-up",
        "A refund of a paid purchase is made of its lines, and is borne by those who had what it gives back.",
        "SELECT count(*) FROM orders_refundline",
        """
        SELECT format('refund %s: %s, its lines %s', r.id, r.amount, coalesce(x.amount, 0))
          FROM orders_refund r
          JOIN orders_payment y ON y.id = r.payment_id
          LEFT JOIN (SELECT refund_id, sum(amount) AS amount
                       FROM (SELECT refund_id, amount FROM orders_refundline
                              UNION ALL SELECT refund_id, amount FROM orders_shippingback) b GROUP BY 1) x
                 ON x.refund_id = r.id
         WHERE coalesce(x.amount, 0)
               <> CASE WHEN y.status = 'succeeded' AND r.again_of_id IS NULL THEN r.amount ELSE 0 END
        UNION ALL
        SELECT format('line %s: %s units and %s back, by its refunds %s and %s; commission %s of %s, %s',
                      l.id, l.refunded_quantity, l.refunded_amount, coalesce(x.units, 0),
                      coalesce(x.amount, 0), c.reversed_amount, coalesce(x.host, 0), c.statuses)
          FROM orders_orderline l
          LEFT JOIN (SELECT line_id, sum(quantity) AS units, sum(amount) AS amount, sum(host_amount) AS host
                       FROM orders_refundline GROUP BY 1) x ON x.line_id = l.id
          LEFT JOIN (SELECT line_id, sum(host_amount) AS host
                       FROM orders_disputeline e JOIN orders_dispute d ON d.id = e.dispute_id
                      WHERE d.reinstated_at IS NULL GROUP BY 1) e ON e.line_id = l.id
          LEFT JOIN (SELECT line_id, sum(reversed_amount) AS reversed_amount,
                            string_agg(status, ' ') AS statuses,
                            bool_or((status = 'reversed')
                                    <> (amount > 0 AND reversed_amount = amount)) AS untrue
                       FROM orders_commission GROUP BY 1) c ON c.line_id = l.id
         WHERE l.refunded_quantity <> coalesce(x.units, 0) OR l.refunded_amount <> coalesce(x.amount, 0)
            OR c.reversed_amount <> coalesce(x.host, 0) + coalesce(e.host, 0)
            OR c.untrue
        UNION ALL
        SELECT format('refund %s: %s bears %s, booked %s', ref, account, d.amount, b.amount)
          FROM (SELECT x.refund_id::text AS ref, s.account, sum(s.amount) AS amount
                  FROM (SELECT x.refund_id, l.merchant_id, NULL::uuid AS host_id, 0 AS host,
                               x.amount - x.host_amount - x.platform_amount AS merchant,
                               x.platform_amount AS platform
                          FROM orders_refundline x JOIN orders_orderline l ON l.id = x.line_id
                         UNION ALL
                        SELECT b.refund_id, o.merchant_id, NULL, 0, b.amount, 0
                          FROM orders_shippingback b JOIN orders_order o ON o.id = b.order_id
                         WHERE b.refund_id IS NOT NULL
                         UNION ALL
                        SELECT x.refund_id, NULL, c.host_id, b.amount, 0, 0
                          FROM orders_commissionback b JOIN orders_commission c ON c.id = b.commission_id
                          JOIN orders_refundline x ON x.id = b.refund_line_id) x
                  CROSS JOIN LATERAL (VALUES ('merchant:' || x.merchant_id, x.merchant),
                       ('host:' || x.host_id, x.host), ('platform:fees', x.platform)) s (account, amount)
                 WHERE s.account IS NOT NULL GROUP BY 1, 2) d
          FULL JOIN (SELECT t.ref, p.account, sum(p.amount) AS amount
                       FROM commerce_ledgertransaction t
                       JOIN (SELECT transaction_id, amount,
                                    regexp_replace(account, '^payable:', '') AS account
                               FROM commerce_posting) p ON p.transaction_id = t.id
                      WHERE t.kind = 'refund.owed' AND p.account <> 'refunds'
                        AND p.account NOT LIKE 'clearing:%' GROUP BY 1, 2) b USING (ref, account)
         WHERE coalesce(d.amount, 0) <> coalesce(b.amount, 0)
        """,
    ),
    Check(
        "disputes-are-booked",
        "What a bank took, and gave back in part or whole, is booked, and borne as the dispute's lines say.",
        "SELECT count(*) FROM orders_dispute",
        """
        SELECT format('dispute %s (%s): took %s, booked %s and %s back', d.provider_id, d.status,
                      d.withdrawn_amount, coalesce(w.amount, 0), coalesce(b.amount, 0))
          FROM orders_dispute d
          LEFT JOIN (SELECT t.ref, -sum(p.amount) AS amount
                       FROM commerce_ledgertransaction t JOIN commerce_posting p ON p.transaction_id = t.id
                      WHERE t.kind = 'dispute.withdrawn' AND p.account = 'provider' GROUP BY 1) w
                 ON w.ref = d.provider_id
          LEFT JOIN (SELECT t.ref, sum(p.amount) AS amount
                       FROM commerce_ledgertransaction t JOIN commerce_posting p ON p.transaction_id = t.id
                      WHERE t.kind IN ('dispute.partly_reinstated', 'dispute.reinstated')
                        AND p.account = 'provider' GROUP BY 1) b
                 ON b.ref = d.provider_id
         WHERE coalesce(w.amount, 0) <> d.withdrawn_amount
            OR (d.withdrawn_at IS NULL) <> (d.withdrawn_amount = 0)
            OR coalesce(b.amount, 0) <> d.reinstated_amount
            OR (d.reinstated_at IS NOT NULL)
               <> (d.withdrawn_amount > 0 AND d.reinstated_amount = d.withdrawn_amount)
        UNION ALL
        SELECT format('dispute %s: %s bears %s, booked %s', ref, account, l.amount, b.amount)
          FROM (SELECT d.provider_id AS ref, s.account, sum(s.amount) AS amount
                  FROM (SELECT x.dispute_id, l.merchant_id, NULL::uuid AS host_id, 0 AS host,
                               x.amount - x.host_amount - x.platform_amount AS merchant,
                               x.platform_amount AS platform
                          FROM orders_disputeline x JOIN orders_orderline l ON l.id = x.line_id
                         UNION ALL
                        SELECT b.dispute_id, o.merchant_id, NULL, 0, b.amount, 0
                          FROM orders_shippingback b JOIN orders_order o ON o.id = b.order_id
                         WHERE b.dispute_id IS NOT NULL
                         UNION ALL
                        SELECT x.dispute_id, NULL, c.host_id, b.amount, 0, 0
                          FROM orders_commissionback b JOIN orders_commission c ON c.id = b.commission_id
                          JOIN orders_disputeline x ON x.id = b.dispute_line_id) x
                  JOIN orders_dispute d ON d.id = x.dispute_id
                  CROSS JOIN LATERAL (VALUES ('merchant:' || x.merchant_id, x.merchant),
                       ('host:' || x.host_id, x.host), ('platform:fees', x.platform)) s (account, amount)
                 WHERE s.account IS NOT NULL GROUP BY 1, 2) l
          FULL JOIN (SELECT t.ref, p.account, sum(p.amount) AS amount
                       FROM commerce_ledgertransaction t
                       JOIN (SELECT transaction_id, amount,
                                    regexp_replace(account, '^payable:', '') AS account
                               FROM commerce_posting) p ON p.transaction_id = t.id
                      WHERE t.kind IN ('dispute.withdrawn', 'dispute.partly_reinstated')
                        AND p.account NOT IN ('provider', 'disputes')
                      GROUP BY 1, 2) b USING (ref, account)
         WHERE coalesce(l.amount, 0) <> coalesce(b.amount, 0)
        """,
    ),
)
