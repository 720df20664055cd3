"""Rules of what payees owe and nobody could take back."""

from orders.audit.checks import Check

DEBTS: tuple[Check, ...] = (
    Check(
        "debts-are-written-off-by-somebody",
        "What a payee will not pay is the platform's loss once somebody has said so, and over that amount.",
        "SELECT count(*) FROM commerce_posting WHERE account LIKE 'payable:%'",
        """
        SELECT format('debt %s of %s: %s, booked %s', t.ref, d.provider_id, d.ours, b.amount)
          FROM commerce_ledgertransaction t
          JOIN commerce_posting b ON b.transaction_id = t.id AND b.account = 'bad_debts'
          LEFT JOIN orders_discrepancy d ON d.id::text = t.ref AND d.kind = 'debt'
               AND d.resolved_by_id IS NOT NULL AND d.ours = b.amount AND d.currency = b.currency
          LEFT JOIN commerce_connectedaccount a ON d.provider_id = format('%s %s', a.id, b.currency)
          LEFT JOIN commerce_posting p ON p.transaction_id = t.id AND p.account
               = 'payable:' || coalesce('merchant:' || a.merchant_id, 'host:' || a.host_id)
         WHERE p.id IS NULL OR t.kind <> 'debt.written_off'
        """,
    ),
    Check(
        "refused-reversals-are-told",
        "What was refused four times to be taken back is not asked for by itself until somebody has decided.",
        "SELECT count(*) FROM orders_payoutleg",
        """
        SELECT format('leg %s: refused %s times', v.leg_id, count(*))
          FROM orders_reversal v
          JOIN orders_payoutleg g ON g.id = v.leg_id JOIN orders_payout q ON q.id = g.payout_id
         WHERE v.status = 'failed' AND v.decided_by_id IS NULL
           AND v.created_at > coalesce(greatest(
               (SELECT max(d.resolved_at) FROM orders_discrepancy d
                 WHERE d.kind = 'debt' AND d.provider_id = format('%s %s', q.account_id, v.currency)),
               (SELECT max(w.created_at) FROM orders_reversal w
                  JOIN orders_payoutleg h ON h.id = w.leg_id JOIN orders_payout r ON r.id = h.payout_id
                 WHERE w.status = 'done' AND r.account_id = q.account_id AND w.currency = v.currency)),
               '-infinity')
         GROUP BY v.leg_id HAVING count(*) > 4
        """,
    ),
)
