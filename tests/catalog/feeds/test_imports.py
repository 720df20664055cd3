"""Imports: a feed comes in whole, once, whatever is wrong with its rows and whoever dies over it."""

import json
from random import Random
from typing import Any

import pytest

from catalog import limits, products, queries
from catalog.feeds import cells, imports, matching
from catalog.models import ImportChunk, Price, Product, StockMovement, Variant
from catalog.shelf import stock
from commerce.models import Event
from tests.catalog import make
from tests.catalog.api import Api
from tests.catalog.feeding import amount, queue, read, variant
from tests.catalog.make import NOW, feed, row

pytestmark = pytest.mark.django_db


def test_a_queued_feed_is_counted_kept_and_announced() -> None:
    seller = make.merchant()
    job = make.import_of(seller, make.simple_feed(3), filename="f.csv")
    assert (job.status, job.rows_total, job.filename) == ("queued", 6, "f.csv")
    assert bytes(job.chunks.get().body) == make.simple_feed(3)
    event = Event.objects.get(name="import.queued")
    assert event.payload == {"import": str(job.pk)}


def test_a_feed_comes_in() -> None:
    seller = make.merchant()
    job = read(seller, make.simple_feed(3, quantity=5, price="19.90"))
    assert (job.status, job.rows_done, job.rows_total, job.error) == ("done", 6, 6, "")
    assert (job.products_created, job.variants_created, job.problems_count) == (3, 6, 0)
    assert (job.started_at, job.finished_at) == (NOW, NOW)
    one = variant(seller, "S2-R")
    assert (one.title, one.options, one.product.title, one.product.status) == (
        "Rose",
        {"Scent": "Rose"},
        "Soap 2",
        "approved",
    )
    assert (amount(one), make.left(one), make.moved(one)) == (1990, 5, 5)
    assert not ImportChunk.objects.exists()


def test_the_same_feed_again_changes_nothing_but_the_counts() -> None:
    seller = make.merchant()
    read(seller, make.simple_feed(2))
    before = Product.objects.get(handle="soap-1").updated_at
    job = read(seller, make.simple_feed(2))
    assert (job.products_created, job.products_updated, job.products_unchanged) == (0, 0, 2)
    assert (job.variants_created, job.variants_updated, job.variants_unchanged) == (0, 0, 4)
    assert Product.objects.get(handle="soap-1").updated_at == before
    assert (Price.objects.count(), StockMovement.objects.count()) == (4, 4)


def test_a_changed_feed_changes_prices_stock_and_texts_and_keeps_the_history() -> None:
    seller = make.merchant()
    read(seller, make.simple_feed(1, quantity=5, price="19.90"))
    stock.take(units={variant(seller, "S1-F").pk: 2}, now=NOW)
    read(seller, make.simple_feed(1, quantity=8, price="17.50").replace(b"Soap 1", b"Bar 1"))
    one = variant(seller, "S1-F")
    assert (one.product.title, amount(one), make.left(one), make.moved(one)) == ("Bar 1", 1750, 8, 10)
    assert sorted(one.prices.values_list("amount", flat=True)) == [1750, 1990]


def test_what_a_feed_does_not_name_stays() -> None:
    seller = make.merchant()
    read(
        seller,
        feed(
            row(
                "a", title="A", vendor="V", tags="x,y", name="N", value="1", sku="A1", price="5", quantity="3"
            ),
            row("a", value="2", sku="A2", price="5", quantity="3", image="https://img.example.com/1.jpg"),
            row("b", title="B", sku="B1", price="5"),
        ),
    )
    read(seller, b"Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\na,A2,N,1,,6\n")
    product = Product.objects.get(handle="a")
    assert (product.title, product.vendor, product.tags, product.images.count()) == ("A2", "V", ["x", "y"], 1)
    one = variant(seller, "A1")  # a blank SKU takes none away
    assert (amount(one), make.left(one)) == (600, 3)
    assert amount(variant(seller, "A2")) == amount(variant(seller, "B1")) == 500


