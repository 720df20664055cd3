"""A worker killed as by `kill -9` in the middle of a file: another takes it up, no product is in it twice."""

from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from django.utils import timezone

from catalog import tasks
from catalog.feeds import exports, imports
from catalog.models import Export
from tests.catalog import make
from tests.worker_process import Start, relay_until

pytestmark = pytest.mark.django_db(transaction=True)

PRODUCTS = 2 * exports.BATCH_PRODUCTS + 10


@pytest.mark.parametrize("point", ["export.part"])
def test_a_file_whose_writer_was_killed_is_whole_and_has_everything_once(
    own_worker: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    seller = make.merchant()
    feed = make.import_of(seller, make.simple_feed(PRODUCTS))
    while imports.run(import_id=feed.pk, now=timezone.now()) is imports.Progress.MORE:
        pass
    dying = own_worker(FAULT=f"{point}:{tmp_path / 'died'}")
    job = exports.queue(merchant_id=seller.pk, format="jsonl", filters={}, now=timezone.now())
    relay_until(lambda: not dying.alive())

    half = Export.objects.get(pk=job.pk)
    assert (half.status, half.products_done, half.chunks.count()) == ("running", exports.BATCH_PRODUCTS, 1)

    own_worker()
    monkeypatch.setattr(tasks, "LOST_AFTER", timedelta(0))
    tasks.sweep()
    relay_until(lambda: Export.objects.get(pk=job.pk).status == "done")

    body = b"".join(bytes(part.body) for part in job.chunks.order_by("number"))
    handles = [orjson.loads(line)["handle"] for line in body.splitlines()]
    assert sorted(handles) == sorted(f"soap-{n}" for n in range(1, PRODUCTS + 1))
    assert Export.objects.get(pk=job.pk).bytes_done == len(body)
