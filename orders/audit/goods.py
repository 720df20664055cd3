"""Rules of stock, offers, holds and what was bought."""

from orders.audit.checks import Check

_LIVE_HOLDS = "status <> 'released'"
# Of an offer a line's units count, once, though a bundle's line has a hold for each part.
_LIVE_LINE = f"EXISTS (SELECT 1 FROM orders_hold h WHERE h.line_id = l.id AND h.{_LIVE_HOLDS})"

STOCK: tuple[Check, ...] = (
    Check(
        "stock-adds-up",
        "Units that can be promised are the movements less live holds, carts' holds and offered turns.",
        "SELECT count(*) FROM catalog_stock",
        f"""
        SELECT format('variant %s: available %s, movements %s, held or sold %s',
                      s.variant_id, s.available, coalesce(m.units, 0), coalesce(h.units, 0))
          FROM catalog_stock s
          LEFT JOIN (SELECT variant_id, sum(delta) AS units FROM catalog_stockmovement GROUP BY 1) m
                 ON m.variant_id = s.variant_id
          LEFT JOIN (SELECT variant_id, sum(quantity) AS units FROM (
                         SELECT variant_id, quantity FROM orders_hold WHERE {_LIVE_HOLDS}
                         UNION ALL SELECT variant_id, quantity FROM orders_carthold
                         UNION ALL SELECT variant_id, quantity FROM orders_waitlistentry
                                    WHERE status = 'offered') held
                      GROUP BY 1) h ON h.variant_id = s.variant_id
         WHERE s.available <> coalesce(m.units, 0) - coalesce(h.units, 0)
        """,
    ),
    Check(
        "stock-not-negative",
        "No variant has been promised more often than there are units.",
        "SELECT count(*) FROM catalog_stock",
        "SELECT format('variant %s: %s', variant_id, available) FROM catalog_stock WHERE available < 0",
    ),
    Check(
        "location-stock-adds-up",
        "What lies at a location, other than the main one, is the movements there, and never below zero.",
        "SELECT count(*) FROM catalog_locationstock",
        """
        SELECT format('variant %s at %s: on hand %s, movements %s', variant_id, location_id,
                      coalesce(s.on_hand, 0), coalesce(m.units, 0))
          FROM catalog_locationstock s
          FULL JOIN (SELECT variant_id, location_id, sum(on_hand_delta) AS units
                       FROM catalog_stockmovement v
                       JOIN catalog_location l ON l.id = v.location_id AND NOT l.is_main
                      GROUP BY 1, 2) m USING (variant_id, location_id)
         WHERE coalesce(s.on_hand, 0) <> coalesce(m.units, 0) OR s.on_hand < 0
        """,
    ),
    Check(
        "main-location-has-no-rows",
        "What lies at the main location is derived, and every merchant with locations has one.",
        "SELECT count(*) FROM catalog_location",
        """
        SELECT format('variant %s', s.variant_id)
          FROM catalog_locationstock s JOIN catalog_location l ON l.id = s.location_id WHERE l.is_main
         UNION ALL
        SELECT format('merchant %s', merchant_id)
          FROM catalog_location GROUP BY merchant_id HAVING count(*) FILTER (WHERE is_main) <> 1
        """,
    ),
    Check(
        "offer-quota-adds-up",
        "What is left of an offer is its quota less live holds and offered turns, never below zero.",
        "SELECT count(*) FROM streams_offer",
        f"""
        SELECT format('offer %s: left %s of %s, held or sold %s',
                      o.id, o."left", o.quota, coalesce(h.units, 0))
          FROM streams_offer o
          LEFT JOIN (SELECT offer_id, sum(quantity) AS units FROM (
                         SELECT offer_id, quantity FROM orders_orderline l
                          WHERE offer_id IS NOT NULL AND {_LIVE_LINE}
                         UNION ALL SELECT offer_id, quantity FROM orders_waitlistentry
                                    WHERE status = 'offered') held
                      WHERE offer_id IS NOT NULL GROUP BY 1) h ON h.offer_id = o.id
         WHERE o."left" <> o.quota - coalesce(h.units, 0) OR o."left" < 0
        """,
    ),
    Check(
        "offer-limit-adds-up",
        "A buyer's units of an offer are her live holds, within the limit per buyer.",
        "SELECT count(*) FROM streams_offerbuyer",
        f"""
        SELECT format('offer %s, buyer %s: counted %s, held or sold %s, limit %s',
                      o.id, buyer_id, coalesce(b.units, 0), coalesce(h.units, 0), o.per_buyer)
          FROM (SELECT offer_id, buyer_id, units FROM streams_offerbuyer) b
          FULL JOIN (SELECT l.offer_id, p.buyer_id, sum(l.quantity) AS units
                       FROM orders_orderline l JOIN orders_order r ON r.id = l.order_id
                       JOIN orders_purchase p ON p.id = r.purchase_id
                      WHERE l.offer_id IS NOT NULL AND {_LIVE_LINE} GROUP BY 1, 2) h
                 USING (offer_id, buyer_id)
          JOIN streams_offer o ON o.id = offer_id
         WHERE coalesce(b.units, 0) <> coalesce(h.units, 0) OR coalesce(h.units, 0) > o.per_buyer
        """,
    ),
)

