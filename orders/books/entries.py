"""Which of the ledger's transactions are about a purchase: its sale, refunds, disputes, what was earned."""


def of(purchase: str) -> str:
    """Return SQL that gives the `ref` of each; `purchase` is SQL for the purchase's id."""
    return f"""
        SELECT {purchase}::text AS ref
        UNION ALL
        SELECT r.id::text FROM orders_refund r JOIN orders_payment e ON e.id = r.payment_id
         WHERE e.purchase_id = {purchase}
        UNION ALL
        SELECT d.provider_id FROM orders_dispute d JOIN orders_payment e ON e.id = d.payment_id
         WHERE e.purchase_id = {purchase}
        UNION ALL
        SELECT r.id::text FROM orders_order r WHERE r.purchase_id = {purchase}
        UNION ALL
        SELECT c.id::text FROM orders_commission c JOIN orders_orderline i ON i.id = c.line_id
          JOIN orders_order r ON r.id = i.order_id
         WHERE r.purchase_id = {purchase}
    """


def share(purchase: str, account: str, currency: str) -> str:
    """Return SQL for what of a purchase stands on a merchant's or a host's account, owed being positive.

    In minor units, and by whatever was posted: what a payout has sent on is not in it.
    """
    return f"""(
        SELECT coalesce(-sum(x.amount), 0)
          FROM ({of(purchase)}) f
          JOIN commerce_ledgertransaction t ON t.ref = f.ref
          JOIN commerce_posting x ON x.transaction_id = t.id AND x.account = {account}
               AND x.currency = {currency})"""
