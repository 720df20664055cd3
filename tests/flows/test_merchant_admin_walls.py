"""Every screen of the merchant admin for every role and with another merchant's ids, made from its list."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse

from commerce.merchantsite import EVERY_MEMBER, desk
from commerce.models import Merchant
from commerce.scopes import ROLES
from tests.catalog import make
from tests.deskfolk import client_of, things_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_hashes")]

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


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("screen", SCREENS)
def test_a_role_opens_what_its_scopes_open(shop: Merchant, screen: str, role: str) -> None:
    client, ids, needs = client_of(shop, role), things_of(shop), desk.needs[screen]
    where = address(screen, ids)
    sees = needs.see in (EVERY_MEMBER, *ROLES[role])
    changes = needs.change is not None and sees and needs.change in (EVERY_MEMBER, *ROLES[role])

    looked = client.get(where).status_code
    sent = client.post(where, {"merchant": str(shop.pk)}).status_code

    if sees:
        assert looked in (200, 302, 405), looked
    else:
        assert looked == 403
    if changes:
        assert sent in (200, 302, 400, 404), sent
    else:
        assert sent == (405 if needs.change is None else 403)


@pytest.mark.parametrize("screen", [name for name, ids in addresses().items() if ids])
def test_another_merchants_ids_are_not_there(shop: Merchant, screen: str) -> None:
    theirs = things_of(make.merchant("Other"))
    mine = things_of(shop)
    client = client_of(shop, "owner")

    for name in addresses()[screen]:
        for id in (theirs[name], uuid4() if isinstance(theirs[name], UUID) else 0):
            where = address(screen, {**mine, name: id})
            for answer in (client.get(where), client.post(where, {"merchant": str(shop.pk)})):
                assert answer.status_code in (404, 405), (where, answer.status_code)
            # Not because everything is refused: at least one method is there.
            assert 404 in {
                client.get(where).status_code,
                client.post(where, {"merchant": str(shop.pk)}).status_code,
            }


@pytest.mark.parametrize("screen", SCREENS)
def test_nobody_else_comes_in(shop: Merchant, screen: str) -> None:
    where = address(screen, things_of(shop))

    for method in (Client().get, Client().post):
        answer: Any = method(where)
        assert answer.status_code == 302
        assert answer.url.startswith("/merchant/login/")


@pytest.mark.parametrize("screen", [name for name in SCREENS if desk.needs[name].change is not None])
def test_forms_of_other_pages_and_other_merchants_change_nothing(shop: Merchant, screen: str) -> None:
    where = address(screen, things_of(shop))
    client = client_of(shop, "owner")
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies

    assert strict.post(where, {"merchant": str(shop.pk)}).status_code == 403
    assert client.post(where, {"merchant": str(make.merchant().pk)}).status_code == 409
    assert client.post(where).status_code == 409
