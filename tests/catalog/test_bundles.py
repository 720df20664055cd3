"""Bundles: of one's own plain variants, without stock, as many as the parts allow."""

import io
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, transaction

from catalog import bundles, queries
from catalog.feeds import imports
from catalog.models import BundlePart, Stock, Variant
from catalog.shelf import stock
from commerce.models import Event, Merchant
from tests.catalog import make
from tests.catalog.api import Api
from tests.catalog.make import NOW
from tests.orders.threads import at_once

pytestmark = pytest.mark.django_db


def bundle(of: Merchant, *parts: tuple[Variant, int]) -> Variant:
    made = make.variant(of, stocked=0)
    set_parts(made, *parts)
    return made


def set_parts(of: Variant, *parts: tuple[Variant, int], merchant: Merchant | None = None) -> None:
    bundles.set_parts(
        merchant_id=(merchant or of.merchant).pk,
        bundle_id=of.pk,
        parts={part.pk: quantity for part, quantity in parts},
        now=NOW,
    )


def shown(one: Variant) -> int:
    row: Any = queries.variant(merchant_id=one.merchant_id, variant_id=one.pk)
    return int(row.units_left)


def test_a_bundle_is_there_as_often_as_its_parts_allow() -> None:
    seller = make.merchant()
    soap, towel = make.variant(seller, stocked=7), make.variant(seller, stocked=2)
    one = bundle(seller, (soap, 3), (towel, 1))
    assert bundles.left([one.pk, soap.pk]) == {one.pk: 2}
    assert (shown(one), shown(soap)) == (2, 7)
    stock.take(units={soap.pk: 2}, now=NOW)
    assert (bundles.left([one.pk]), shown(one)) == ({one.pk: 1}, 1)
    Variant.objects.filter(pk=towel.pk).update(is_active=False)
    assert (bundles.left([one.pk]), shown(one)) == ({one.pk: 0}, 0)


@pytest.mark.parametrize("quantities", [[], [1], [0], [2, 0], [2, 100], [1] * 21])
def test_what_is_no_bundle_is_refused(quantities: list[int]) -> None:
    seller = make.merchant()
    one = make.variant(seller, stocked=0)
    with pytest.raises(bundles.BadParts):
        set_parts(one, *((make.variant(seller), quantity) for quantity in quantities))
    assert not BundlePart.objects.exists()


def test_a_bundle_is_no_part_of_itself_and_of_no_bundle_either_way_round() -> None:
    seller = make.merchant()
    soap, towel = make.variant(seller), make.variant(seller)
    one = bundle(seller, (soap, 1), (towel, 1))
    with pytest.raises(bundles.BadParts):
        set_parts(one, (one, 1), (soap, 1))
    with pytest.raises(bundles.BundleInBundle):
        bundle(seller, (one, 2))
    Stock.objects.filter(pk=soap.pk).update(available=0)
    with pytest.raises(bundles.BundleInBundle):
        set_parts(soap, (towel, 2))
    assert set(BundlePart.objects.values_list("bundle_id", flat=True)) == {one.pk}


def test_parts_are_the_merchants_own() -> None:
    mine, other = make.merchant(), make.merchant()
    one, soap, theirs = make.variant(mine, stocked=0), make.variant(mine), make.variant(other)
    with pytest.raises(queries.UnknownVariant):
        set_parts(one, (soap, 1), (theirs, 1))
    with pytest.raises(queries.UnknownVariant):
        set_parts(one, (soap, 2), merchant=other)
    with pytest.raises(queries.UnknownVariant):
        bundles.clear_parts(merchant_id=other.pk, bundle_id=one.pk, now=NOW)
    with pytest.raises(IntegrityError, match="part_same_merchant"), transaction.atomic():
        BundlePart.objects.create(merchant=mine, bundle=one, part=theirs)


def test_a_variant_with_units_in_stock_held_or_sold_becomes_no_bundle() -> None:
    seller = make.merchant()
    one, soap = make.variant(seller, stocked=1), make.variant(seller)
    with pytest.raises(bundles.BundleHasStock):
        set_parts(one, (soap, 2))
    # Its last unit is promised to somebody, and may come back.
    stock.take(units={one.pk: 1}, now=NOW)
    with pytest.raises(bundles.BundleHasStock):
        set_parts(one, (soap, 2))


def test_a_bundle_is_given_no_stock() -> None:
    seller = make.merchant()
    one = bundle(seller, (make.variant(seller), 2))
    who: dict[str, Any] = {"merchant_id": seller.pk, "variant_id": one.pk, "note": "", "now": NOW}
    with pytest.raises(stock.StockOfBundle):
        stock.set_level(available=3, **who)
    with pytest.raises(stock.StockOfBundle):
        stock.adjust(delta=3, **who)
    assert make.left(one) == 0
    bundles.clear_parts(merchant_id=seller.pk, bundle_id=one.pk, now=NOW)
    stock.set_level(available=3, **who)
    assert (make.left(one), bundles.left([one.pk])) == (3, {})


