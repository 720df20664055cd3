"""The sidebar of the operations admin: what stands under which heading, in the words of the trade."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy

# Heading -> (title, icon, app and model).
SCREENS: dict[str, list[tuple[str, str, str]]] = {
    "Trade": [
        ("Purchases", "shopping_bag", "orders.purchase"),
        ("Orders", "local_shipping", "orders.order"),
        ("Parcels", "package_2", "orders.shipment"),
        ("Returns", "assignment_return", "orders.return"),
        ("Cancellations", "cancel", "orders.cancellation"),
        ("Held units", "hourglass_top", "orders.hold"),
    ],
    "Money": [
        ("Payments", "credit_card", "orders.payment"),
        ("Refunds", "currency_exchange", "orders.refund"),
        ("Disputes", "gavel", "orders.dispute"),
        ("Commission", "percent", "orders.commission"),
        ("Proceeds", "savings", "orders.proceeds"),
        ("Payouts", "payments", "orders.payout"),
        ("Reversals", "undo", "orders.reversal"),
        ("Payees' accounts", "account_circle", "commerce.connectedaccount"),
        ("Ledger", "menu_book", "commerce.ledgertransaction"),
    ],
    "Provider": [
        ("Discrepancies", "report", "orders.discrepancy"),
        ("Movements of money", "swap_vert", "orders.movement"),
        ("Notices", "notifications", "commerce.notice"),
        ("Read up to", "bookmark", "orders.mark"),
    ],
    "Shows": [
        ("Shows", "videocam", "streams.stream"),
        ("Co-hosts", "group_add", "streams.cohost"),
        ("Offers", "sell", "streams.offer"),
        ("Coupons", "confirmation_number", "streams.coupon"),
        ("Pins", "push_pin", "streams.pin"),
        ("Follows", "favorite", "streams.follow"),
        ("Show log", "history", "streams.showevent"),
    ],
    "Chat": [
        ("Messages", "chat", "streams.chatmessage"),
        ("Questions", "help", "streams.question"),
        ("Reports", "flag", "streams.report"),
        ("Decisions", "rule", "streams.decision"),
        ("Appeals", "balance", "streams.appeal"),
        ("Mutes and bans", "block", "streams.restraint"),
        ("Blocked words", "spellcheck", "streams.blockedword"),
        ("Moderators", "shield_person", "streams.showmoderator"),
    ],
    "Carts": [
        ("Policies", "policy", "orders.cartpolicy"),
        ("Held in carts", "shopping_cart", "orders.carthold"),
        ("Carts that hold", "production_quantity_limits", "orders.cartholder"),
        ("Hoarders", "inventory", "orders.hoarder"),
    ],
    "Catalog": [
        ("Products", "category", "catalog.product"),
        ("Waiting for a review", "rate_review", "catalog.waitingproduct"),
        ("Categories", "account_tree", "catalog.category"),
        ("Variants", "style", "catalog.variant"),
        ("Stock", "inventory_2", "catalog.stock"),
        ("Movements of stock", "swap_horiz", "catalog.stockmovement"),
        ("Locations", "warehouse", "catalog.location"),
        ("Stock by location", "pallet", "catalog.locationstock"),
        ("Announced prices", "schedule", "catalog.priceschedule"),
        ("Imports", "upload_file", "catalog.import"),
        ("Exports", "download", "catalog.export"),
        ("Fetched feeds", "sync", "catalog.feedsource"),
        ("Commission plans", "handshake", "catalog.commissionplan"),
    ],
    "Parties": [
        ("Merchants", "storefront", "commerce.merchant"),
        ("Members' invitations", "outgoing_mail", "commerce.memberinvitation"),
        ("What was done to members", "manage_history", "commerce.memberevent"),
        ("API keys", "key", "commerce.merchantkey"),
        ("What was done to keys", "history", "commerce.merchantkeyevent"),
        ("Hosts", "mic", "commerce.host"),
        ("Users", "person", "commerce.user"),
        ("Groups", "group", "auth.group"),
    ],
    "Tax and shipping": [
        ("Shipping zones", "public", "orders.shippingzone"),
        ("Tax rates", "receipt_long", "orders.taxrate"),
        ("Tax in prices", "price_check", "orders.taxpolicy"),
    ],
    "Webhooks": [
        ("Endpoints", "webhook", "commerce.webhookendpoint"),
        ("Deliveries", "outgoing_mail", "commerce.webhookdelivery"),
        ("Messages", "data_object", "commerce.webhookmessage"),
    ],
    "System": [
        ("Events", "bolt", "commerce.event"),
    ],
}


def _may_see(app: str, model: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(f"{app}.view_{model}")


def _item(title: str, icon: str, named: str, page: str = "") -> dict[str, Any]:
    app, model = named.split(".")
    link = reverse_lazy(f"admin:{page or f'{app}_{model}_changelist'}")
    return {"title": title, "icon": icon, "link": link, "permission": _may_see(app, model)}


# Heading -> pages that are no list: (title, icon, address by name, the model whose readers may see them).
PAGES: dict[str, list[tuple[str, str, str, str]]] = {
    "Money": [
        ("What would be paid", "fact_check", "orders_payout_outlook", "orders.payout"),
        (
            "Trial balance",
            "account_balance",
            "commerce_ledgertransaction_trial_balance",
            "commerce.ledgertransaction",
        ),
    ],
}

NAVIGATION: list[dict[str, Any]] = [
    {
        "title": heading,
        "separator": True,
        "collapsible": True,
        "items": [
            *(_item(*screen) for screen in screens),
            *(_item(title, icon, named, page) for title, icon, page, named in PAGES.get(heading, ())),
        ],
    }
    for heading, screens in SCREENS.items()
]