def test_bad_rows_are_listed_and_the_good_ones_taken() -> None:
    seller = make.merchant()
    job = read(
        seller,
        feed(
            row("a", title="A", name="N", value="1", sku="A1", price="?", quantity="3"),
            row("a", value="2", sku="A2", price="5", quantity="many"),
            row("", title="Lost", price="5"),
            row("c", value="x", price="7", sku="C1"),
        ),
    )
    assert make.problems(job) == [
        (2, "BAD_PRICE"),
        (3, "BAD_QUANTITY"),
        (4, "MISSING_HANDLE"),
        (5, "MISSING_OPTION_NAME"),
        (5, "MISSING_TITLE"),
    ]
    assert (job.status, job.problems_count, job.rows_done) == ("done", 5, 4)
    assert set(Variant.objects.values_list("sku", flat=True)) == {"A2", "C1"}
    assert Product.objects.get(handle="c").title == "c"


def test_a_variant_that_was_renamed_is_known_by_its_sku() -> None:
    seller = make.merchant()
    read(seller, feed(row("a", title="A", name="Size", value="S", sku="A1", price="5", quantity="4")))
    before = variant(seller, "A1")
    read(seller, feed(row("a", title="A", name="Size", value="Small", sku="A1", price="5")))
    after_it = variant(seller, "A1")
    assert (after_it.pk, after_it.title, after_it.options) == (before.pk, "Small", {"Size": "Small"})
    assert make.left(after_it) == 4


def test_a_sku_that_moved_is_a_problem_and_nothing_is_lost() -> None:
    seller = make.merchant()
    read(
        seller,
        feed(
            row("a", title="A", name="N", value="1", sku="A1", price="1"),
            row("a", value="2", sku="A2", price="2"),
            row("b", title="B", sku="B1", price="3"),
        ),
    )
    job = read(
        seller,
        feed(
            row("a", title="A", name="N", value="1", sku="A2", price="9"),
            row("a", value="2", sku="A1", price="9"),
            row("b", title="B", sku="A1X", price="4"),
            row("c", title="C", sku="A2", price="9"),
            row("d", title="D", sku="D1", price="5"),
        ),
    )
    # Line 5 has a SKU that line 2 of the same feed had; the database is not even asked.
    assert make.problems(job) == [(5, "DUPLICATE_SKU"), (2, "SKU_TAKEN"), (3, "SKU_TAKEN")]
    assert (amount(variant(seller, "A1")), amount(variant(seller, "A2"))) == (100, 200)
    assert (amount(variant(seller, "A1X")), amount(variant(seller, "D1"))) == (400, 500)


def test_a_sku_of_another_product_is_a_problem() -> None:
    seller = make.merchant()
    make.variant(seller, sku="X", amount=1000)
    job = read(seller, feed(row("a", title="A", sku="X", price="5"), row("b", title="B", sku="Y", price="5")))
    assert make.problems(job) == [(2, "SKU_TAKEN")]
    assert (amount(variant(seller, "X")), amount(variant(seller, "Y"))) == (1000, 500)


def test_nothing_of_another_merchant_is_touched() -> None:
    mine, other = make.merchant(), make.merchant()
    theirs = make.variant(other, sku="S1-F", handle="soap-1", amount=100, stocked=1)
    read(mine, make.simple_feed(1))
    theirs.refresh_from_db()
    assert (theirs.title, amount(theirs), make.left(theirs), theirs.product.title) == (
        "",
        100,
        1,
        "Velvet lipstick",
    )
    assert variant(mine, "S1-F").pk != theirs.pk


def test_prices_are_in_the_merchants_currency() -> None:
    seller = make.merchant(currency="JPY")
    read(seller, feed(row("a", title="A", sku="A", price="1,980")))
    price = Price.objects.get(variant__sku="A")
    assert (price.amount, price.currency) == (1980, "JPY")


def test_a_merchant_with_a_currency_we_cannot_charge_fails_with_a_reason() -> None:
    seller = make.merchant(currency="XXX")
    job = read(seller, make.simple_feed(1))
    assert (job.status, job.error) == ("failed", "Prices cannot be in this currency.")
    assert not Product.objects.exists()


