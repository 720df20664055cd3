"""Imports: a feed comes in whole, once, whatever is wrong with its rows and whoever dies over it."""

import io
import json
from typing import Any

import pytest
from django.db import IntegrityError

from catalog import bodies, content, imports, intake, matching, products, queries, stock
from catalog.models import Import, ImportChunk, Price, Product, StockMovement, Variant
from commerce.models import Event, Merchant
from tests.catalog import make
from tests.catalog.make import NOW, after, feed, row

pytestmark = pytest.mark.django_db

STATEMENTS = 34  # of an import with one batch of new products, COPY apart
FINISHED, MORE = imports.Progress.FINISHED, imports.Progress.MORE


def queue(seller: Merchant, body: bytes) -> Import:
    return make.import_of(seller, body)


def read(seller: Merchant, body: bytes) -> Import:
    """Import a feed and return the job as it ended."""
    job = queue(seller, body)
    assert imports.run(import_id=job.pk, now=NOW) is FINISHED
    job.refresh_from_db()
    return job


def variant(seller: Merchant, sku: str) -> Variant:
    return Variant.objects.get(merchant=seller, sku=sku)


def amount(one: Variant) -> int:
    return Price.objects.get(variant=one, valid_to=None).amount


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


# --- once, in order, resumed ---


def test_the_same_bytes_while_one_is_unfinished_are_the_same_import() -> None:
    seller, other = make.merchant(), make.merchant()
    first = queue(seller, make.simple_feed(1))
    file = io.BytesIO(make.simple_feed(1))
    again, is_new = imports.queue(merchant_id=seller.pk, filename="other", file=file, now=NOW)
    assert (again.pk, is_new) == (first.pk, False)
    assert queue(other, make.simple_feed(1)).pk != first.pk
    imports.run(import_id=first.pk, now=NOW)
    assert queue(seller, make.simple_feed(1)).pk != first.pk


def test_the_table_itself_holds_one_unfinished_import_of_the_same_bytes() -> None:
    seller = make.merchant()
    first = queue(seller, make.simple_feed(1))
    with pytest.raises(IntegrityError, match="import_unfinished_once"):
        Import.objects.create(merchant=seller, sha256=first.sha256, status="running")


def test_there_is_an_end_of_waiting_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "MAX_UNFINISHED", 2)
    seller = make.merchant()
    for n in (1, 2):
        queue(seller, make.simple_feed(n))
    with pytest.raises(imports.TooManyImports):
        queue(seller, make.simple_feed(3))
    queue(make.merchant(), make.simple_feed(3))


class Killed(BaseException):
    """Stands for a worker that is gone: nothing of ours catches it."""


def dies_after(batches: int) -> Any:
    """Return a `go_on` that dies when it is asked after so many batches."""
    left = iter([True] * (batches - 1))

    def go_on() -> bool:
        if next(left, None) is None:
            raise Killed
        return True

    return go_on


def test_an_import_that_was_killed_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "BATCH_PRODUCTS", 2)
    seller = make.merchant()
    body = make.simple_feed(7, quantity=5) + make.feed(row("", title="Lost", price="1")).split(b"\r\n", 1)[1]
    job = queue(seller, body)
    with pytest.raises(Killed):
        imports.run(import_id=job.pk, now=NOW, go_on=dies_after(2))
    job.refresh_from_db()
    assert (job.status, job.rows_done, job.attempts) == ("running", 8, 0)
    assert Product.objects.count() == 4
    # Units are sold between the crash and the next worker: its rows are not written a second time.
    sold = variant(seller, "S1-F")
    stock.take(units={sold.pk: 3}, now=NOW)
    assert imports.run(import_id=job.pk, now=after(60)) is FINISHED
    job.refresh_from_db()
    assert (job.status, job.rows_done, job.products_created, job.problems_count) == ("done", 15, 7, 1)
    assert (make.left(sold), make.moved(sold)) == (2, 5)
    assert StockMovement.objects.count() == 14


def test_a_long_feed_is_read_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "BATCH_PRODUCTS", 1)
    job = queue(make.merchant(), make.simple_feed(3))
    answers: list[imports.Progress] = []
    while not answers or answers[-1] is MORE:
        answers.append(imports.run(import_id=job.pk, now=NOW, go_on=lambda: False))
    assert answers == [MORE, MORE, MORE, FINISHED]
    assert imports.run(import_id=job.pk, now=NOW) is FINISHED
    assert Product.objects.count() == 3


