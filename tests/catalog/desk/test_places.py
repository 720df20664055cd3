"""Locations in the merchant admin."""

from __future__ import annotations

import pytest

from catalog.models import (
    Location,
    Variant,
)
from tests.catalog.desk.asking import said, send, text
from tests.deskfolk import client_of

pytestmark = pytest.mark.django_db


def test_locations_are_named_changed_and_closed(one: Variant) -> None:
    shop = one.merchant
    client = client_of(shop)
    assert "No location yet" in text(client, "locations/")
    send(client, shop, "locations/", name="Main house", code="main")
    send(client, shop, "locations/", name="Berlin", code="berlin", country="DE")
    assert "Another location has this code." in said(
        send(client, shop, "locations/", name="Berlin", code="berlin")
    )
    berlin = Location.objects.get(code="berlin")
    send(client, shop, f"stock/{one.pk}/set/", units="2", location="berlin")
    refused = said(send(client, shop, f"locations/{berlin.pk}/", name="Berlin", is_active=""))
    assert "Goods lie there." in refused
    send(client, shop, f"stock/{one.pk}/set/", units="0", location="berlin")
    send(client, shop, f"locations/{berlin.pk}/", name="Berlin, old", is_active="")
    berlin.refresh_from_db()
    assert (berlin.name, berlin.is_active) == ("Berlin, old", False)
    main = Location.objects.get(code="main")
    send(client, shop, f"locations/{main.pk}/", name="House")
    main.refresh_from_db()
    assert (main.name, main.is_active) == ("House", True)