def test_a_product_the_database_refuses_is_a_problem_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    # Somebody takes the SKU after the batch looked for it: the unique key refuses that product only.
    seller = make.merchant()
    make.variant(seller, sku="S2-F")
    honest = matching.Shelf.__init__

    def blind(self: Any, merchant_id: Any, product_ids: Any, skus: Any) -> None:
        honest(self, merchant_id, product_ids, [])

    monkeypatch.setattr(matching.Shelf, "__init__", blind)
    job = read(seller, make.simple_feed(3))
    assert make.problems(job) == [(4, "NOT_STORED")]
    assert (job.status, job.rows_done, job.products_created) == ("done", 6, 2)
    assert set(Product.objects.filter(handle__startswith="soap").values_list("handle", flat=True)) == {
        "soap-1",
        "soap-3",
    }


def test_more_problems_than_are_kept_are_still_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "MAX_PROBLEMS", 3)
    monkeypatch.setattr(imports, "BATCH_PRODUCTS", 2)
    job = read(make.merchant(), feed(*(row(f"a{n}", title="A", price="?") for n in range(8))))
    assert (job.problems_count, job.problems.count()) == (8, 3)


def test_an_inactive_variant_stays_off_sale() -> None:
    seller = make.merchant()
    read(seller, make.simple_feed(1))
    products.change_variant(
        merchant_id=seller.pk, variant_id=variant(seller, "S1-F").pk, changes={"is_active": False}, now=NOW
    )
    read(seller, make.simple_feed(1, quantity=9))
    assert not variant(seller, "S1-F").is_active


def test_other_merchants_do_not_see_an_import() -> None:
    job = queue(make.merchant(), make.simple_feed(1))
    with pytest.raises(queries.UnknownImport):
        queries.problems(merchant_id=make.merchant().pk, import_id=job.pk)


def test_so_many_tags_that_search_cannot_keep_them_cost_their_product_and_no_other() -> None:
    seller = make.merchant()
    many = [f"{n:05}{'x' * 195}" for n in range(18_000)]
    lines = [{"handle": "a", "title": "A", "tags": many}, {"handle": "b", "title": "B"}]
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    job = read(seller, body)
    assert [(one.line, one.code) for one in job.problems.all()] == [(1, "TOO_LONG")]
    assert (job.status, [one.handle for one in Product.objects.all()]) == ("done", ["b"])


def test_of_too_many_tags_in_a_table_the_first_are_taken() -> None:
    seller = make.merchant()
    tags = [f"t{n:03}" for n in range(251)]
    job = read(seller, feed(row("soap", title="Soap", price="5", tags=", ".join(tags))))
    assert [(one.code, one.skipped) for one in job.problems.all()] == [("TOO_LONG", False)]
    assert Product.objects.get().tags == tags[:250]


def wild(length: int) -> str:
    """Letters of four bytes each, which no index can press together."""
    random = Random(1)
    return "".join(chr(random.randint(0x10000, 0x1F000)) for _ in range(length))


@pytest.mark.parametrize(("most", "code"), [(limits.MAX_URL_BYTES, "BAD_URL"), (10_000, "NOT_STORED")])
def test_what_no_index_has_room_for_costs_its_product_at_most(
    most: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "MAX_URL_BYTES", most)
    seller = make.merchant()
    images = [{"url": f"https://img.example.com/{wild(900)}"}]
    rows: list[dict[str, Any]] = [{"handle": "a", "title": "A", "images": images}]
    rows.append({"handle": "b", "title": "B"})
    job = read(seller, "".join(json.dumps(each) + "\n" for each in rows).encode())
    assert (job.status, [one.code for one in job.problems.all()]) == ("done", [code])
    assert Product.objects.filter(handle="b").exists()
    rows[1]["handle"] = "c"
    answer = Api(seller).post("products/batch", {"products": rows})
    assert (answer.status, answer.body["rows"][1]["result"]) == (200, "created")
    assert [one["code"] for one in answer.body["rows"][0]["problems"]] == [code]
