"""The operations screens of announced prices, locations and the log of stock open, and change nothing."""

import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import LocationStock, StockMovement
from catalog.pricing import prices, schedules
from catalog.shelf import locations, movements, places
from commerce.models import User
from tests.catalog import make
from tests.catalog.make import NOW, after

pytestmark = pytest.mark.django_db


def address(model: str, page: str, *args: object) -> str:
    return reverse(f"admin:catalog_{model}_{page}", args=args)


def test_every_screen_opens_with_rows_and_search() -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("ops@example.com", "long enough 1", name="Ops"))
    one = make.variant(make.merchant(), sku="S-1")
    main, _ = (
        locations.create(merchant_id=one.merchant_id, code=code, name=code, now=NOW)
        for code in ("main", "berlin")
    )
    places.set_level(
        merchant_id=one.merchant_id,
        variant_id=one.pk,
        location="berlin",
        units=5,
        note="",
        by=movements.Who("key", "Warehouse system"),
        now=NOW,
    )
    plan = schedules.Plan(prices.Quote(1500, None, "EUR"), after(60), None)
    sale = schedules.make(merchant_id=one.merchant_id, variant_id=one.pk, plan=plan, now=NOW).schedule
    for model, pk in (
        ("priceschedule", sale.pk),
        ("location", main.pk),
        ("locationstock", LocationStock.objects.get().pk),
        ("stockmovement", StockMovement.objects.latest("id").pk),
    ):
        assert client.get(address(model, "changelist")).status_code == 200
        assert client.get(address(model, "changelist"), {"q": "S-1"}).status_code == 200
        assert client.get(address(model, "change", pk)).status_code == 200
        assert client.get(address(model, "add")).status_code == 403
        assert client.get(address(model, "delete", pk)).status_code == 403
    assert "Warehouse system" in client.get(address("stockmovement", "changelist")).content.decode()
