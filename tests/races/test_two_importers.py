"""Two workers with one import, and two requests with one feed."""

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from django.db import InterfaceError, OperationalError, connection

from catalog import claims
from catalog.feeds import imports
from catalog.models import Import, Product, StockMovement, Variant
from catalog.shelf import stock
from tests.catalog import make
from tests.catalog.make import NOW, after
from tests.orders.threads import at_once

BUSY, FINISHED = imports.Progress.BUSY, imports.Progress.FINISHED

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def stopped_after_first_batch(import_id: UUID) -> Iterator[list[Any]]:
    """A worker that stands still after one batch until the end of the block; its outcome is yielded."""
    has_begun, may_go_on = threading.Event(), threading.Event()
    outcome: list[Any] = []

    def go_on() -> bool:
        has_begun.set()
        return may_go_on.wait(20)

    def work() -> None:
        try:
            outcome.append(imports.run(import_id=import_id, now=NOW, go_on=go_on))
        except Exception as error:
            outcome.append(error)
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        assert has_begun.wait(20)
        yield outcome
    finally:
        may_go_on.set()
        worker.join(20)


def queued(monkeypatch: pytest.MonkeyPatch) -> Import:
    monkeypatch.setattr(imports, "BATCH_PRODUCTS", 1)
    return make.import_of(make.merchant(), make.simple_feed(3, quantity=5))


def test_the_second_worker_leaves_the_import_to_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    job = queued(monkeypatch)
    with stopped_after_first_batch(job.pk) as first:
        assert imports.run(import_id=job.pk, now=NOW) is BUSY
        assert imports.stalled(before=after(1)) == []
        assert Product.objects.count() == 1
    assert first == [FINISHED]
    assert_written_once(job)


def test_control_without_the_claim_the_row_count_still_lets_one_writer_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @contextmanager
    def everybody(key: str) -> Iterator[bool]:
        yield True

    monkeypatch.setattr(claims, "claim", everybody)
    job = queued(monkeypatch)
    with stopped_after_first_batch(job.pk) as first:
        assert imports.run(import_id=job.pk, now=NOW) is FINISHED
        sold = Variant.objects.get(sku="S2-F")
        stock.take(units={sold.pk: 2}, now=NOW)
    assert first == [BUSY]
    assert make.left(sold) == 3  # not set once more
    assert_written_once(job)


def test_a_worker_whose_connection_dies_lets_the_import_go(monkeypatch: pytest.MonkeyPatch) -> None:
    job = queued(monkeypatch)
    with stopped_after_first_batch(job.pk) as first:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            assert cursor.fetchall() == [(True,)]
        deadline = time.monotonic() + 10
        while imports.stalled(before=after(1)) != [job.pk]:
            assert time.monotonic() < deadline
        assert imports.run(import_id=job.pk, now=NOW) is FINISHED
    assert first == [BUSY] or isinstance(first[0], OperationalError | InterfaceError)
    assert_written_once(job)


def assert_written_once(job: Import) -> None:
    job.refresh_from_db()
    assert (job.status, job.rows_done, job.products_created) == ("done", 6, 3)
    assert (Product.objects.count(), StockMovement.objects.count()) == (3, 6)


def test_the_same_feed_sent_twice_at_once_is_one_import() -> None:
    seller = make.merchant()

    def send() -> UUID:
        body = make.simple_feed(2)
        return imports.queue(merchant_id=seller.pk, filename="", file=io.BytesIO(body), now=NOW)[0].pk

    outcomes = at_once([send] * 4)
    assert len(set(outcomes)) == 1
    assert Import.objects.count() == 1
