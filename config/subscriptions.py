"""Who hears what. The only place where rooms that do not know each other are joined."""

# Event name -> dotted paths of its hearers, called in this order by the relay.
SUBSCRIPTIONS: dict[str, list[str]] = {
    "room.told": ["streams.hearers.tell_room"],
    "room.state": ["streams.hearers.tell_state"],
    "user.told": ["streams.hearers.tell_user"],
    "access.changed": ["streams.hearers.change_access"],
    "moderation.changed": ["streams.moderation_hearers.tell_moderators"],
    "stock.moved": [
        "streams.hearers.show_stock",
        "orders.hearers.serve_line",
        "catalog.hearers.tell_stock",
    ],
    "stock.watched": ["catalog.hearers.tell_low"],
    "floor.moved": ["streams.hearers.mind_floor"],
    "price.moved": ["streams.hearers.show_prices"],
    "purchase.accepted": ["orders.hearers.start_settling", "orders.hearers.tell_buyers"],
    "purchase.moved": ["orders.hearers.tell_buyer", "orders.hearers.tell_merchants"],
    "action.asked": ["orders.hearers.ask_again"],
    "cart.moved": ["orders.hearers.tell_cart"],
    "carts.lapsed": ["orders.hearers.tell_carts"],
    "capture.asked": ["orders.hearers.start_capture"],
    "authorization.unwanted": ["orders.hearers.let_go"],
    "intent.unwanted": ["orders.hearers.let_go"],
    "turn.begun": ["streams.hearers.let_in"],
    "notice.received": ["orders.hearers.read_notice"],
    "payout.begun": ["orders.hearers.start_payout"],
    "reversal.begun": ["orders.hearers.start_reversal"],
    "refund.owed": ["orders.hearers.start_refund", "orders.hearers.tell_refund"],
    "refund.moved": ["orders.hearers.tell_refund"],
    "dispute.moved": ["orders.hearers.tell_dispute"],
    "feed.off": ["catalog.hearers.tell_feed_off"],
    "import.queued": ["catalog.hearers.start_import"],
    "export.queued": ["catalog.hearers.start_export"],
    "import.finished": ["catalog.hearers.tell_import"],
    "export.finished": ["catalog.hearers.tell_export"],
    "product.moved": ["catalog.hearers.tell_reviews"],
    "card.removed": ["commerce.hearers.forget_card"],
    "webhook.endpoint_off": ["commerce.hearers.tell_endpoint_off"],
}

# What merchants' own systems can be told, and when. Rooms write these messages in their hearers.
WEBHOOK_EVENTS: dict[str, str] = {
    "order.opened": "an order is paid (a pre-order: promised by the card) and yours to send",
    "order.shipping": "a pre-order's parcel is recorded, and its money being taken",
    "order.partly_shipped": "the first parcel of an order is recorded, and something is to follow",
    "order.shipped": "all of an order is in parcels, or what is not was given back",
    "order.delivered": "all parcels of an order are there",
    "order.cancelled": "an order that was opened is cancelled",
    "refund.created": "money is to go back to a buyer",
    "refund.updated": "a refund was paid, by you or by the buyer's bank, or is owed again",
    "return.asked": "a buyer wants to send goods back",
    "return.approved": "you let goods come",
    "return.refused": "you said no to a return",
    "return.received": "returned goods are there",
    "return.refunded": "a return ended with its refund",
    "return.lapsed": "approved goods never came",
    "dispute.opened": "a buyer's bank wants a charge back",
    "dispute.updated": "a dispute goes on",
    "dispute.closed": "a dispute is decided",
    "stock.changed": "what can be promised of a variant is another number; many changes may be one message",
    "stock.sold_out": "nothing of a variant is left",
    "stock.low": "what can be promised of a variant has fallen to the number that you named, or below it",
    "import.finished": "a feed is read to its end, or failed",
    "export.finished": "a file you asked for is written, or failed",
    "product.reviewed": "an operator approved a product, sent it back or took it off sale, and why",
    "feed.disabled": "a feed that is fetched was turned off, by operations or as it failed too often",
    "endpoint.disabled": "another of your endpoints was turned off",
}

# What is done with the request of somebody who has just signed in: dotted paths of (request, user).
ENTRANCES: list[str] = ["orders.entrance.bring_cart"]

# What the relay shows to Prometheus besides its own: dotted paths of collectors.
GAUGES: list[str] = [
    "orders.gauges.Agreement",
    "commerce.backlog.Queues",
    "commerce.webhooks.gauges.Waiting",
]

# What gives parts of snapshots by name, for many shoppers at once: dotted paths of ((show, shopper) pairs).
SNAPSHOT_PANELS: list[str] = ["orders.panels.own"]