def test_a_feed_takes_the_row_of_a_bundle_without_its_stock_and_says_so() -> None:
    seller = make.merchant()

    def read(quantity: int) -> list[tuple[int, str]]:
        body = make.simple_feed(1, quantity=quantity)
        job, _ = imports.queue(merchant_id=seller.pk, filename="feed.csv", file=io.BytesIO(body), now=NOW)
        imports.run(import_id=job.pk, now=NOW)
        return make.problems(job)

    assert read(0) == []
    fig, rose = Variant.objects.filter(merchant=seller).order_by("title")
    set_parts(fig, (rose, 2))
    assert read(0) == []
    assert read(8) == [(2, "STOCK_OF_BUNDLE")]
    assert (make.left(fig), make.left(rose), shown(fig)) == (0, 8, 4)


def test_what_is_told_of_a_bundle_grows_in_version_whatever_becomes_of_its_parts() -> None:
    seller = make.merchant()
    soap, towel = make.variant(seller, stocked=9), make.variant(seller, stocked=9)
    one = make.variant(seller, stocked=0)
    versions: list[int] = []

    def look() -> None:
        found = bundles.standing([one.pk]).get(one.pk)
        versions.append(found.version if found else Stock.objects.get(pk=one.pk).version)

    look()
    for parts in ([(soap, 2)], [(towel, 3)], [(soap, 1), (towel, 1)]):
        set_parts(one, *parts)
        look()
        stock.take(units={soap.pk: 1, towel.pk: 1}, now=NOW)
        look()
    bundles.clear_parts(merchant_id=seller.pk, bundle_id=one.pk, now=NOW)
    look()
    assert versions == sorted(versions)
    assert len(set(versions)) == len(versions)
    moved = Event.objects.filter(name="stock.moved").values_list("payload", flat=True)
    assert list(moved) == [{"variants": [str(one.pk)], "offers": []}] * 4


def test_one_and_the_same_part_is_the_cause_though_others_run_out_behind_it() -> None:
    seller = make.merchant()
    soap, towel = make.variant(seller, stocked=1), make.variant(seller, stocked=1)
    one = bundle(seller, (soap, 1), (towel, 1))
    assert bundles.standing([one.pk])[one.pk].cause is None
    stock.take(units={towel.pk: 1}, now=make.after(1))
    first = bundles.standing([one.pk])[one.pk]
    stock.take(units={soap.pk: 1}, now=make.after(2))
    second = bundles.standing([one.pk])[one.pk]
    assert first.cause == second.cause is not None
    assert first.version < second.version


@pytest.mark.django_db(transaction=True)
def test_two_bundles_are_not_put_into_each_other_at_once() -> None:
    seller = make.merchant()
    for _ in range(5):
        soap, one, other = make.variant(seller), *(make.variant(seller, stocked=0) for _ in range(2))
        outcomes = at_once(
            [
                partial(set_parts, one, (other, 2)),
                partial(set_parts, other, (soap, 2)),
            ]
        )
        assert sum(isinstance(each, bundles.BundleInBundle) for each in outcomes) == 1
        assert sum(each is None for each in outcomes) == 1


@pytest.mark.django_db(transaction=True)
def test_nobody_puts_units_into_what_becomes_a_bundle_at_the_same_time() -> None:
    seller = make.merchant()
    for _ in range(5):
        soap, one = make.variant(seller), make.variant(seller, stocked=0)
        who: dict[str, Any] = {"merchant_id": seller.pk, "variant_id": one.pk, "note": "", "now": NOW}
        outcomes = at_once(
            [
                partial(set_parts, one, (soap, 2)),
                partial(stock.adjust, delta=1, **who),
            ]
        )
        refused = [type(each) for each in outcomes if isinstance(each, Exception)]
        assert refused in ([bundles.BundleHasStock], [stock.StockOfBundle])


# --- over HTTP ---


def test_a_merchants_system_makes_a_bundle_and_unmakes_it() -> None:
    api = Api(make.merchant())
    soap, towel = make.variant(api.merchant, stocked=7, sku="SOAP"), make.variant(api.merchant, stocked=2)
    one = make.variant(api.merchant, stocked=0)
    path = f"variants/{one.pk}/parts"
    assert api.get(path).body == {"variant": str(one.pk), "available": 0, "parts": []}
    sent = {"parts": [{"variant": str(soap.pk), "quantity": 3}, {"variant": str(towel.pk)}]}
    made = api.put(path, sent).body
    assert made["available"] == 2
    assert [(part["quantity"], part["available"]) for part in made["parts"]] == [(3, 7), (1, 2)]
    assert api.get(f"variants/{one.pk}").body["available"] == 2
    assert api.get("variants").body["results"][0]["available"] == 2
    assert api.put(f"variants/{one.pk}/stock", {"available": 3}).code == "STOCK_OF_BUNDLE"
    assert api.call("DELETE", path).body["parts"] == []
    assert api.call("DELETE", path).status == 200


