"""Who hears what. The only place where rooms that do not know each other are joined."""

# Event name -> dotted paths of its hearers, called in this order by the relay.
SUBSCRIPTIONS: dict[str, list[str]] = {
    "room.told": ["streams.hearers.tell_room"],
    "room.state": ["streams.hearers.tell_state"],
    "user.told": ["streams.hearers.tell_user"],
    "access.changed": ["streams.hearers.change_access"],
    "moderation.changed": ["streams.moderation_hearers.tell_moderators"],
    "stock.moved": ["streams.hearers.show_stock", "orders.hearers.serve_line"],
    "floor.moved": ["streams.hearers.mind_floor"],
    "price.moved": ["streams.hearers.show_prices"],
    "purchase.accepted": ["orders.hearers.start_settling", "orders.hearers.tell_buyers"],
    "purchase.moved": ["orders.hearers.tell_buyer"],
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
    "refund.owed": ["orders.hearers.start_refund"],
    "import.queued": ["catalog.hearers.start_import"],
    "card.removed": ["commerce.hearers.forget_card"],
}

# What is done with the request of somebody who has just signed in: dotted paths of (request, user).
ENTRANCES: list[str] = ["orders.entrance.bring_cart"]

# What the relay shows to Prometheus besides its own: dotted paths of collectors.
GAUGES: list[str] = ["orders.gauges.Agreement", "commerce.backlog.Queues"]

# What gives parts of snapshots by name, for many shoppers at once: dotted paths of ((show, shopper) pairs).
SNAPSHOT_PANELS: list[str] = ["orders.panels.own"]
