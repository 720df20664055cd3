"""Exports: a merchant's assortment as a file, written in parts, each of which commits with its progress.

The last product of a part commits with the part, so a worker that takes an export up after a crash begins
with the next one. What changes meanwhile is in the file as it is when its product's turn comes.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import Count, QuerySet
from django.db.models.functions import Length

from catalog import claims, queries, search
from catalog.feeds import sales
from catalog.feeds.formats import writing
from catalog.feeds.formats.goods import Good, Picture, Unit, Writer
from catalog.models import Export, ExportChunk, Import, Price, PriceSchedule, Product
from catalog.shelf import stock
from commerce import errors, faults, outbox

log = structlog.get_logger(__name__)

BATCH_PRODUCTS = 200
BATCH_VARIANTS = 2_000
BATCH_CHARS = 500_000  # of descriptions
MAX_ATTEMPTS = 5
MAX_UNFINISHED = 5
MAX_KEPT = 20
KEPT_FOR = timedelta(hours=24)

UNFINISHED = (Export.Status.QUEUED, Export.Status.RUNNING)
_SAY_SALES = (Import.Format.GOOGLE_TSV, Import.Format.GOOGLE_XML)
FILTERS = frozenset({"status", "vendor", "type", "handle", "updated_since", "q"})


class TooManyExports(errors.TooMany):
    """The merchant has many exports waiting."""

    message = f"At most {MAX_UNFINISHED} exports wait at a time."
    retry_ms = 60_000


class ExportFinished(errors.Conflict):
    """The file was written to its end before it could be cancelled."""

    code = "EXPORT_FINISHED"
    message = "The export has ended already."


class ExportNotReady(errors.Conflict):
    """The file cannot be had: it is not whole yet, or never will be, or is not kept any more."""

    code = "EXPORT_NOT_READY"
    message = "There is no file: the export is not done."


class _Overtaken(Exception):
    """Somebody else has moved this export on."""


def queue(*, merchant_id: UUID, format: str, filters: Mapping[str, str], now: datetime) -> Export:
    """Have the products that pass the filters written to a file; returns the export.

    `filters` are some of FILTERS. A Google feed is of approved products unless a status is named: what is
    in one is advertised. The oldest file gives way where MAX_KEPT are kept. Raises TooManyExports.
    """
    assert filters.keys() <= FILTERS
    filters = dict(filters)
    if format in _SAY_SALES:
        filters.setdefault("status", Product.Status.APPROVED)
    mine = Export.objects.filter(merchant_id=merchant_id)
    with transaction.atomic():
        claims.turn(f"exports of {merchant_id}")
        if mine.filter(status__in=UNFINISHED).count() >= MAX_UNFINISHED:
            raise TooManyExports
        kept = mine.filter(status=Export.Status.DONE).order_by("-finished_at", "-id")
        _drop(kept[MAX_KEPT - 1 :])
        job = Export.objects.create(merchant_id=merchant_id, format=format, filters=filters, created_at=now)
        outbox.record(name="export.queued", payload={"export": str(job.pk)}, key=f"export.queued:{job.pk}")
    return job


def cancel(*, merchant_id: UUID, export_id: UUID, now: datetime) -> Export:
    """Stop writing a file and drop what there is of it. Cancelling twice is cancelling once.

    Raises queries.UnknownExport, ExportFinished.
    """
    with transaction.atomic():
        moved = Export.objects.filter(merchant_id=merchant_id, pk=export_id, status__in=UNFINISHED).update(
            status=Export.Status.CANCELLED, finished_at=now
        )
        job = queries.export_job(merchant_id=merchant_id, export_id=export_id)
        if moved:
            job.chunks.all().delete()
    if job.status != Export.Status.CANCELLED:
        raise ExportFinished(status=job.status)
    return job


def run(
    *,
    export_id: UUID,
    now: datetime,
    go_on: Callable[[], bool] = lambda: True,
    clock: Callable[[], datetime] | None = None,
) -> bool:
    """Write an export's file as long as `go_on` says; returns whether there is more to write.

    `clock` tells what time it is when a part is written, maybe long after `now`; without one it stands.

    Safe to call again at any time, by anybody: no part is written twice, whatever crashed.
    """
    with claims.claim(f"export {export_id}") as claimed:
        job = Export.objects.select_related("merchant").filter(pk=export_id, status__in=UNFINISHED).first()
        if not claimed or job is None:
            return False
        try:
            return _take_up(job, now, go_on, clock or (lambda: now))
        except _Overtaken:
            return False


def stalled(*, before: datetime) -> list[UUID]:
    """Return the exports from before a moment that nobody is writing."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT id FROM catalog_export WHERE status IN ('queued', 'running') AND created_at < %s
            AND hashtextextended('export ' || id, 0) NOT IN ({claims.HELD}) ORDER BY id
            """,
            [before],
        )
        return [row[0] for row in cursor.fetchall()]


def expire(*, now: datetime) -> int:
    """Drop the files that have been kept for long enough; returns how many."""
    over = Export.objects.filter(status=Export.Status.DONE, expires_at__lte=now)
    return _drop(over[:100])


def _drop(files: QuerySet[Export]) -> int:
    """Drop files, but for those that somebody else drops just now; returns how many."""
    with transaction.atomic():
        ids = list(files.select_for_update(skip_locked=True).values_list("pk", flat=True))
        ExportChunk.objects.filter(job__in=ids).delete()
        return Export.objects.filter(pk__in=ids).update(status=Export.Status.EXPIRED)


def ready(*, merchant_id: UUID, export_id: UUID) -> Export:
    """Return an export whose file can be had; raises queries.UnknownExport, ExportNotReady."""
    job = queries.export_job(merchant_id=merchant_id, export_id=export_id)
    if job.status != Export.Status.DONE:
        raise ExportNotReady(status=job.status)
    return job


def part(job: Export, number: int) -> bytes | None:
    """Return one part of an export's file, None after the last; raises ExportNotReady when it is gone."""
    body = ExportChunk.objects.filter(job=job, number=number).values_list("body", flat=True).first()
    if body is not None:
        return bytes(body)
    if not ExportChunk.objects.filter(job=job).exists():
        raise ExportNotReady
    return None


