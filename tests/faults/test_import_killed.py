"""A worker killed as by `kill -9` in the middle of a feed: another takes it up, no row is written twice."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.utils import timezone

from catalog import tasks
from catalog.feeds import imports
from catalog.models import Import, Product, StockMovement, Variant
from catalog.shelf import stock
from tests.catalog import make
from tests.worker_process import Start, relay_until

pytestmark = pytest.mark.django_db(transaction=True)

PRODUCTS = 3 * imports.BATCH_PRODUCTS


def together() -> bytes:
    """Return a feed of three batches."""
    return make.simple_feed(PRODUCTS, quantity=5)


def apart() -> bytes:
    """Return the same feed with the second row of each product behind the first rows of all."""
    head, *rows = together().splitlines(keepends=True)
    return b"".join([head, *rows[::2], *rows[1::2]])


def sent(body: bytes) -> UUID:
    """Send a feed."""
    file = io.BytesIO(body)
    job, _ = imports.queue(merchant_id=make.merchant().pk, filename="", file=file, now=timezone.now())
    return job.pk


@pytest.mark.parametrize("point", ["import.batch"])
@pytest.mark.parametrize(
    ("body", "rows"),
    [(together, 2 * imports.BATCH_PRODUCTS), (apart, PRODUCTS + imports.BATCH_PRODUCTS)],
    ids=["together", "apart"],
)
def test_a_feed_whose_worker_was_killed_comes_in_whole_and_once(
    own_worker: Start,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
    body: Callable[[], bytes],
    rows: int,
) -> None:
    dying = own_worker(FAULT=f"{point}:{tmp_path / 'died'}")
    job = sent(body())
    relay_until(lambda: not dying.alive())

    half = Import.objects.get(pk=job)
    assert (half.status, half.rows_done) == ("running", rows)
    assert Product.objects.count() == imports.BATCH_PRODUCTS
    # What was written is on sale at once; what is sold meanwhile stays sold.
    sold = Variant.objects.get(sku="S1-F")
    stock.take(units={sold.pk: 3}, now=timezone.now())

    own_worker()
    monkeypatch.setattr(tasks, "LOST_AFTER", timedelta(0))
    tasks.sweep()
    relay_until(lambda: Import.objects.get(pk=job).status == "done")

    done = Import.objects.get(pk=job)
    assert (done.rows_done, done.products_created, done.problems_count) == (2 * PRODUCTS, PRODUCTS, 0)
    assert (Product.objects.count(), StockMovement.objects.count()) == (PRODUCTS, 2 * PRODUCTS)
    assert make.left(sold) == 2
