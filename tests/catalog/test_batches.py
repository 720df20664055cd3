"""Batches: every row for itself, once, in the same statements, and none waits for another in a circle."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.test.utils import CaptureQueriesContext

from catalog import batches
from catalog.feeds import intake, matching
from catalog.feeds.formats import jsonl, rows
from catalog.models import Price, Product, StockMovement, Variant
from catalog.pricing import floors
from tests.catalog import make
from tests.catalog.api import Api
from tests.catalog.make import NOW


@pytest.fixture
def api(db: None) -> Api:
    return Api(make.merchant())


def soap(n: int, **fields: Any) -> dict[str, Any]:
    variant = {"sku": f"S{n}", "price": {"amount": 500 + n}, "available": n}
    return {"handle": f"soap-{n}", "title": f"Soap {n}", "variants": [variant], **fields}


def told(reply: Any) -> list[tuple[str, list[str]]]:
    assert reply.status == 200, reply.body
    assert [row["row"] for row in reply.body["rows"]] == list(range(1, len(reply.body["rows"]) + 1))
    return [(row["result"], [one["code"] for one in row["problems"]]) for row in reply.body["rows"]]


def test_rows_are_created_updated_or_unchanged_and_the_answer_says_which(api: Api) -> None:
    made = api.post("products/batch", {"products": [soap(1), soap(2)]})
    assert told(made) == [("created", [])] * 2
    changes = [soap(1), {"handle": "soap-2", "vendor": "Maison", "language": "en"}, soap(3)]
    again = api.post("products/batch", {"products": changes})
    assert told(again) == [("unchanged", []), ("updated", []), ("created", [])]
    assert [again.body[name] for name in ("created", "updated", "unchanged", "refused", "partial")] == [
        *(1, 1, 1, 0, False)
    ]
    assert again.body["rows"][1]["id"] == made.body["rows"][1]["id"]
    shown = api.get(f"products/{again.body['rows'][1]['id']}").body
    assert (shown["vendor"], shown["title"], shown["language"]) == ("Maison", "Soap 2", "en")
    moved = [soap(1, variants=[{"sku": "S1", "available": 9}]), soap(2, variants=[{"price": {"amount": 1}}])]
    assert told(api.post("products/batch", {"products": moved})) == [("updated", [])] * 2


def test_rows_that_are_wrong_cost_no_other(api: Api) -> None:
    make.variant(api.merchant, sku="MINE")
    sent = [
        soap(1),
        {"title": "No handle"},
        soap(1, title="Twice"),
        None,
        soap(4, colour="red"),
        soap(5, title="Nul\0"),
        soap(6, variants=[{"sku": "MINE"}, {"price": {"amount": "1"}}]),
        soap(7, language="xx"),
        soap(8, title=5),
        soap(9),
    ]
    reply = api.post("products/batch", {"products": sent})
    assert told(reply) == [
        ("created", []),
        ("refused", ["MISSING_FIELD"]),
        ("refused", ["DUPLICATE_PRODUCT"]),
        ("refused", ["BAD_VALUE"]),
        ("refused", ["UNKNOWN_FIELD"]),
        ("refused", ["NUL_BYTE"]),
        ("created", ["BAD_VALUE", "SKU_TAKEN"]),
        ("refused", ["BAD_VALUE"]),
        ("refused", ["BAD_VALUE"]),
        ("created", []),
    ]
    assert (reply.body["refused"], reply.body["partial"]) == (7, True)
    assert reply.body["rows"][4]["problems"][0]["field"] == "colour"
    handles = set(Product.objects.filter(handle__startswith="soap").values_list("handle", flat=True))
    assert handles == {"soap-1", "soap-6", "soap-9"}


@pytest.mark.parametrize(
    "body", [{}, {"products": []}, {"products": {}}, {"products": [{}] * 1001}, {"products": [{}], "x": 1}]
)
def test_what_is_no_batch_is_refused_whole(api: Api, body: dict[str, Any]) -> None:
    assert (api.post("products/batch", body).code, Product.objects.count()) == ("BAD_REQUEST", 0)


def test_a_batch_with_a_key_is_written_once(api: Api) -> None:
    key = {"Idempotency-Key": "b-1"}
    first = api.post("products/batch", {"products": [soap(1)]}, headers=key)
    again = api.post("products/batch", {"products": [soap(1)]}, headers=key)
    assert (again.body, again.headers["Idempotent-Replayed"]) == (first.body, "true")
    assert api.post("products/batch", {"products": [soap(2)]}, headers=key).code == "IDEMPOTENCY_MISMATCH"


def test_stock_is_set_by_sku(api: Api) -> None:
    one, two = make.variant(api.merchant, sku="A", stocked=3), make.variant(api.merchant, sku="B", stocked=4)
    make.variant(make.merchant(), sku="THEIRS")
    sent = [
        {"sku": "A", "available": 7},
        {"sku": "B", "available": 4},
        {"sku": "THEIRS", "available": 1},
        {"sku": "A", "available": 8},
        {"sku": "C", "available": -1},
        {"available": 1},
    ]
    reply = api.post("stock/batch", {"stock": sent})
    assert told(reply) == [
        ("updated", []),
        ("unchanged", []),
        ("refused", ["UNKNOWN_SKU"]),
        ("refused", ["DUPLICATE_SKU"]),
        ("refused", ["BAD_VALUE"]),
        ("refused", ["MISSING_FIELD"]),
    ]
    assert (make.left(one), make.left(two)) == (7, 4)
    assert [row["id"] for row in reply.body["rows"][:2]] == [str(one.pk), str(two.pk)]
    assert StockMovement.objects.filter(variant=one).count() == 2


def test_prices_are_set_by_sku(api: Api) -> None:
    one, low = make.variant(api.merchant, sku="A"), make.variant(api.merchant, sku="LOW")
    floors.set_floor(merchant_id=api.merchant.pk, variant_id=low.pk, amount=1000, currency="EUR", now=NOW)
    make.variant(api.merchant, sku="SAME", amount=500)
    sent = [
        {"sku": "A", "amount": 1499, "compare_at": 1999},
        {"sku": "SAME", "amount": 500},
        {"sku": "LOW", "amount": 999},
        {"sku": "NONE", "amount": 1},
        {"sku": "B", "amount": 1.5},
        {"sku": "A", "amount": 1},
    ]
    assert told(api.post("prices/batch", {"prices": sent})) == [
        ("updated", []),
        ("unchanged", []),
        ("refused", ["PRICE_BELOW_FLOOR"]),
        ("refused", ["UNKNOWN_SKU"]),
        ("refused", ["BAD_VALUE"]),
        ("refused", ["DUPLICATE_SKU"]),
    ]
    wrong = [{"sku": "A", "amount": 0}, {"sku": "SAME", "amount": 5, "compare_at": 5}]
    reply = api.post("prices/batch", {"prices": [*wrong, {"sku": "LOW", "amount": 5, "currency": "XXX"}]})
    assert told(reply) == [
        ("refused", ["BAD_PRICE"]),
        ("refused", ["BAD_PRICE"]),
        ("refused", ["BAD_CURRENCY"]),
    ]
    assert [row["problems"][0]["field"] for row in reply.body["rows"]] == ["amount", "compare_at", "currency"]
    assert Price.objects.get(variant=one, valid_to=None).amount == 1499


@pytest.mark.parametrize("what", ["products", "again", "stock", "prices"])
def test_a_batch_takes_the_same_statements_however_many_rows(api: Api, what: str) -> None:
    def send(numbers: range) -> int:
        goods = [soap(n) for n in numbers]
        if what != "products":
            api.post("products/batch", {"products": goods})
        changed = {
            "products": goods,
            "again": [{**one, "title": f"{one['title']}!"} for one in goods],
            "stock": [{"sku": f"S{n}", "available": n + 1} for n in numbers],
            "prices": [{"sku": f"S{n}", "amount": n + 1} for n in numbers],
        }[what]
        name = "products" if what == "again" else what
        with CaptureQueriesContext(connection) as made:
            assert api.post(f"{name}/batch", {name: changed}).body["refused"] == 0
        # Who calls is told by other statements, which are counted elsewhere.
        return sum("commerce_merchant" not in query["sql"] for query in made)

    send(range(1, 2))  # The first use of a key in a minute writes when that was.
    assert (
        send(range(10, 12))
        == send(range(100, 250))
        == {"products": 18, "again": 19, "stock": 10, "prices": 13}[what]
    )


def test_languages_of_rows_are_those_of_products() -> None:
    assert {*Product.Language.values, ""} == jsonl.LANGUAGES


def test_what_the_database_refuses_costs_no_other_row(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another writer takes a SKU between the look and the write, each time that it is tried."""
    seller = api.merchant
    make.variant(seller, sku="S3")
    real = matching.Shelf.find

    def blind(self: Any, product: Any, draft: Any, titles: Any) -> Any:
        return (None, "") if draft.sku == "S3" else real(self, product, draft, titles)

    monkeypatch.setattr(matching.Shelf, "find", blind)
    reply = api.post("products/batch", {"products": [soap(n) for n in range(1, 7)]})
    assert told(reply)[2] == ("refused", ["NOT_STORED"])
    assert {result for result, _ in told(reply)[:2] + told(reply)[3:]} == {"created"}
    assert Variant.objects.filter(merchant=seller, product__handle__startswith="soap").count() == 5


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_fails_in_the_middle_has_written_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The third row is refused with others; alone, somebody keeps its rows locked for too long."""
    seller = make.merchant()
    real = intake.write

    def write(*, drafts: Any, **more: Any) -> intake.Outcome:
        if any(draft.handle == "soap-3" for draft in drafts):
            raise IntegrityError if len(drafts) > 1 else OperationalError
        return real(drafts=drafts, **more)

    monkeypatch.setattr(intake, "write", write)
    sent = list(rows.products([soap(n) for n in range(1, 5)], currency="EUR"))
    with pytest.raises(OperationalError):
        batches.put_products(merchant_id=seller.pk, currency="EUR", sent=sent, now=NOW)
    assert not Product.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_batches_of_the_same_new_goods_make_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two writers in opposite orders, who have both looked before either writes, unless one waits."""
    seller = make.merchant()
    goods = [soap(n) for n in range(1, 21)]
    both = threading.Barrier(2)
    looked = intake._write_products
    tried = []

    def meet(*args: Any) -> Any:
        tried.append(1)
        try:
            both.wait(timeout=0.5)
        except threading.BrokenBarrierError:
            pass
        return looked(*args)

    monkeypatch.setattr(intake, "_write_products", meet)
    found: list[list[batches.Result]] = []

    def put(some: list[dict[str, Any]]) -> Callable[[], None]:
        def run() -> None:
            try:
                sent = list(rows.products(some, currency="EUR"))
                found.append(batches.put_products(merchant_id=seller.pk, currency="EUR", sent=sent, now=NOW))
            finally:
                connection.close()

        return run

    threads = [threading.Thread(target=put(some)) for some in (goods, goods[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(tried) == 2  # Neither had to begin again.
    became = sorted({result.became.value for result in one} for one in found)
    assert became == [{"created"}, {"unchanged"}] or became == [{"unchanged"}, {"created"}]
    assert Product.objects.filter(merchant=seller).count() == Variant.objects.count() == 20