def _take_up(job: Export, now: datetime, go_on: Callable[[], bool], clock: Callable[[], datetime]) -> bool:
    if job.attempts >= MAX_ATTEMPTS:
        _give_up(job, now)
        return False
    if job.started_at is None:
        job.products_total = _products(job).count()
    job.status, job.attempts, job.started_at = Export.Status.RUNNING, job.attempts + 1, job.started_at or now
    fields = {name: getattr(job, name) for name in ("status", "attempts", "started_at", "products_total")}
    if not Export.objects.filter(pk=job.pk, status__in=UNFINISHED).update(**fields):
        raise _Overtaken
    writer = writing.WRITERS[job.format](job.merchant.currency)
    while _write(job, writer, clock()):
        faults.reach("export.part")
        if not go_on():
            return True
    return False


def _write(job: Export, writer: Writer, now: datetime) -> bool:
    """Write the next part of the file and commit it with the progress; returns whether there is more."""
    began = time.monotonic()
    goods = _next(job)
    written = [writer.product(good, now=job.created_at) for _, good in goods]
    head, tail = "" if job.bytes_done else writer.head(), "" if goods else writer.tail()
    body = "".join([head, *(one.text for one in written), tail]).encode()
    done = job.products_done + len(goods)
    progress: dict[str, Any] = {
        "last_product": goods[-1][0] if goods else job.last_product,
        "products_done": done,
        # Others may have come since they were counted, or gone.
        "products_total": max(done, job.products_total) if goods else done,
        "variants_done": job.variants_done + sum(one.variants for one in written),
        "left_out": job.left_out + sum(one.left_out for one in written),
        "bytes_done": job.bytes_done + len(body),
        "working_seconds": job.working_seconds + time.monotonic() - began,
        "attempts": 0,
    }
    if not goods:
        # With the end of the file, so that it cannot be written twice.
        progress |= {"status": Export.Status.DONE, "finished_at": now, "expires_at": now + KEPT_FOR}
    with transaction.atomic():
        # Where the file ends is the fence: whoever has not written up to here may not write on.
        here = Export.objects.filter(
            pk=job.pk, status=Export.Status.RUNNING, last_product=job.last_product, bytes_done=job.bytes_done
        )
        if not here.update(**progress):
            raise _Overtaken
        if body:
            number = ExportChunk.objects.filter(job=job).count()
            ExportChunk.objects.create(job=job, number=number, body=body)
        if not goods:
            _tell(job)
    for name, value in progress.items():
        setattr(job, name, value)
    if not goods:
        log.info("export.finished", job=str(job.pk), products=job.products_done, bytes=job.bytes_done)
    return bool(goods)