def test_a_merchants_feeds_are_read_in_the_order_they_were_sent() -> None:
    seller = make.merchant()
    queue(seller, make.simple_feed(1, price="10"))
    newer = queue(seller, make.simple_feed(1, price="20"))
    assert imports.run(import_id=newer.pk, now=NOW) is MORE
    assert amount(variant(seller, "S1-F")) == 1000
    assert imports.run(import_id=newer.pk, now=NOW) is FINISHED
    assert amount(variant(seller, "S1-F")) == 2000


def test_a_feed_that_kills_its_workers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def die(**_: Any) -> None:
        raise Killed

    job = queue(make.merchant(), make.simple_feed(1))
    with monkeypatch.context() as deadly:
        deadly.setattr(intake, "write", die)
        for _ in range(imports.MAX_ATTEMPTS):
            with pytest.raises(Killed):
                imports.run(import_id=job.pk, now=NOW)
    assert imports.run(import_id=job.pk, now=NOW) is FINISHED
    job.refresh_from_db()
    assert (job.status, job.error) == ("failed", "Given up after 5 attempts at row 1.")
    assert not ImportChunk.objects.exists()


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


def test_stalled_imports_are_found_once_per_merchant() -> None:
    first, second = make.merchant(), make.merchant()
    oldest = queue(first, make.simple_feed(1))
    queue(first, make.simple_feed(2))
    other = queue(second, make.simple_feed(1))
    assert sorted(imports.stalled(before=after(1))) == sorted([oldest.pk, other.pk])
    assert imports.stalled(before=NOW) == []
    imports.run(import_id=other.pk, now=NOW)
    assert imports.stalled(before=after(1)) == [oldest.pk]


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


# --- dry run, cancel, progress ---


def dry(seller: Merchant, body: bytes) -> Import:
    job = make.import_of(seller, body, dry_run=True)
    assert imports.run(import_id=job.pk, now=NOW) is FINISHED
    job.refresh_from_db()
    return job


COUNTS = (
    *("products_created", "products_updated", "products_unchanged", "skipped", "problems_count", "rows_done"),
    *("variants_created", "variants_updated", "variants_unchanged", "status"),
)


def counts(job: Import) -> dict[str, Any]:
    return {name: getattr(job, name) for name in COUNTS}


def test_a_dry_run_tells_what_an_import_would_do_and_does_none_of_it() -> None:
    seller = make.merchant()
    read(seller, make.simple_feed(3))
    make.variant(make.merchant(), sku="NEW")
    taken = make.variant(seller, sku="TAKEN").product.handle
    body = feed(
        row("soap-1", title="Soap 1", name="Scent", value="Fig", sku="S1-F", price="19.90", quantity="5"),
        row("soap-2", title="Other", name="Scent", value="Fig", sku="S2-F", price="21.00", quantity="9"),
        row("new", title="New", name="N", value="1", sku="NEW", price="1"),
        row("new", value="2", sku="TAKEN", price="1"),
        row("new", value="3", price="?"),
    )

    def state() -> list[Any]:
        told = Event.objects.exclude(name__startswith="import.")
        rows: list[Any] = [Product.objects, Variant.objects, Price.objects, StockMovement.objects, told]
        return [list(each.order_by("pk").values()) for each in rows]

    before = state()
    tried = dry(seller, body)
    assert state() == before
    real = read(seller, body)
    assert counts(tried) == counts(real)
    assert counts(real) == dict(zip(COUNTS, (1, 1, 1, 2, 2, 5, 1, 1, 1, "done"), strict=True))
    assert make.problems(tried) == make.problems(real)
    assert Product.objects.filter(merchant=seller, handle=taken).exists()


def test_a_dry_run_and_an_import_of_the_same_bytes_are_two() -> None:
    seller, body = make.merchant(), make.simple_feed(1)
    tried, real = make.import_of(seller, body, dry_run=True), make.import_of(seller, body)
    assert tried.pk != real.pk
    assert make.import_of(seller, body, dry_run=True).pk == tried.pk


def test_a_cancelled_import_is_not_read_and_the_next_one_is() -> None:
    seller = make.merchant()
    first, second = queue(seller, make.simple_feed(1)), queue(seller, make.simple_feed(2))
    imports.cancel(merchant_id=seller.pk, import_id=first.pk, now=after(1))
    assert imports.run(import_id=first.pk, now=after(2)) is FINISHED
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.rows_done, first.finished_at, second.status) == (
        "cancelled",
        0,
        after(1),
        "done",
    )
    assert not ImportChunk.objects.exists()
    assert queue(seller, make.simple_feed(1)).pk != first.pk


