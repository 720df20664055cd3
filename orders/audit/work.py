"""Rules of what has to come to an end, and of what is told."""

from orders.audit.checks import Check

# Promised in docs/architecture.md: delivery within a minute, settlement within five minutes of any crash.
UNDELIVERED = "interval '60 seconds'"
STUCK = "interval '5 minutes'"

# The buyer's bank has the money and has not decided: nothing can be sent, and nothing is late.
BANK_DECIDES = """EXISTS (SELECT 1 FROM orders_dispute d
                           WHERE d.payment_id = r.payment_id AND d.withdrawn_at IS NOT NULL
                             AND d.reinstated_at IS NULL
                             AND d.status IN ('needs_response', 'under_review'))"""

WORK: tuple[Check, ...] = (
    Check(
        "nothing-quarantined",
        "No event has failed for good.",
        "SELECT count(*) FROM commerce_event",
        """
        SELECT format('%s %s: %s', name, key, left(error, 200)) FROM commerce_event
         WHERE quarantined_at IS NOT NULL
        """,
    ),
    Check(
        "events-are-delivered",
        "No event waits for more than a minute.",
        "SELECT count(*) FROM commerce_event WHERE delivered_at IS NULL",
        f"""
        SELECT format('%s %s since %s', name, key, created_at) FROM commerce_event
         WHERE delivered_at IS NULL AND quarantined_at IS NULL AND created_at < now() - {UNDELIVERED}
        """,
    ),
    Check(
        "notices-are-read",
        "No notice of the provider lies unread.",
        "SELECT count(*) FROM commerce_notice",
        f"""
        SELECT format('%s %s since %s', type, provider_id, received_at) FROM commerce_notice
         WHERE processed_at IS NULL AND quarantined_at IS NULL AND received_at < now() - {STUCK}
        """,
    ),
    Check(
        "no-notice-quarantined",
        "No notice of the provider could not be read.",
        "SELECT count(*) FROM commerce_notice",
        """
        SELECT format('%s %s: %s', type, provider_id, left(error, 200)) FROM commerce_notice
         WHERE quarantined_at IS NOT NULL AND processed_at IS NULL
        """,
    ),
    Check(
        "charges-come-to-an-end",
        "No purchase waits for its charge, and no charge for its answer, longer than five minutes.",
        "SELECT count(*) FROM orders_purchase WHERE status IN ('accepted', 'action_required')",
        f"""
        SELECT format('purchase %s accepted at %s', p.id, p.updated_at) FROM orders_purchase p
         WHERE p.status = 'accepted' AND p.updated_at < now() - {STUCK}
           AND NOT EXISTS (SELECT 1 FROM orders_payment y
                            WHERE y.purchase_id = p.id AND y.checked_at > now() - {STUCK})
        UNION ALL
        SELECT format('payment %s (%s) since %s', y.id, y.status, coalesce(y.sent_at, y.created_at))
          FROM orders_payment y JOIN orders_purchase p ON p.id = y.purchase_id
         WHERE (y.status = 'sent' AND coalesce(y.checked_at, y.sent_at, y.created_at) < now() - {STUCK})
            OR (y.status IN ('unknown', 'action_required') AND p.hold_until < now() - {STUCK})
        """,
    ),
    Check(
        "captures-come-to-an-end",
        "No parcel of a pre-order waits for its money longer than five minutes.",
        "SELECT count(*) FROM orders_order WHERE status = 'shipping'",
        f"""
        SELECT format('order %s since %s', id, updated_at) FROM orders_order
         WHERE status = 'shipping' AND updated_at < now() - {STUCK}
        """,
    ),
    Check(
        "refunds-come-to-an-end",
        "No refund waits longer than five minutes to be carried out, a pending one is asked about, and none"
        " has failed that is not tried again; but for what the buyer's bank has to decide.",
        "SELECT count(*) FROM orders_refund",
        f"""
        SELECT format('refund %s (%s) since %s %s', id, status, created_at, failure) FROM orders_refund r
         WHERE (status = 'failed' AND NOT EXISTS (SELECT 1 FROM orders_refund n WHERE n.again_of_id = r.id)
                AND NOT {BANK_DECIDES})
            OR (status IN ('created', 'sent', 'unknown') AND created_at < now() - {STUCK}
                AND NOT (status = 'created' AND {BANK_DECIDES}))
            OR (status = 'pending' AND checked_at < now() - interval '2 hours')
        """,
    ),
    Check(
        "no-open-discrepancy",
        "Provider and books agree, or somebody has said why they do not.",
        "SELECT count(*) FROM orders_discrepancy",
        """
        SELECT format('%s %s: %s (ours %s, theirs %s)', kind, provider_id, what, ours, theirs)
          FROM orders_discrepancy WHERE resolved_at IS NULL
        """,
    ),
    Check(
        "show-log-is-whole",
        "What a room was told has no hole: offsets follow each other within an epoch.",
        "SELECT count(*) FROM streams_showevent",
        """
        SELECT format('stream %s, epoch %s: %s to %s in %s events',
                      stream_id, epoch, min("offset"), max("offset"), count(*))
          FROM streams_showevent GROUP BY stream_id, epoch
        HAVING max("offset") - min("offset") + 1 <> count(*)
        """,
    ),
)