COUPONS: tuple[Check, ...] = (
    Check(
        "coupon-quota-adds-up",
        "What is left of a coupon is its quota less the claims, never below zero.",
        "SELECT count(*) FROM streams_coupon",
        """
        SELECT format('coupon %s: left %s of %s, claims %s', k.id, k."left", k.quota, coalesce(c.claims, 0))
          FROM streams_coupon k
          LEFT JOIN (SELECT coupon_id, count(*) AS claims FROM streams_couponclaim GROUP BY 1) c
                 ON c.coupon_id = k.id
         WHERE k."left" <> k.quota - coalesce(c.claims, 0) OR k."left" < 0
        """,
    ),
    Check(
        "coupon-use-within-limit",
        "Nobody has used a coupon more often than she may.",
        "SELECT count(*) FROM streams_couponclaim",
        """
        SELECT format('coupon %s, buyer %s: used %s of %s', coupon_id, buyer_id, used, cap)
          FROM streams_couponclaim WHERE used > cap OR used < 0
        """,
    ),
)

TRADE: tuple[Check, ...] = (
    Check(
        "holds-follow-purchases",
        "Units are held while a purchase is unpaid or in its grace, kept when it is paid, and back when it"
        " ended.",
        "SELECT count(*) FROM orders_hold",
        """
        SELECT format('hold of line %s: %s, purchase %s is %s', h.line_id, h.status, p.id, p.status)
          FROM orders_hold h JOIN orders_purchase p ON p.id = h.purchase_id
         WHERE h.status <> CASE WHEN p.status IN ('accepted', 'action_required') THEN 'held'
                                WHEN p.status = 'authorized' OR p.grace_until IS NOT NULL THEN 'held'
                                WHEN p.status = 'paid' THEN 'taken' ELSE 'released' END
        """,
    ),
    Check(
        "lines-have-holds",
        "Every order line has a hold of its variant, offer and quantity; a bundle's, one per part.",
        "SELECT count(*) FROM orders_orderline",
        """
        SELECT format('line %s', l.id)
          FROM orders_orderline l
          JOIN orders_order o ON o.id = l.order_id
          LEFT JOIN LATERAL (
               SELECT count(*) AS holds, count(DISTINCT h.status) AS fates,
                      bool_and(h.purchase_id = o.purchase_id AND h.quantity % l.quantity = 0) AS fit,
                      bool_or(h.variant_id = l.variant_id) AS plain,
                      bool_and(h.variant_id = l.variant_id AND h.quantity = l.quantity
                               AND h.offer_id IS NOT DISTINCT FROM l.offer_id) AS same,
                      bool_and(h.offer_id IS NULL AND v.merchant_id = l.merchant_id) AS of_parts
                 FROM orders_hold h JOIN catalog_variant v ON v.id = h.variant_id
                WHERE h.line_id = l.id) h ON true
         WHERE h.holds = 0 OR h.fates > 1 OR NOT h.fit
            OR CASE WHEN h.plain THEN NOT h.same ELSE NOT h.of_parts END
        """,
    ),
    Check(
        "totals-add-up",
        "Lines, shipping, and tax on top add up to orders, and orders to purchases, in one currency.",
        "SELECT count(*) FROM orders_purchase",
        """
        SELECT format('purchase %s: %s %s, lines and charges %s, orders %s',
                      p.id, p.amount, p.currency, l.amount, o.amount)
          FROM orders_purchase p
          LEFT JOIN (SELECT purchase_id, sum(amount) AS amount FROM orders_order GROUP BY 1) o
                 ON o.purchase_id = p.id
          LEFT JOIN (SELECT o.purchase_id, sum(x.amount + o.shipping_amount
                                + CASE WHEN o.tax_on_top THEN o.shipping_tax_amount ELSE 0 END) AS amount,
                            bool_and(x.agree AND x.amount + o.shipping_amount
                                + CASE WHEN o.tax_on_top THEN o.shipping_tax_amount ELSE 0 END = o.amount
                                ) AS agree
                       FROM orders_order o
                       JOIN (SELECT l.order_id,
                                    sum(l.amount + CASE WHEN l.tax_on_top THEN l.tax_amount ELSE 0 END
                                        ) AS amount,
                                    bool_and(l.currency = y.currency AND l.tax_on_top = y.tax_on_top) AS agree
                               FROM orders_orderline l JOIN orders_order y ON y.id = l.order_id
                              GROUP BY 1) x ON x.order_id = o.id GROUP BY 1) l
                 ON l.purchase_id = p.id
         WHERE p.amount IS DISTINCT FROM o.amount OR p.amount IS DISTINCT FROM l.amount OR NOT l.agree
            OR EXISTS (SELECT 1 FROM orders_order x WHERE x.purchase_id = p.id AND x.currency <> p.currency)
        """,
    ),
    Check(
        "orders-follow-purchases",
        "Orders reach merchants when they are paid, or a pre-order's card has promised it, and only then.",
        "SELECT count(*) FROM orders_order",
        """
        SELECT format('order %s: %s, purchase %s is %s', o.id, o.status, p.id, p.status)
          FROM orders_order o JOIN orders_purchase p ON p.id = o.purchase_id
         WHERE (p.status = 'paid' AND o.status IN ('pending', 'shipping'))
            OR (p.status = 'authorized' AND o.status NOT IN ('open', 'shipping'))
            OR (p.status IN ('accepted', 'action_required', 'declined') AND o.status <> 'pending')
            OR (p.status IN ('expired', 'cancelled') AND o.status <> 'cancelled')
        """,
    ),
    Check(
        "parcels-add-up",
        "Units in parcels are those counted on lines, and an order's status says what is still to go out.",
        "SELECT count(*) FROM orders_shipmentline",
        """
        SELECT format('line %s: %s shipped, %s in parcels', l.id, l.shipped_quantity, coalesce(x.units, 0))
          FROM orders_orderline l
          LEFT JOIN (SELECT line_id, sum(quantity) AS units FROM orders_shipmentline GROUP BY 1) x
                 ON x.line_id = l.id
         WHERE l.shipped_quantity <> coalesce(x.units, 0)
            OR l.shipped_quantity + l.dropped_quantity > l.quantity
        UNION ALL
        SELECT format('line %s is not of order %s', x.line_id, x.order_id)
          FROM orders_shipmentline x JOIN orders_orderline l ON l.id = x.line_id
         WHERE l.order_id <> x.order_id
        UNION ALL
        SELECT format('order %s: %s, %s units to ship, %s shipped', o.id, o.status, y.left, y.shipped)
          FROM orders_order o
          JOIN (SELECT order_id, sum(quantity - shipped_quantity - dropped_quantity) AS left,
                       sum(shipped_quantity) AS shipped
                  FROM orders_orderline GROUP BY 1) y ON y.order_id = o.id
         WHERE CASE WHEN o.status IN ('pending', 'open', 'cancelled') THEN y.shipped > 0
                    WHEN o.status = 'shipping' THEN y.shipped = 0
                    WHEN o.status = 'partly_shipped' THEN y.shipped = 0 OR y.left = 0
                    ELSE y.left > 0 END
        UNION ALL
        SELECT format('order %s: delivered, and parcel %s is not', o.id, h.id)
          FROM orders_order o JOIN orders_shipmentline x ON x.order_id = o.id
          JOIN orders_shipment h ON h.id = x.shipment_id
         WHERE o.status = 'delivered' AND h.delivered_at IS NULL
        """,
    ),
    Check(
        "history-is-whole",
        "The last recorded move of a purchase led to the status it has.",
        "SELECT count(*) FROM orders_purchase",
        """
        SELECT format('purchase %s: %s, last move to %s', p.id, p.status, m.new)
          FROM orders_purchase p
          LEFT JOIN LATERAL (SELECT new FROM orders_purchasemove
                              WHERE purchase_id = p.id ORDER BY id DESC LIMIT 1) m ON true
         WHERE p.status <> coalesce(m.new, 'accepted')
        """,
    ),
)
