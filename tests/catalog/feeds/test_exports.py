"""Exports: the file is whole and once, whoever dies over it, in few statements and little memory."""

import gc
import tracemalloc
from datetime import timedelta
from typing import Any

import pytest

from catalog import products, queries
from catalog.feeds import exports, imports
from catalog.models import Export, ExportChunk
from commerce.models import Event, Merchant
from tests.catalog import make
from tests.catalog.make import NOW, after

pytestmark = pytest.mark.django_db

STATEMENTS = 21


def queue(seller: Merchant, form: str = "jsonl", **filters: str) -> Export:
    return exports.queue(merchant_id=seller.pk, format=form, filters=filters, now=NOW)


def stocked(count: int) -> Merchant:
    """Return a merchant with so many products of two variants."""
    seller = make.merchant()
    imports.run(import_id=make.import_of(seller, make.simple_feed(count)).pk, now=NOW)
    return seller


def lines(job: Export) -> list[bytes]:
    return b"".join(bytes(one.body) for one in job.chunks.order_by("number")).splitlines()


class Killed(BaseException):
    """Stands for a worker that is gone: nothing of ours catches it."""


def test_an_export_is_announced_and_written() -> None:
    seller = stocked(3)
    job = queue(seller)
    assert Event.objects.get(name="export.queued").payload == {"export": str(job.pk)}
    assert exports.run(export_id=job.pk, now=NOW) is False
    job.refresh_from_db()
    assert (job.status, job.products_total, job.products_done, job.variants_done) == ("done", 3, 3, 6)
    assert (job.finished_at, job.expires_at) == (NOW, NOW + exports.KEPT_FOR)
    assert len(lines(job)) == 3


def test_a_file_is_kept_from_when_it_is_written() -> None:
    job = queue(stocked(1))
    exports.run(export_id=job.pk, now=NOW, clock=lambda: after(60))
    job.refresh_from_db()
    assert (job.started_at, job.finished_at, job.expires_at) == (
        NOW,
        after(60),
        after(60) + exports.KEPT_FOR,
    )


def test_a_worker_that_dies_between_parts_is_followed_by_one_that_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exports, "BATCH_PRODUCTS", 2)
    seller = stocked(5)
    whole = queue(seller, "google_xml")
    exports.run(export_id=whole.pk, now=NOW)
    job = queue(seller, "google_xml")

    def die() -> bool:
        raise Killed

    for parts in (1, 2, 3):
        with pytest.raises(Killed):
            exports.run(export_id=job.pk, now=NOW, go_on=die)
        assert job.chunks.count() == parts
    assert exports.run(export_id=job.pk, now=after(60)) is False
    job.refresh_from_db()
    assert (job.status, job.products_done, job.attempts) == ("done", 5, 0)
    assert lines(job) == lines(whole)


def test_a_long_export_is_written_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "BATCH_VARIANTS", 2)
    job = queue(stocked(3))
    answers = [exports.run(export_id=job.pk, now=NOW, go_on=lambda: False) for _ in range(4)]
    assert answers == [True, True, True, False]
    assert exports.run(export_id=job.pk, now=NOW) is False
    assert len(lines(job)) == 3


def test_products_that_come_meanwhile_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "BATCH_PRODUCTS", 2)
    seller = stocked(3)
    job = queue(seller)
    assert exports.run(export_id=job.pk, now=NOW, go_on=lambda: False) is True
    imports.run(import_id=make.import_of(seller, make.simple_feed(7)).pk, now=NOW)
    for done, total in ((4, 4), (6, 6), (7, 7), (7, 7)):
        exports.run(export_id=job.pk, now=NOW, go_on=lambda: False)
        job.refresh_from_db()
        assert (job.products_done, job.products_total) == (done, total)
    assert job.status == Export.Status.DONE


def test_a_writer_who_was_overtaken_writes_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "BATCH_PRODUCTS", 1)
    job = queue(stocked(3))

    def overtake() -> bool:
        monkeypatch.setattr(exports, "_take_up", honest)
        stale = Export.objects.select_related("merchant").get(pk=job.pk)
        honest(stale, NOW, lambda: False, lambda: NOW)  # the other one, who got hold of the claim
        return True

    honest = exports._take_up
    assert exports.run(export_id=job.pk, now=NOW, go_on=overtake) is False
    assert len(lines(job)) == 2
    assert exports.run(export_id=job.pk, now=NOW) is False
    assert len(set(lines(job))) == len(lines(job)) == 3


def test_an_export_that_kills_its_workers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: Any) -> None:
        raise Killed

    job = queue(stocked(1))
    with monkeypatch.context() as deadly:
        deadly.setattr(exports, "_next", die)
        for _ in range(exports.MAX_ATTEMPTS):
            with pytest.raises(Killed):
                exports.run(export_id=job.pk, now=NOW)
    assert exports.run(export_id=job.pk, now=NOW) is False
    job.refresh_from_db()
    assert (job.status, job.error) == ("failed", "Given up after 5 attempts at product 1.")


