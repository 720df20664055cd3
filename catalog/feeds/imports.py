"""Imports: a feed is kept, then read in batches, each of which commits with the progress it makes.

A batch and its row count commit together and the feed is read the same way each time, so a worker that takes
an import up after a crash begins with the first row that was not written. One worker at a time reads a
merchant's feeds: it holds an advisory lock, which the database lets go with the worker's connection.
"""

import enum
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO
from uuid import UUID

import structlog
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.db.models import F

from catalog import claims, conflicts, content, queries
from catalog.feeds import figures, intake
from catalog.feeds.drafts import Piece, Problem, ProductDraft
from catalog.feeds.formats import detect, fields
from catalog.models import Import, ImportProblem
from catalog.shelf import movements
from commerce import errors, faults, outbox

log = structlog.get_logger(__name__)

BATCH_PRODUCTS = 100
BATCH_ROWS = 1_000
MAX_ATTEMPTS = 5
MAX_UNFINISHED = 20
MAX_PROBLEMS = fields.MAX_TOLD
RETRIES = 5

UNFINISHED = (Import.Status.QUEUED, Import.Status.RUNNING)


class TooManyImports(errors.TooMany):
    """The merchant has many feeds waiting."""

    message = f"{MAX_UNFINISHED} imports are waiting or being read. Send more when they are done."
    retry_ms = 30_000


class ImportFinished(errors.Conflict):
    """The feed was read to its end before it could be cancelled."""

    code = "IMPORT_FINISHED"
    message = "The import has ended already."


class Progress(enum.Enum):
    """How a run ended."""

    FINISHED = "finished"  # nothing of this merchant is left to read
    MORE = "more"  # there is more to read: call again
    BUSY = "busy"  # another worker reads this merchant's feeds


@dataclass(slots=True)
class _Position:
    """How far a feed is read: up to which byte, and since when no time was counted."""

    at: int
    since: float


class _Overtaken(Exception):
    """Somebody else has moved this import on."""


def queue(
    *, merchant_id: UUID, filename: str, file: BinaryIO, now: datetime, dry_run: bool = False
) -> tuple[Import, bool]:
    """Keep a feed, a seekable file, to be read; returns the import and whether it is new.

    The same bytes while an import of them is unfinished are that import; a dry run is one of its own.
    Raises EmptyFeed, NotText, NotJsonLines, BadXml, DoctypeRefused, MissingColumn, TooManyColumns,
    TooManyRows, TooManyImports.
    """
    form = detect.format_of(file)
    rows = detect.opened(file, form).count()
    sha256, size = content.fingerprint(file)
    mine = Import.objects.filter(merchant_id=merchant_id, status__in=UNFINISHED)
    same = mine.filter(sha256=sha256, dry_run=dry_run)
    if (job := same.first()) is not None:
        return job, False
    if mine.count() >= MAX_UNFINISHED:
        raise TooManyImports
    try:
        with transaction.atomic():
            job = Import.objects.create(
                merchant_id=merchant_id,
                filename=filename,
                sha256=sha256,
                format=form,
                dry_run=dry_run,
                rows_total=rows,
                bytes_total=size,
                created_at=now,
            )
            content.keep(job, file)
            # Last, so that nobody waits for another's file to be stored.
            claims.turn(f"feeds of {merchant_id}")
            if mine.count() > MAX_UNFINISHED:
                raise TooManyImports
            outbox.record(
                name="import.queued", payload={"import": str(job.pk)}, key=f"import.queued:{job.pk}"
            )
    except IntegrityError:
        if (job := same.first()) is None:
            raise
        return job, False
    return job, True


def cancel(*, merchant_id: UUID, import_id: UUID, now: datetime) -> Import:
    """Stop reading a feed; what was written of it stays. Cancelling twice is cancelling once.

    Raises queries.UnknownImport, ImportFinished.
    """
    with transaction.atomic():
        # Behind the batch that is being written, which ends with the row that this waits for.
        moved = Import.objects.filter(merchant_id=merchant_id, pk=import_id, status__in=UNFINISHED).update(
            status=Import.Status.CANCELLED, finished_at=now
        )
        job = queries.import_job(merchant_id=merchant_id, import_id=import_id)
        if moved:
            content.drop(job)
            log.info("import.cancelled", job=str(job.pk), rows=job.rows_done)
    if job.status != Import.Status.CANCELLED:
        raise ImportFinished(status=job.status)
    return job