def test_what_is_written_late_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "BATCH_PRODUCTS", 1)
    seller = make.merchant()
    job = queue(seller, make.simple_feed(3))
    seconds = iter(range(10, 1000, 10))

    imports.run(import_id=job.pk, now=NOW, clock=lambda: after(next(seconds)))

    job.refresh_from_db()
    assert (job.started_at, job.finished_at) == (NOW, after(40))
    counted = StockMovement.objects.filter(merchant=seller).order_by("at").values_list("at", flat=True)
    assert list(dict.fromkeys(counted)) == [after(10), after(20), after(30)]


def test_an_import_that_is_cancelled_while_it_is_read_keeps_what_was_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(imports, "BATCH_PRODUCTS", 1)
    seller = make.merchant()
    job, waiting = queue(seller, make.simple_feed(3)), queue(seller, make.simple_feed(4))

    def cancel() -> bool:
        imports.cancel(merchant_id=seller.pk, import_id=job.pk, now=NOW)
        return True

    assert imports.run(import_id=job.pk, now=NOW, go_on=cancel) is MORE
    job.refresh_from_db()
    assert (job.status, job.rows_done, Product.objects.count()) == ("cancelled", 2, 1)
    again = imports.cancel(merchant_id=seller.pk, import_id=job.pk, now=after(9))
    assert again.finished_at == NOW
    assert imports.run(import_id=waiting.pk, now=NOW) is FINISHED
    with pytest.raises(imports.ImportFinished):
        imports.cancel(merchant_id=seller.pk, import_id=waiting.pk, now=NOW)
    with pytest.raises(queries.UnknownImport):
        imports.cancel(merchant_id=make.merchant().pk, import_id=job.pk, now=NOW)


def test_progress_is_told_in_bytes_and_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "BATCH_PRODUCTS", 50)
    body = make.simple_feed(2_000)
    job = queue(make.merchant(), body)
    shown = bodies.import_job(job)
    assert (shown["percent"], shown["rows_per_second"], shown["eta_seconds"]) == (0, None, None)
    assert imports.run(import_id=job.pk, now=NOW, go_on=lambda: False) is MORE
    job.refresh_from_db()
    shown = bodies.import_job(job)
    assert 0 < shown["percent"] < 50
    assert shown["rows_per_second"] > 0
    assert shown["eta_seconds"] > 0
    assert (job.bytes_total, job.rows_done) == (len(body), 100)


def test_a_large_feed_is_kept_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "CHUNK_BYTES", 100)
    body = make.simple_feed(20)
    job = queue(make.merchant(), body)
    assert job.chunks.count() == -(-len(body) // 100)
    with content.lent(job) as file:
        file.seek(0)
        assert file.read() == body
    imports.run(import_id=job.pk, now=NOW)
    assert Product.objects.count() == 20


def test_a_batch_takes_the_same_statements_however_many_rows(django_assert_num_queries: Any) -> None:
    seller = make.merchant()
    for count in (1, 50):
        job = queue(seller, make.simple_feed(count))
        Product.objects.all().delete()
        with django_assert_num_queries(STATEMENTS):
            imports.run(import_id=job.pk, now=NOW)


def test_feeds_together_give_a_product_no_more_than_it_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "MAX_VARIANTS", 3)
    monkeypatch.setattr(intake, "MAX_IMAGES", 2)
    seller = make.merchant()

    def more(first: int) -> Import:
        line = {
            "handle": "soap",
            "title": "Soap",
            "options": ["Size"],
            "images": [{"url": f"https://a.example/{n}.png"} for n in (first, first + 1)],
            "variants": [{"options": {"Size": str(n)}, "sku": f"S{n}"} for n in (first, first + 1)],
        }
        return read(seller, json.dumps(line).encode())

    assert more(1).problems_count == 0
    job = more(3)
    assert list(job.problems.order_by("id").values_list("code", "value", "skipped")) == [
        ("TOO_MANY_IMAGES", "https://a.example/3.png", True),
        ("TOO_MANY_IMAGES", "https://a.example/4.png", True),
        ("TOO_MANY_VARIANTS", "4", True),
    ]
    assert sorted(Variant.objects.values_list("sku", flat=True)) == ["S1", "S2", "S3"]
    again = more(1)
    assert (again.problems_count, again.variants_unchanged) == (0, 2)
