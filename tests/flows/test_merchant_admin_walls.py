"""Every screen of the merchant admin for every role and with another merchant's ids, made from its list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from catalog.models import Location
from commerce import members
from commerce.merchantkeys import By
from commerce.merchantsite import EVERY_MEMBER, DeskSite, desk
from commerce.models import Merchant
from commerce.scopes import ROLES
from tests.catalog import make
from tests.deskfolk import client_of, member_of, things_of

pytestmark = pytest.mark.django_db

desk.extra_urls()
SCREENS = sorted(desk.needs)


def addresses() -> dict[str, list[str]]:
    """Return each screen with the names of the ids in its address."""
    return {
        pattern.name: list(pattern.pattern.converters)
        for pattern in desk.extra_urls()
        if pattern.name in desk.needs
    }


def address(screen: str, ids: dict[str, Any]) -> str:
    named = {name: ids[name] for name in addresses()[screen]}
    return reverse(f"desk:{screen}", kwargs=named)


@pytest.fixture
def shop() -> Merchant:
    return make.merchant()


@contextmanager
def undone() -> Iterator[None]:
    """Take back what is done inside, so that all screens may be tried with the same things."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_what_its_scopes_open(shop: Merchant, role: str) -> None:
    client, ids = client_of(shop, role), things_of(shop)
    wrong = {}
    for screen in SCREENS:
        needs = desk.needs[screen]
        where = address(screen, ids)
        sees = needs.see in (EVERY_MEMBER, *ROLES[role])
        changes = needs.change is not None and sees and needs.change in (EVERY_MEMBER, *ROLES[role])
        with undone():
            looked = client.get(where).status_code
        with undone():
            sent = client.post(where, {"merchant": str(shop.pk)}).status_code
        refused = 405 if needs.change is None else 403
        if looked not in ((200, 302, 405) if sees else (403,)) or sent not in (
            (200, 302, 400, 404) if changes else (refused,)
        ):
            wrong[screen] = (looked, sent)
    assert wrong == {}


def test_another_merchants_ids_are_not_there(shop: Merchant) -> None:
    theirs, mine = things_of(make.merchant("Other")), things_of(shop)
    client = client_of(shop, "owner")
    wrong = {}
    for screen, names in addresses().items():
        for name in names:
            for id in (theirs[name], uuid4() if isinstance(theirs[name], UUID) else 0):
                where = address(screen, {**mine, name: id})
                with undone():
                    told = {
                        client.get(where).status_code,
                        client.post(where, {"merchant": str(shop.pk)}).status_code,
                    }
                # Not because everything is refused: at least one method is there.
                if not {404} <= told <= {404, 405}:
                    wrong[where] = told
    assert wrong == {}


@pytest.mark.parametrize("text", ["\0", "9" * 30, "0001-01-01T00:00", "9999-12-31T23:59"])
def test_whatever_stands_in_a_field_no_screen_breaks(shop: Merchant, text: str) -> None:
    client, ids = client_of(shop, "owner"), things_of(shop)
    client.raise_request_exception = False
    pages = {screen: address(screen, ids) for screen in SCREENS}
    written = "".join(client.get(where).content.decode(errors="replace") for where in pages.values())
    names = {
        *re.findall(r' name="([^"]+)"', written),
        "before",
        "below",
        "open",
        "page",
        "show",
        "sku",
        "reason",
    }
    ahead = {name: "-840" if text.startswith("9999") else "840" for name in names if name.endswith("_ahead")}
    assert len(names) > 50 and ahead
    fields = {**dict.fromkeys(names, text), **ahead}
    broken = {}
    for screen, where in pages.items():
        for method, given in ((client.get, fields), (client.post, {**fields, "merchant": str(shop.pk)})):
            with undone():
                status = method(where, given).status_code
            if status >= 500:
                broken[screen] = status
    assert broken == {}


def test_nobody_else_comes_in(shop: Merchant) -> None:
    ids = things_of(shop)
    for screen in SCREENS:
        where = address(screen, ids)
        for method in (Client().get, Client().post):
            answer: Any = method(where)
            assert answer.status_code == 302, where
            assert answer.url.startswith("/merchant/login/"), where


def test_forms_of_other_pages_and_other_merchants_change_nothing(shop: Merchant) -> None:
    ids, other = things_of(shop), make.merchant()
    client = client_of(shop, "owner")
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    for screen in [name for name in SCREENS if desk.needs[name].change is not None]:
        where = address(screen, ids)
        assert strict.post(where, {"merchant": str(shop.pk)}).status_code == 403, where
        assert client.post(where, {"merchant": str(other.pk)}).status_code == 409, where
        assert client.post(where).status_code == 409, where


def from_another_tab(shop: Merchant) -> int:
    """Send a form of one merchant after another tab has switched to another; return what is answered."""
    other, ana = make.merchant("Other"), member_of(shop)
    members.add(merchant_id=other.pk, user_id=ana.pk, role="owner", by=By())
    client = Client()
    client.force_login(ana)
    now_at = client.get("/merchant/").context["merchant"]
    there = other if now_at == shop else shop
    client.post("/merchant/switch/to/", {"merchant": str(now_at.pk), "to": str(there.pk)})
    form = {"merchant": str(now_at.pk), "name": "Main house", "code": "main"}
    return client.post("/merchant/locations/", form).status_code


def test_a_form_from_a_tab_of_another_merchant_changes_neither(shop: Merchant) -> None:
    assert from_another_tab(shop) == 409
    assert not Location.objects.exists()


def test_control_without_the_merchant_in_the_form_the_wrong_one_is_changed(
    shop: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DeskSite, "_refused", lambda self, request, needs: None)
    assert from_another_tab(shop) == 302
    assert Location.objects.count() == 1