def part(pk: UUID | str, quantity: Any = 2) -> dict[str, Any]:
    return {"variant": str(pk), "quantity": quantity}


def test_bad_parts_over_http_have_their_codes() -> None:
    api, other = Api(make.merchant()), make.merchant()
    soap, one = make.variant(api.merchant), make.variant(api.merchant, stocked=0)
    path = f"variants/{one.pk}/parts"
    for parts in ([], [part(soap.pk, 0)], [part(soap.pk, "2")], [part("x")], [part(soap.pk)] * 2, [1], None):
        assert api.put(path, {"parts": parts}).status == 400
    assert api.put(path, {"parts": [part(uuid4()) for _ in range(21)]}).status == 400
    assert api.put(path, {"parts": [part(soap.pk)], "more": 1}).status == 400
    assert api.put(path, {"parts": [part(soap.pk, 1)]}).code == "BAD_PARTS"
    assert api.put(path, {"parts": [part(one.pk)]}).code == "BAD_PARTS"
    assert api.put(path, {"parts": [part(make.variant(other).pk)]}).code == "NOT_FOUND"
    assert api.put(f"variants/{make.variant(other).pk}/parts", {"parts": [part(soap.pk)]}).code == "NOT_FOUND"
    assert api.put(f"variants/{soap.pk}/parts", {"parts": [part(one.pk)]}).code == "BUNDLE_HAS_STOCK"


def test_a_merchants_system_makes_a_preorder_and_unmakes_it() -> None:
    api = Api(make.merchant())
    one = make.variant(api.merchant)
    path, moment = f"variants/{one.pk}", "2030-06-01T12:00:00Z"
    assert api.get(path).body["release_at"] is None
    assert api.patch(path, {"release_at": moment}).body["release_at"] == moment
    refused: list[Any] = ["soon", "", 7, True, [], "2030-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00"]
    for bad in refused:
        assert api.patch(path, {"release_at": bad}).status == 400, bad
    assert api.patch(path, {"sku": "X"}).body["release_at"] == moment
    assert api.patch(path, {"release_at": None}).body["release_at"] is None


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_release_in_the_first_year_or_the_last_is_shown_to_everybody(moment: str) -> None:
    api = Api(make.merchant())
    one = make.variant(api.merchant)
    assert api.patch(f"variants/{one.pk}", {"release_at": moment}).body["release_at"] == moment
    [shown] = api.get(f"/api/v1/shop/products/{one.product_id}").body["variants"]
    assert shown["release_at"] == moment
    assert shown["opens_at"] <= moment


def test_a_release_that_has_no_name_in_utc_costs_its_variant_and_no_other_row() -> None:
    api = Api(make.merchant())
    one = make.variant(api.merchant, handle="soap", sku="A")
    for moment in ("0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-02:00"):
        rows = [
            {"handle": "soap", "variants": [{"sku": "A", "release_at": moment}]},
            {"handle": "towel", "title": "Towel"},
        ]
        answer = api.post("products/batch", {"products": rows})
        assert answer.status == 200
        assert answer.body["rows"][0]["problems"][0]["code"] == "BAD_DATE"
        assert answer.body["rows"][1]["result"] in ("created", "unchanged")
    assert api.get(f"variants/{one.pk}").body["release_at"] is None


def test_a_feed_makes_preorders_and_unmakes_them() -> None:
    seller = make.merchant()
    release = Variant.objects.filter(merchant=seller).order_by("id").values_list("release_at", flat=True)

    def read(*cells: str | None) -> list[datetime | None]:
        column = "" if cells[0] is None else ",Release Date"
        rows = "".join(f"kit-{n},Kit,9.90{'' if at is None else f',{at}'}\n" for n, at in enumerate(cells))
        body = f"Handle,Title,Variant Price{column}\n{rows}".encode()
        job, _ = imports.queue(merchant_id=seller.pk, filename="feed.csv", file=io.BytesIO(body), now=NOW)
        imports.run(import_id=job.pk, now=NOW)
        return list(release.all())

    moment = datetime(2030, 6, 1, tzinfo=UTC)
    assert read("2030-06-01", "") == [moment, None]
    assert read(None, None) == [moment, None]
    assert read("soon", "2030-06-01") == [moment, moment]
    assert read("", "2030-06-01") == [None, moment]


def test_a_variant_is_made_as_a_preorder() -> None:
    api = Api(make.merchant())
    moment = "2030-06-01T12:00:00Z"
    made = api.post("products", {"handle": "kit", "title": "Kit", "variants": [{"release_at": moment}]})
    assert (made.status, made.body["variants"][0]["release_at"]) == (201, moment)
