"""Stock in the merchant admin: found, counted, set where it lies, and how few are little."""

from __future__ import annotations

import pytest

from catalog import bundles
from catalog.models import (
    LocationStock,
    LowStock,
    Stock,
    StockMovement,
    Variant,
)
from catalog.shelf import locations, thresholds
from tests.catalog import make
from tests.catalog.desk.asking import said, send, text
from tests.deskfolk import NOW, client_of

pytestmark = pytest.mark.django_db


def test_stock_is_found_counted_and_set_where_it_lies(one: Variant) -> None:
    client = client_of(one.merchant)
    here = f"stock/{one.pk}/"
    assert "MUG-1" in text(client, "stock/?q=MUG-1")
    assert "Nothing found" in text(client, "stock/?below=3")
    assert "MUG-1" in text(client, "stock/?below=11")

    send(client, one.merchant, f"{here}adjust/", delta="-2", note="broken")
    assert Stock.objects.get(pk=one.pk).available == 8
    for code in ("main", "berlin"):
        locations.create(merchant_id=one.merchant_id, code=code, name=code.title(), now=NOW)
    send(client, one.merchant, f"{here}set/", units="5", location="berlin")
    assert "Moved." in said(
        send(client, one.merchant, f"{here}move/", units="3", origin="berlin", target="main", note="x")
    )

    assert Stock.objects.get(pk=one.pk).available == 13
    assert LocationStock.objects.get(variant=one).on_hand == 2
    page = text(client, here)
    for words in ("broken", "Counted", "Moved", "berlin: -3", "Owner"):
        assert words in page, words
    latest = StockMovement.objects.filter(variant=one).latest("id")
    assert (latest.by, latest.by_name) == ("member", "Owner") or "@" in latest.by_name
    assert "berlin: 2" in text(client, "stock/")
    assert "broken" in text(client, "stock/log/?sku=MUG-1&reason=adjust")
    assert "No change is like that" in text(client, "stock/log/?sku=MUG-2")


@pytest.mark.parametrize(
    ("act", "form", "words"),
    [
        ("adjust", {"delta": "x"}, "Write a whole number."),
        ("adjust", {"delta": "0"}, "Write how many come or go"),
        ("adjust", {"delta": "-11"}, "There are not enough left."),
        ("set", {"units": "-1"}, "Stock is between 0"),
        ("set", {"units": "99999999999999"}, "Write a whole number."),
        ("set", {"units": "1", "location": "moon"}, "You have no such location."),
        ("low", {"low_at": "few"}, "Write a whole number."),
        ("low", {"low_at": "-1"}, "Stock is between 0"),
        ("low", {"low_at": "1000000001"}, "Stock is between 0"),
        ("move", {"units": "0"}, "Write how many units are moved."),
        ("move", {"units": "1", "origin": "a", "target": "a"}, "Name two locations."),
    ],
)
def test_what_stock_cannot_be_is_said(one: Variant, act: str, form: dict[str, str], words: str) -> None:
    client = client_of(one.merchant)
    assert words in said(send(client, one.merchant, f"stock/{one.pk}/{act}/", **form))
    assert Stock.objects.get(pk=one.pk).available == 10
    assert not LowStock.objects.exists()


def test_how_few_are_little_is_set_seen_and_taken_back(one: Variant) -> None:
    client = client_of(one.merchant)
    here = f"stock/{one.pk}/"
    assert "<dt>Low at</dt><dd>–</dd>" in text(client, here)
    assert "Nothing found" in text(client, "stock/?low=1")

    assert "Saved." in said(send(client, one.merchant, f"{here}low/", low_at="12"))
    assert LowStock.objects.get(pk=one.pk).low_at == 12
    page = text(client, here)
    assert "<dt>Low at</dt><dd>12</dd>" in page
    assert 'name="low_at" value="12"' in page
    assert "low</span> 10</td>" in text(client, "stock/?low=1")

    send(client, one.merchant, f"{here}low/", low_at="0")
    assert LowStock.objects.get(pk=one.pk).low_at == 0
    assert "low</span>" not in text(client, here)

    send(client, one.merchant, f"{here}low/", low_at="")
    assert not LowStock.objects.exists()


def test_who_may_not_change_stock_sees_how_few_are_little_and_cannot_say(one: Variant) -> None:
    thresholds.set_threshold(merchant_id=one.merchant_id, variant_id=one.pk, low_at=3, now=NOW)
    client = client_of(one.merchant, "viewer")
    page = text(client, f"stock/{one.pk}/")
    assert "<dt>Low at</dt><dd>3</dd>" in page
    assert 'name="low_at"' not in page
    answer = client.post(f"/merchant/stock/{one.pk}/low/", {"merchant": str(one.merchant_id), "low_at": "9"})
    assert answer.status_code == 403
    assert LowStock.objects.get(pk=one.pk).low_at == 3


def test_a_bundle_has_nothing_that_is_little(one: Variant) -> None:
    part = make.variant(one.merchant, sku="PART")
    whole = make.variant(one.merchant, sku="SET", stocked=0)
    bundles.set_parts(merchant_id=one.merchant_id, bundle_id=whole.pk, parts={part.pk: 2}, now=NOW)
    client = client_of(one.merchant)
    assert 'name="low_at"' not in text(client, f"stock/{whole.pk}/")
    page = said(send(client, one.merchant, f"stock/{whole.pk}/low/", low_at="2"))
    assert "bundle" in page
    assert not LowStock.objects.exists()


def test_counting_that_is_pressed_twice_counts_once(one: Variant) -> None:
    client = client_of(one.merchant)
    for _ in range(2):
        send(client, one.merchant, f"stock/{one.pk}/adjust/", delta="5", key="k")
    assert Stock.objects.get(pk=one.pk).available == 15


def test_another_merchants_location_is_no_place(one: Variant) -> None:
    locations.create(merchant_id=make.merchant("Other").pk, code="theirs", name="Theirs", now=NOW)
    page = said(
        send(client_of(one.merchant), one.merchant, f"stock/{one.pk}/set/", units="1", location="theirs")
    )
    assert "You have no such location." in page
