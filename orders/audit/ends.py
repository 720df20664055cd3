"""Rules of what ends by the clock: it is over a minute after its time at the latest."""

from orders.audit.checks import Check

# Promised in docs/till.md and docs/carts.md, also when thousands end at once.
LATE = "interval '60 seconds'"

ENDS: tuple[Check, ...] = (
    Check(
        "holds-end-in-time",
        "Held units are back a minute after their time, unless a charge is in flight.",
        "SELECT count(*) FROM orders_purchase WHERE status IN ('accepted', 'action_required')",
        f"""
        SELECT format('purchase %s (%s), held until %s', p.id, p.status, p.hold_until) FROM orders_purchase p
         WHERE p.status IN ('accepted', 'action_required') AND p.hold_until < now() - {LATE}
           AND NOT EXISTS (SELECT 1 FROM orders_payment y
                            WHERE y.purchase_id = p.id AND y.status IN ('sent', 'unknown', 'action_required'))
        """,
    ),
    Check(
        "graces-end-in-time",
        "What a declined purchase keeps for another card is back a minute after its grace.",
        "SELECT count(*) FROM orders_purchase WHERE grace_until IS NOT NULL",
        f"""
        SELECT format('purchase %s, kept until %s', id, grace_until) FROM orders_purchase
         WHERE grace_until < now() - {LATE}
        """,
    ),
    Check(
        "cart-holds-end-in-time",
        "What carts held is back a minute after the published end.",
        "SELECT count(*) FROM orders_carthold",
        f"""
        SELECT format('%s of variant %s for the cart of %s, until %s', quantity, variant_id, buyer_id, until)
          FROM orders_carthold WHERE until < now() - {LATE}
        """,
    ),
    Check(
        "turns-end-in-time",
        "Nobody's turn in a line lasts longer than a minute after its end.",
        "SELECT count(*) FROM orders_waitlistentry WHERE status = 'offered'",
        f"""
        SELECT format('turn %s, %s of variant %s, until %s', id, quantity, variant_id, turn_until)
          FROM orders_waitlistentry WHERE status = 'offered' AND turn_until < now() - {LATE}
        """,
    ),
    Check(
        "offers-end-in-time",
        "No offer is open a minute after its window.",
        "SELECT count(*) FROM streams_offer WHERE status = 'open'",
        f"""
        SELECT format('offer %s, closed at %s', id, closes_at) FROM streams_offer
         WHERE status = 'open' AND closes_at < now() - {LATE}
        """,
    ),
    Check(
        "coupons-end-in-time",
        "No coupon is open a minute after its time.",
        "SELECT count(*) FROM streams_coupon WHERE status = 'open'",
        f"""
        SELECT format('coupon %s, closed at %s', id, closes_at) FROM streams_coupon
         WHERE status = 'open' AND closes_at < now() - {LATE}
        """,
    ),
    Check(
        "returns-end-in-time",
        "No return waits for goods a minute after its time.",
        "SELECT count(*) FROM orders_order WHERE status IN ('partly_shipped', 'shipped', 'delivered')",
        f"""
        SELECT format('return %s, until %s', id, until) FROM orders_return
         WHERE status = 'approved' AND until < now() - {LATE}
        """,
    ),
    Check(
        "guests-are-forgotten",
        "No guest's cart is kept that nobody has touched for a month.",
        "SELECT count(*) FROM orders_guestcart",
        """
        SELECT format('guest cart touched at %s', updated_at) FROM orders_guestcart
         WHERE updated_at < now() - interval '31 days'
        """,
    ),
)
