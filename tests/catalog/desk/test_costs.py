"""What the lists of the merchant admin ask of the database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import (
    Category,
    PriceSchedule,
    ProductImage,
)
from catalog.shelf import locations, thresholds
from tests.catalog import make
from tests.catalog.desk.asking import text
from tests.deskfolk import NOW, client_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "address", ["stock/", "stock/log/", "locations/", "prices/", "pictures/", "products/", "categories/"]
)
def test_lists_cost_the_same_however_long_they_are(address: str) -> None:
    shop = make.merchant()
    client = client_of(shop)

    def more(count: int) -> None:
        for _ in range(count):
            row = make.variant(shop, stocked=5)
            thresholds.set_threshold(merchant_id=shop.pk, variant_id=row.pk, low_at=9, now=NOW)
            locations.create(merchant_id=shop.pk, code=f"l-{row.pk.hex}", name="Place", now=NOW)
            PriceSchedule.objects.create(
                merchant=shop, variant=row, amount=500, currency="EUR", starts_at=NOW + timedelta(days=900)
            )
            ProductImage.objects.create(
                merchant=shop, product=row.product, url="https://x.example/a", state="failed", code="BROKEN"
            )
            Category.objects.create(code=f"c{Category.objects.count()}", name="Some")

    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            text(client, address)
        return len(asked)

    more(2)
    text(client, address)
    before = statements()
    more(4)
    assert statements() == before
