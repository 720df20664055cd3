"""Rules of commission that several hosts of a show have together."""

from orders.audit.checks import Check

HOSTS: tuple[Check, ...] = (
    Check(
        "commission-is-shared",
        "The parts of a line's commission are those of the hosts who had agreed when it was bought, each at"
        " her share, and together all of it.",
        "SELECT count(DISTINCT line_id) FROM orders_commission",
        """
        SELECT format('line %s: %s, agreed %s', l.id, c.parts, a.parts)
          FROM (SELECT line_id, string_agg(host_id || ' ' || share_bp, ', ' ORDER BY host_id) AS parts
                  FROM orders_commission GROUP BY 1) c
          JOIN orders_orderline l ON l.id = c.line_id
          JOIN orders_order o ON o.id = l.order_id
          JOIN orders_purchase p ON p.id = o.purchase_id
         CROSS JOIN LATERAL (
               SELECT string_agg(host_id || ' ' || share_bp, ', ' ORDER BY host_id) AS parts
                 FROM (SELECT host_id, share_bp::bigint FROM streams_cohost
                        WHERE stream_id = l.stream_id AND agreed_at <= p.created_at
                          AND (ended_at IS NULL OR ended_at > p.created_at)
                        UNION ALL
                       SELECT l.host_id, 10000 - coalesce(sum(share_bp), 0) FROM streams_cohost
                        WHERE stream_id = l.stream_id AND agreed_at <= p.created_at
                          AND (ended_at IS NULL OR ended_at > p.created_at)) x) a
         WHERE c.parts IS DISTINCT FROM a.parts
        UNION ALL
        SELECT format('line %s, host %s: %s of %s', line_id, c.host_id, c.amount, s.amount)
          FROM orders_commission c
          JOIN (SELECT line_id, sum(amount) AS amount FROM orders_commission GROUP BY 1) s USING (line_id)
         WHERE abs(c.amount - s.amount::numeric * c.share_bp / 10000) >= 1
        """,
    ),
    Check(
        "hosts-bear-their-parts",
        "What refunds and banks take of a line's commission its hosts bear in proportion, to the last cent.",
        "SELECT count(*) FROM orders_commissionback",
        # Each division may be off by less than one, and the next one divides what is left. What a bank took
        # may come back in part, which is divided too.
        """
        SELECT format('%s: hosts give back %s of %s', x.what, coalesce(b.amount, 0), x.host_amount)
          FROM (SELECT format('refund line %s', id) AS what, id AS refund_line_id,
                       NULL::bigint AS dispute_line_id, host_amount FROM orders_refundline
                 UNION ALL
                SELECT format('dispute line %s', id), NULL, id, host_amount FROM orders_disputeline) x
          LEFT JOIN (SELECT refund_line_id, dispute_line_id, sum(amount) AS amount
                       FROM orders_commissionback GROUP BY 1, 2) b
                 ON b.refund_line_id = x.refund_line_id OR b.dispute_line_id = x.dispute_line_id
         WHERE coalesce(b.amount, 0) <> x.host_amount
        UNION ALL
        SELECT format('line %s, host %s: %s taken back, by its parts %s, of all %s', c.line_id, c.host_id,
                      c.reversed_amount, coalesce(b.amount, 0), s.reversed_amount)
          FROM orders_commission c
          JOIN (SELECT line_id, sum(amount) AS amount, sum(reversed_amount) AS reversed_amount
                  FROM orders_commission GROUP BY 1) s USING (line_id)
          LEFT JOIN (SELECT x.commission_id, sum(x.amount) FILTER (WHERE d.reinstated_at IS NULL) AS amount
                       FROM orders_commissionback x
                       LEFT JOIN orders_disputeline e ON e.id = x.dispute_line_id
                       LEFT JOIN orders_dispute d ON d.id = e.dispute_id
                      GROUP BY 1) b ON b.commission_id = c.id
          LEFT JOIN (SELECT line_id, sum(times) AS times
                       FROM (SELECT line_id, 1 AS times FROM orders_refundline
                              UNION ALL SELECT line_id, 2 FROM orders_disputeline) x
                      GROUP BY 1) n USING (line_id)
         WHERE c.reversed_amount <> coalesce(b.amount, 0)
            OR abs(c.reversed_amount * s.amount - s.reversed_amount * c.amount::numeric)
               > coalesce(n.times, 0) * s.amount
        """,
    ),
)
