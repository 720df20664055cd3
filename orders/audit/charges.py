"""Rules of shipping and tax: what was charged, booked, and given back of it."""

from orders.audit.checks import Check

_STEP = "CASE WHEN o.currency IN ('BHD', 'JOD', 'KWD', 'OMR', 'TND') AND o.tax_on_top THEN 10 ELSE 1 END"

CHARGES: tuple[Check, ...] = (
    Check(
        "tax-follows-its-rate",
        "An order's tax of each rate is that rate of what it is on, rounded once; each line has its share.",
        "SELECT count(*) FROM orders_order WHERE shipping_amount > 0 OR shipping_tax_bp > 0",
        f"""
        SELECT format('order %s: %s of %s basis points on %s', o.id, x.tax, x.bp, x.amount)
          FROM orders_order o
          JOIN (SELECT id, name, bp, sum(amount) AS amount, sum(tax) AS tax
                  FROM (SELECT l.order_id AS id, l.tax_name AS name, l.tax_bp AS bp, l.amount,
                               l.tax_amount AS tax
                          FROM orders_orderline l
                         UNION ALL
                        SELECT id, shipping_tax_name, shipping_tax_bp,
                               CASE WHEN shipping_tax_name = '' THEN 0 ELSE shipping_amount END,
                               shipping_tax_amount
                          FROM orders_order) s
                 GROUP BY 1, 2, 3) x ON x.id = o.id
         WHERE 2 * abs(x.tax - x.amount::numeric * x.bp
                               / (10000 + CASE WHEN o.tax_on_top THEN 0 ELSE x.bp END)) > {_STEP}
            OR (x.name = '' AND (x.tax <> 0 OR x.bp <> 0))
        UNION ALL
        SELECT format('line %s: %s of %s basis points on %s', l.id, l.tax_amount, l.tax_bp, l.amount)
          FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id
         WHERE abs(l.tax_amount - l.amount::numeric * l.tax_bp
                                  / (10000 + CASE WHEN o.tax_on_top THEN 0 ELSE l.tax_bp END)) > 2 * {_STEP}
        """,
    ),
    Check(
        "charges-are-booked",
        "Shipping and tax of paid purchases are booked to their merchants, once and whole.",
        "SELECT count(*) FROM commerce_ledgertransaction WHERE kind IN ('sale.shipping', 'sale.tax')",
        """
        SELECT format('purchase %s: %s to %s, charged %s, booked %s', ref, kind, account, c.amount, b.amount)
          FROM (SELECT p.id::text AS ref, s.kind, 'merchant:' || o.merchant_id AS account,
                       sum(s.amount) AS amount
                  FROM orders_order o
                  JOIN orders_purchase p ON p.id = o.purchase_id AND p.status = 'paid'
                  JOIN (SELECT order_id, sum(tax_amount) AS tax FROM orders_orderline GROUP BY 1) l
                       ON l.order_id = o.id
                 CROSS JOIN LATERAL (VALUES
                       ('sale.shipping', o.shipping_amount
                            - CASE WHEN o.tax_on_top THEN 0 ELSE o.shipping_tax_amount END),
                       ('sale.tax', l.tax + o.shipping_tax_amount)) s (kind, amount)
                 GROUP BY 1, 2, 3) c
          FULL JOIN (SELECT t.ref, t.kind, x.account, -sum(x.amount) AS amount
                       FROM commerce_ledgertransaction t JOIN commerce_posting x ON x.transaction_id = t.id
                      WHERE t.kind IN ('sale.shipping', 'sale.tax') AND x.account NOT LIKE 'clearing:%'
                      GROUP BY 1, 2, 3) b USING (ref, kind, account)
         WHERE coalesce(c.amount, 0) <> coalesce(b.amount, 0)
        """,
    ),
    Check(
        "charges-given-back-add-up",
        "Shipping given back is that of the refunds, and what is given back whole takes its whole tax.",
        "SELECT count(*) FROM orders_shippingback",
        """
        SELECT format('order %s: %s of shipping back, by its refunds %s, tax %s', o.id,
                      o.refunded_shipping_amount, coalesce(b.amount, 0), b.tax)
          FROM orders_order o
          LEFT JOIN (SELECT order_id, sum(amount) AS amount, sum(tax_amount) AS tax
                       FROM orders_shippingback WHERE refund_id IS NOT NULL GROUP BY 1) b ON b.order_id = o.id
         WHERE o.refunded_shipping_amount <> coalesce(b.amount, 0) OR b.tax > o.shipping_tax_amount
            OR (b.amount = o.shipping_amount
                    + CASE WHEN o.tax_on_top THEN o.shipping_tax_amount ELSE 0 END
                AND b.tax <> o.shipping_tax_amount)
        UNION ALL
        SELECT format('line %s: %s of its tax %s back', l.id, b.tax, l.tax_amount)
          FROM orders_orderline l
          JOIN (SELECT line_id, sum(amount) AS amount, sum(tax_amount) AS tax
                  FROM orders_refundline GROUP BY 1) b ON b.line_id = l.id
         WHERE b.tax > l.tax_amount
            OR (b.amount = l.amount + CASE WHEN l.tax_on_top THEN l.tax_amount ELSE 0 END
                AND b.tax <> l.tax_amount)
        """,
    ),
)