def run(
    *,
    import_id: UUID,
    now: datetime,
    go_on: Callable[[], bool] = lambda: True,
    clock: Callable[[], datetime] | None = None,
) -> Progress:
    """Read the oldest waiting feed of this import's merchant, as long as `go_on` says.

    `clock` tells what time it is when rows are written, maybe long after `now`; without one it stands.
    Safe to call again at any time, by anybody: a row that was written is not written again, whatever crashed.
    A merchant's feeds are read in the order in which they were sent: an old one never has the last word.
    """
    merchant_id = Import.objects.filter(pk=import_id).values_list("merchant_id", flat=True).first()
    if merchant_id is None:
        return Progress.FINISHED
    waiting = Import.objects.filter(merchant_id=merchant_id, status__in=UNFINISHED)
    with claims.claim(f"imports of {merchant_id}") as claimed:
        if not claimed:
            return Progress.BUSY
        job = waiting.select_related("merchant").order_by("id").first()
        if job is None:
            return Progress.FINISHED
        try:
            _take_up(job, now, go_on, clock or (lambda: now))
        except _Overtaken:
            if not Import.objects.filter(pk=job.pk, status=Import.Status.CANCELLED).exists():
                # The connection broke and with it the claim; whoever has it now has written these rows.
                log.warning("import.overtaken", job=str(job.pk))
                return Progress.BUSY
        return Progress.MORE if waiting.exists() else Progress.FINISHED


def stalled(*, before: datetime) -> list[UUID]:
    """Return the oldest import of each merchant who has any from before a moment that nobody is reading."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT DISTINCT ON (merchant_id) id FROM catalog_import
            WHERE status IN ('queued', 'running') AND created_at < %s
            AND hashtextextended('imports of ' || merchant_id, 0) NOT IN ({claims.HELD})
            ORDER BY merchant_id, id
            """,
            [before],
        )
        return [row[0] for row in cursor.fetchall()]


def _take_up(job: Import, now: datetime, go_on: Callable[[], bool], clock: Callable[[], datetime]) -> None:
    if job.attempts >= MAX_ATTEMPTS:
        _finish(job, now, error=f"Given up after {MAX_ATTEMPTS} attempts at row {job.rows_done + 1}.")
        return
    job.status, job.attempts, job.started_at = Import.Status.RUNNING, job.attempts + 1, job.started_at or now
    taken = Import.objects.filter(pk=job.pk, status__in=UNFINISHED)
    if not taken.update(status=job.status, attempts=job.attempts, started_at=job.started_at):
        raise _Overtaken
    try:
        _read(job, go_on, clock)
    except errors.Invalid as refusal:
        _finish(job, clock(), error=refusal.text)


def _read(job: Import, go_on: Callable[[], bool], clock: Callable[[], datetime]) -> None:
    with content.lent(job) as file:
        feed = detect.opened(file, job.format)
        pieces = feed.pieces(currency=job.merchant.currency, now=job.created_at)
        batches = _batches(piece for piece in pieces if piece.last_row > job.rows_done)
        position = _Position(0, time.monotonic())
        looked_at, seen = 0, job.rows_done
        for batch in batches:
            position.at = file.tell()
            _write(job, batch, clock(), position)
            faults.reach("import.batch")
            seen += sum(map(_size, batch))  # A line of JSON may have many variants.
            if not job.dry_run and figures.due(rows=seen, looked_at=looked_at):
                figures.keep_up(rows=seen)
                looked_at = seen
            if not go_on():
                return
    _finish(job, clock())


def _batches(pieces: Iterator[Piece]) -> Iterator[list[Piece]]:
    """Yield pieces that are written together: some products, and no more rows than can be held."""
    batch: list[Piece] = []
    products = rows = 0
    for piece in pieces:
        size = _size(piece)
        if batch and (products >= BATCH_PRODUCTS or rows + size > BATCH_ROWS):
            yield batch
            batch, products, rows = [], 0, 0
        batch.append(piece)
        products, rows = products + (piece.draft is not None), rows + size
    if batch:
        yield batch


def _size(piece: Piece) -> int:
    draft = piece.draft
    return max(1, len(draft.variants), len(draft.images), len(piece.problems)) if draft else 1


