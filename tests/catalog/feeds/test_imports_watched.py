"""Imports that only tell what they would do, are cancelled, and say how far they are."""

import json
import time
from typing import Any

import pytest
from django.db import IntegrityError

from catalog import bodies, content, queries
from catalog.feeds import imports, intake, matching
from catalog.models import Import, ImportChunk, Price, Product, StockMovement, Variant
from commerce.models import Event, Merchant
from tests.catalog import make
from tests.catalog.feeding import FINISHED, MORE, queue, read
from tests.catalog.make import NOW, after, feed, row

pytestmark = pytest.mark.django_db


STATEMENTS = 34  # of an import with one batch of new products, COPY apart


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


def test_the_pace_counts_the_time_that_writing_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "BATCH_PRODUCTS", 2)
    job = queue(make.merchant(), make.simple_feed(4))

    def slowly(**given: Any) -> intake.Outcome:
        time.sleep(0.1)
        if len(given["drafts"]) == 2 and Product.objects.exists():
            raise IntegrityError  # The second batch is written product by product.
        return write(**given)

    write = intake.write
    monkeypatch.setattr(intake, "write", slowly)
    began = time.monotonic()
    imports.run(import_id=job.pk, now=NOW)
    took = time.monotonic() - began
    job.refresh_from_db()
    assert (job.status, job.rows_done) == ("done", 8)
    assert 0.4 <= job.working_seconds <= took
    assert bodies.import_job(job)["rows_per_second"] <= 20


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
