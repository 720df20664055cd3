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
    ("commerce.desk.hooks.turned_off", "webhooks"),
]

# (title, icon, screen). Whoever may not see a screen does not see its line.
SCREENS: list[tuple[str, str, str]] = [
    ("Overview", "dashboard", "index"),
    ("Products", "category", "products"),
    ("Orders", "local_shipping", "orders"),
    ("Returns", "assignment_return", "returns"),
    ("Disputes", "gavel", "disputes"),
    ("Imports", "upload_file", "imports"),
    ("Exports", "download", "exports"),
    ("API keys", "key", "keys"),
    ("Webhooks", "webhook", "webhooks"),
    ("Members", "group", "members"),
]


def _may_open(screen: str) -> Callable[[HttpRequest], bool]:
    return lambda request: bool(import_string("commerce.merchantsite.may_open")(screen)(request))


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar, as far as the role of who looks goes."""
    items = [
        {
            "title": title,
            "icon": icon,
            "link": reverse_lazy(f"desk:{screen}"),
            "permission": _may_open(screen),
        }
        for title, icon, screen in SCREENS
    ]
    switch = {
        "title": "Your merchants",
        "icon": "swap_horiz",
        "link": reverse_lazy("desk:switch"),
    }
    return [{"items": items}, {"items": [switch], "separator": True}]


def subheader(request: HttpRequest) -> str:
    """Return whose goods are looked at."""
    return str(import_string("commerce.merchantsite.merchant_name")(request))
