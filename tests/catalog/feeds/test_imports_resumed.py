"""Imports are read once, in order, and go on where they were left."""

import io
from typing import Any

import pytest
from django.db import IntegrityError

from catalog.feeds import imports, intake
from catalog.models import Import, ImportChunk, Product, StockMovement
from catalog.shelf import stock
from tests.catalog import make
from tests.catalog.feeding import FINISHED, MORE, amount, queue, variant
from tests.catalog.make import NOW, after, row

pytestmark = pytest.mark.django_db


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


def test_stalled_imports_are_found_once_per_merchant() -> None:
    first, second = make.merchant(), make.merchant()
    oldest = queue(first, make.simple_feed(1))
    queue(first, make.simple_feed(2))
    other = queue(second, make.simple_feed(1))
    assert sorted(imports.stalled(before=after(1))) == sorted([oldest.pk, other.pk])
    assert imports.stalled(before=NOW) == []
    imports.run(import_id=other.pk, now=NOW)
    assert imports.stalled(before=after(1)) == [oldest.pk]
