"""How the admin sites look: warm yellow on ink, and what stands in their sidebars."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.module_loading import import_string

from config import desk, menu

YELLOW = "#ffc62e"

# 600 colours links and marks, so it has to be readable on white; buttons are yellow by admin.css.
COLORS = {
    "base": {
        "50": "#faf8f3",
        "100": "#f3f0e8",
        "200": "#e8e3d8",
        "300": "#d6d0c2",
        "400": "#a39c8d",
        "500": "#787164",
        "600": "#5b564c",
        "700": "#433f37",
        "800": "#2d2a25",
        "900": "#1c1a16",
        "950": "#141210",
    },
    "primary": {
        "50": "#fffaeb",
        "100": "#fff3cf",
        "200": "#ffe79c",
        "300": "#ffdb6b",
        "400": "#ffd04b",
        "500": YELLOW,
        "600": "#8a5a00",
        "700": "#734a00",
        "800": "#5c3b00",
        "900": "#452c00",
        "950": "#2e1d00",
    },
    "font": {
        "subtle-light": "var(--color-base-500)",
        "subtle-dark": "var(--color-base-400)",
        "default-light": "var(--color-base-700)",
        "default-dark": "var(--color-base-300)",
        "important-light": "var(--color-base-900)",
        "important-dark": "var(--color-base-100)",
    },
}


def logo(request: HttpRequest) -> str:
    """Return the address of the logo."""
    return static("commerce/logo.svg")


def admin_css(request: HttpRequest) -> str:
    """Return the address of the style all sites share."""
    return static("commerce/admin.css")


def _css(path: str) -> Callable[[HttpRequest], str]:
    return lambda request: static(f"{path}.css")


# What the screens of hosts and merchants share, and what each have of their own, in this order.
FRAME_STYLES = [_css(f"commerce/frame/{name}") for name in ("screens", "controls", "tables", "forms")]
STUDIO_STYLES = [*FRAME_STYLES, *(_css(f"streams/studio/{name}") for name in ("shows", "showcase"))]
DESK_STYLES = [*FRAME_STYLES, _css("commerce/frame/desk")]


def _studio_navigation(request: HttpRequest) -> list[dict[str, Any]]:
    waiting = import_string("streams.studio.cohosts.waiting_for")(request)
    marked = {"badge": waiting, "badge_variant": "primary"} if waiting else {}
    return [
        {
            "items": [
                {"title": "Shows", "icon": "videocam", "link": reverse_lazy("studio:index")},
                {"title": "Plan a show", "icon": "add_circle", "link": reverse_lazy("studio:plan")},
                {
                    "title": "Invitations",
                    "icon": "group_add",
                    "link": reverse_lazy("studio:invitations"),
                    **marked,
                },
                {"title": "Earnings", "icon": "payments", "link": reverse_lazy("studio:earnings")},
                {"title": "Get paid", "icon": "account_balance", "link": reverse_lazy("studio:payout")},
            ],
        },
    ]


_common: dict[str, Any] = {
    "SITE_ICON": logo,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": logo}],
    "SHOW_VIEW_ON_SITE": False,
    "COLORS": COLORS,
    "BORDER_RADIUS": "10px",
}

STUDIO: dict[str, Any] = {
    **_common,
    "SITE_TITLE": "Yellowcart studio",
    "SITE_HEADER": "Yellowcart",
    "SITE_SUBHEADER": "Studio",
    "SHOW_HISTORY": False,
    "STYLES": [admin_css, *STUDIO_STYLES],
    "SIDEBAR": {"navigation": _studio_navigation},
}

DESK: dict[str, Any] = {
    **_common,
    "SITE_TITLE": "Yellowcart for merchants",
    "SITE_HEADER": "Yellowcart",
    "SITE_SUBHEADER": desk.subheader,
    "SHOW_HISTORY": False,
    "STYLES": [admin_css, *DESK_STYLES],
    "SIDEBAR": {"navigation": desk.navigation},
}

UNFOLD: dict[str, Any] = {
    **_common,
    "SITE_TITLE": "Yellowcart operations",
    "SITE_HEADER": "Yellowcart",
    "SITE_SUBHEADER": "Operations",
    "SHOW_HISTORY": True,
    "STYLES": [admin_css],
    "LOGIN": {"form": "commerce.sites.LoginForm"},
    "SIDEBAR": {"show_search": True, "navigation": menu.NAVIGATION},
}
