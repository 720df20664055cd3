"""The merchant admin's sidebar, and what its overview asks the apps."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy
from django.utils.module_loading import import_string

# What waits for a merchant: dotted paths of (merchant_id) -> Waiting or None, with the scope it needs.
WAITING: list[tuple[str, str]] = [
    ("catalog.desk.products.sent_back", "catalog:read"),
    ("orders.desk.disputes.unanswered", "orders:read"),
    ("orders.desk.returns.asked", "orders:read"),
    ("orders.desk.returns.arrived", "orders:read"),
    ("orders.desk.orders.unwanted", "orders:read"),
    ("orders.desk.orders.waiting", "orders:read"),
    ("catalog.desk.imports.failed", "catalog:read"),
    ("catalog.desk.sources.turned_off", "catalog:read"),
    ("catalog.desk.pictures.failing", "catalog:read"),
    ("commerce.desk.hooks.turned_off", "webhooks"),
]

# Heading -> (title, icon, screen). Whoever may not see a screen does not see its line.
SCREENS: dict[str, list[tuple[str, str, str]]] = {
    "": [("Overview", "dashboard", "index")],
    "Goods": [
        ("Products", "category", "products"),
        ("Stock", "inventory_2", "stock"),
        ("Locations", "warehouse", "places"),
        ("Announced prices", "schedule", "announced"),
        ("Categories and tags", "account_tree", "categories"),
    ],
    "Trade": [
        ("Orders", "local_shipping", "orders"),
        ("Returns", "assignment_return", "returns"),
        ("Disputes", "gavel", "disputes"),
    ],
    "Feeds and files": [
        ("Imports", "upload_file", "imports"),
        ("Fetched feeds", "sync", "sources"),
        ("Exports", "download", "exports"),
    ],
    "Systems and people": [
        ("API keys", "key", "keys"),
        ("Webhooks", "webhook", "webhooks"),
        ("Members", "group", "members"),
    ],
}


def _may_open(screen: str) -> Callable[[HttpRequest], bool]:
    return lambda request: bool(import_string("commerce.merchantsite.may_open")(screen)(request))


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar, as far as the role of who looks goes."""
    groups: list[dict[str, Any]] = []
    for heading, screens in SCREENS.items():
        items = [
            {
                "title": title,
                "icon": icon,
                "link": reverse_lazy(f"desk:{screen}"),
                "permission": _may_open(screen),
            }
            for title, icon, screen in screens
        ]
        groups.append({"title": heading, "items": items, "separator": bool(groups)})
    switch = {
        "title": "Your merchants",
        "icon": "swap_horiz",
        "link": reverse_lazy("desk:switch"),
    }
    return [*groups, {"items": [switch], "separator": True}]


def subheader(request: HttpRequest) -> str:
    """Return whose goods are looked at."""
    return str(import_string("commerce.merchantsite.merchant_name")(request))