def _products(job: Export) -> QuerySet[Product]:
    """Return the products that an export is of."""
    rows = Product.objects.filter(merchant_id=job.merchant_id)
    said: dict[str, Any] = dict(job.filters)
    text = said.pop("q", None)
    names = {"vendor": "vendor__iexact", "type": "product_type__iexact", "updated_since": "updated_at__gte"}
    rows = rows.filter(**{names.get(name, name): value for name, value in said.items()})
    return search.matching(rows, merchant_id=job.merchant_id, text=text) if text else rows


def _next(job: Export) -> list[tuple[UUID, Good]]:
    """Return the products of the next part: as many as are not too much to have in memory together."""
    rows = _products(job).order_by("pk")
    if job.last_product is not None:
        rows = rows.filter(pk__gt=job.last_product)
    sizes = rows.annotate(units=Count("variants"), chars=Length("description"))
    ids: list[UUID] = []
    units = chars = 0
    for pk, more, longer in sizes.values_list("pk", "units", "chars")[:BATCH_PRODUCTS]:
        units, chars = units + more, chars + longer
        if ids and (units > BATCH_VARIANTS or chars > BATCH_CHARS):
            break
        ids.append(pk)
    if not ids:
        return []
    products = list(queries.products(merchant_id=job.merchant_id).filter(pk__in=ids).order_by("pk"))
    bundles = stock.bundles([variant.pk for product in products for variant in product.variants.all()])
    coming = sales.coming(products) if job.format in _SAY_SALES else {}
    return [(product.pk, _good(product, bundles, coming)) for product in products]


def _good(product: Product, bundles: set[UUID], coming: Mapping[UUID, PriceSchedule]) -> Good:
    return Good(
        handle=product.handle,
        title=product.title,
        description=product.description,
        vendor=product.vendor,
        type=product.product_type,
        tags=list(product.tags),
        option_names=list(product.option_names),
        status=product.status,
        pictures=[Picture(image.url, image.alt) for image in product.images.all()],
        units=list(_units(product, bundles, coming)),
        language=product.language,
        category=product.category.code if product.category else None,
        attributes=dict(product.attributes),
    )


def _units(product: Product, bundles: set[UUID], coming: Mapping[UUID, PriceSchedule]) -> Iterator[Unit]:
    for variant in product.variants.all():
        prices: list[Price] = getattr(variant, "current_prices", [])
        price = prices[0] if prices else None
        left: int = getattr(variant, "units_left", 0)
        names = [*product.option_names, *sorted(variant.options.keys() - set(product.option_names))]
        yield Unit(
            id=str(variant.pk),
            title=variant.title,
            options={name: variant.options[name] for name in names if name in variant.options},
            sku=variant.sku,
            barcode=variant.barcode,
            weight_grams=variant.weight_grams,
            amount=price.amount if price else None,
            compare_at=price.compare_at if price else None,
            currency=price.currency if price else "",
            available=None if variant.pk in bundles else left,
            left=left,
            release_at=variant.release_at,
            is_active=variant.is_active,
            sale=sales.sayable(price, coming.get(variant.pk)),
        )


def _give_up(job: Export, now: datetime) -> None:
    error = f"Given up after {MAX_ATTEMPTS} attempts at product {job.products_done + 1}."
    with transaction.atomic():
        mine = Export.objects.filter(pk=job.pk, status__in=UNFINISHED, last_product=job.last_product)
        if mine.update(status=Export.Status.FAILED, error=error, finished_at=now):
            job.chunks.all().delete()
            _tell(job)
    log.warning("export.failed", job=str(job.pk), error=error)


def _tell(job: Export) -> None:
    outbox.record(name="export.finished", payload={"export": str(job.pk)}, key=f"export.finished:{job.pk}")