def test_a_part_takes_the_same_statements_however_many_products(
    django_assert_num_queries: Any,
) -> None:
    # Five to claim, look, count, take up and let go; a part is 10 of them, the end of the file 5.
    for count in (1, 40):
        job = queue(stocked(count))
        with django_assert_num_queries(STATEMENTS):
            exports.run(export_id=job.pk, now=NOW)


def test_a_cancelled_export_is_dropped_and_written_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "BATCH_PRODUCTS", 1)
    seller = stocked(3)
    job = queue(seller)

    def cancel() -> bool:
        exports.cancel(merchant_id=seller.pk, export_id=job.pk, now=after(1))
        return True

    assert exports.run(export_id=job.pk, now=NOW, go_on=cancel) is False
    assert exports.cancel(merchant_id=seller.pk, export_id=job.pk, now=after(2)).finished_at == after(1)
    assert not ExportChunk.objects.exists()
    done = queue(seller)
    exports.run(export_id=done.pk, now=NOW)
    with pytest.raises(exports.ExportFinished):
        exports.cancel(merchant_id=seller.pk, export_id=done.pk, now=NOW)


def test_files_are_dropped_after_a_day() -> None:
    job = queue(stocked(1))
    exports.run(export_id=job.pk, now=NOW)
    day = exports.KEPT_FOR
    assert exports.expire(now=NOW + day - timedelta(seconds=1)) == 0
    assert exports.expire(now=NOW + day) == 1
    job.refresh_from_db()
    assert (job.status, job.chunks.count()) == ("expired", 0)
    with pytest.raises(exports.ExportNotReady):
        exports.ready(merchant_id=job.merchant_id, export_id=job.pk)
    with pytest.raises(exports.ExportNotReady):
        exports.part(job, 0)


def test_there_is_an_end_of_waiting_exports(monkeypatch: pytest.MonkeyPatch) -> None:
    seller = stocked(1)
    monkeypatch.setattr(exports, "MAX_UNFINISHED", 1)
    job = queue(seller)
    with pytest.raises(exports.TooManyExports):
        queue(seller)
    queue(make.merchant())
    exports.run(export_id=job.pk, now=NOW)
    queue(seller)


def test_the_oldest_file_gives_way_where_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    seller, other = stocked(1), queue(make.merchant())
    monkeypatch.setattr(exports, "MAX_KEPT", 2)
    exports.run(export_id=other.pk, now=NOW - timedelta(hours=1))
    jobs = []
    for minute in (2, 1, 3):  # The one that was asked for first is done last but one.
        jobs.append(queue(seller))
        exports.run(export_id=jobs[-1].pk, now=NOW + timedelta(minutes=minute))
    queue(seller)

    kept = Export.objects.filter(status="done").exclude(pk=other.pk)
    assert [job.pk for job in kept] == [jobs[2].pk]
    assert Export.objects.get(pk=jobs[1].pk).status == "expired"
    assert not jobs[1].chunks.exists()
    assert Export.objects.get(pk=other.pk).status == "done", "another merchant's"


def test_filters_narrow_as_in_the_list_of_products() -> None:
    seller = stocked(3)
    one = seller.products.get(handle="soap-2")
    products.change(
        merchant_id=seller.pk,
        product_id=one.pk,
        changes={"vendor": "Sol", "product_type": "Bar"},
        now=after(9),
    )
    one.refresh_from_db()
    for filters in (
        {"vendor": "sol"},
        {"type": "BAR"},
        {"handle": "soap-2"},
        {"q": "S2-F"},
        {"updated_since": one.updated_at.isoformat()},
        {"status": "approved", "q": "soap 2"},
    ):
        job = queue(seller, **filters)
        exports.run(export_id=job.pk, now=NOW)
        assert [b'"soap-2"' in line for line in lines(job)] == [True], filters
        Export.objects.all().delete()


def test_nothing_of_another_merchant_is_in_a_file() -> None:
    stocked(2)
    job = queue(make.merchant())
    exports.run(export_id=job.pk, now=NOW)
    assert lines(job) == []
    with pytest.raises(queries.UnknownExport):
        exports.ready(merchant_id=make.merchant().pk, export_id=job.pk)


def test_a_part_is_all_that_is_in_memory() -> None:
    peaks = []
    for count in (30, 240):
        seller = make.merchant()
        rows = [make.row(f"p{n}", title="P", body="x" * 20_000, price="1") for n in range(count)]
        imports.run(import_id=make.import_of(seller, make.feed(*rows)).pk, now=NOW)
        job = queue(seller)
        tracemalloc.start()
        # Rows and what they were fetched with hold each other, so they are not gone by themselves.
        exports.run(export_id=job.pk, now=NOW, go_on=lambda: gc.collect() >= 0)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        job.refresh_from_db()
        assert job.bytes_done > count * 20_000
    assert peaks[1] < 1.5 * peaks[0]
    assert peaks[1] < 240 * 20_000


def test_stalled_exports_are_found() -> None:
    job = queue(stocked(1))
    assert exports.stalled(before=after(1)) == [job.pk]
    assert exports.stalled(before=NOW) == []
    exports.run(export_id=job.pk, now=NOW)
    assert exports.stalled(before=after(1)) == []