def _write(job: Import, batch: list[Piece], now: datetime, position: _Position) -> None:
    """Write a batch; what the database refuses is written product by product, and reported."""
    for attempt in range(RETRIES):
        try:
            return _write_together(job, batch, now, position)
        except (IntegrityError, DataError, OperationalError) as error:
            if isinstance(error, OperationalError) and not conflicts.is_too_much(error):
                # A deadlock or a lock that took too long: somebody else was at the same rows.
                if attempt == RETRIES - 1 or not connection.is_usable():
                    raise
                continue
            if len(batch) > 1:
                for piece in batch:
                    _write(job, [piece], now, position)
                return None
            log.warning("import.refused", job=str(job.pk), row=batch[0].last_row, exc_info=error)
            return _write_together(job, [_refused(batch[0])], now, position)
    return None


def _refused(piece: Piece) -> Piece:
    assert piece.draft is not None  # only drafts write what can be refused
    message = "The product could not be stored; another one may have been given its SKU at the same time."
    problem = Problem(piece.draft.line, "", "NOT_STORED", piece.draft.handle[:200], message)
    return Piece(piece.last_row, None, [*piece.problems, problem])


def _write_together(job: Import, batch: list[Piece], now: datetime, position: _Position) -> None:
    with transaction.atomic():
        # The row count is the fence: whoever has not written up to here may not write on.
        expected = Import.objects.select_for_update(no_key=True).filter(
            pk=job.pk, status=Import.Status.RUNNING, rows_done=job.rows_done
        )
        if not expected.exists():
            raise _Overtaken
        outcome = _take_in(job, [piece.draft for piece in batch if piece.draft is not None], now)
        problems = [problem for piece in batch for problem in piece.problems] + outcome.problems
        room = max(0, MAX_PROBLEMS - job.problems_count)
        ImportProblem.objects.bulk_create(_problem(job, problem) for problem in problems[:room])
        moment = time.monotonic()
        Import.objects.filter(pk=job.pk).update(
            rows_done=batch[-1].last_row,
            bytes_done=min(position.at, job.bytes_total),
            working_seconds=F("working_seconds") + (moment - position.since),
            attempts=0,
            skipped=F("skipped") + sum(problem.skipped for problem in problems),
            problems_count=F("problems_count") + len(problems),
            products_created=F("products_created") + outcome.products_created,
            products_updated=F("products_updated") + outcome.products_updated,
            products_unchanged=F("products_unchanged") + outcome.products_unchanged,
            variants_created=F("variants_created") + outcome.variants_created,
            variants_updated=F("variants_updated") + outcome.variants_updated,
            variants_unchanged=F("variants_unchanged") + outcome.variants_unchanged,
        )
    position.since = moment
    job.rows_done, job.problems_count = batch[-1].last_row, job.problems_count + len(problems)


def _take_in(job: Import, drafts: list[ProductDraft], now: datetime) -> intake.Outcome:
    """Write drafts, and in a dry run take it all back: what it came to is exactly what it would come to."""
    with transaction.atomic():
        outcome = intake.write(
            merchant_id=job.merchant_id,
            currency=job.merchant.currency,
            drafts=drafts,
            note=f"import {job.pk}",
            now=now,
            by=movements.Who("import", job.filename[:150]),
        )
        if job.dry_run:
            transaction.set_rollback(True)
    return outcome


def _problem(job: Import, problem: Problem) -> ImportProblem:
    return ImportProblem(
        job=job,
        line=problem.line,
        column=problem.column[:255],
        code=problem.code,
        value=problem.value[:255],
        message=problem.message[:300],
        skipped=problem.skipped,
    )


def _finish(job: Import, now: datetime, *, error: str = "") -> None:
    status = Import.Status.FAILED if error else Import.Status.DONE
    with transaction.atomic():
        moved = Import.objects.filter(pk=job.pk, status__in=UNFINISHED, rows_done=job.rows_done)
        if not moved.update(status=status, error=error[:500], finished_at=now):
            raise _Overtaken
        content.drop(job)
        outbox.record(
            name="import.finished", payload={"import": str(job.pk)}, key=f"import.finished:{job.pk}"
        )
    log.info("import.finished", job=str(job.pk), status=status, rows=job.rows_done, error=error)
