"""Imports: a feed is kept, then read in batches, each of which commits with the progress it makes.

A batch and its row count commit together and the feed is read the same way each time, so a worker that takes
an import up after a crash begins with the first row that was not written. One worker at a time reads a
merchant's feeds: it holds an advisory lock, which the database lets go with the worker's connection.
"""

import enum
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

import structlog
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.db.models import F

from catalog import feeds, intake
from catalog.drafts import Piece
from catalog.models import Import, ImportContent, ImportProblem
from catalog.sheets import Problem
from commerce import errors, faults, outbox

log = structlog.get_logger(__name__)

BATCH_PRODUCTS = 100
BATCH_ROWS = 1_000
MAX_ATTEMPTS = 5
MAX_UNFINISHED = 20
MAX_PROBLEMS = 10_000
RETRIES = 5

UNFINISHED = (Import.Status.QUEUED, Import.Status.RUNNING)


class TooManyImports(errors.TooMany):
    """The merchant has many feeds waiting."""

    message = f"{MAX_UNFINISHED} imports are waiting or being read. Send more when they are done."
    retry_ms = 30_000


class Progress(enum.Enum):
    """How a run ended."""

    FINISHED = "finished"  # nothing of this merchant is left to read
    MORE = "more"  # there is more to read: call again
    BUSY = "busy"  # another worker reads this merchant's feeds


class _Overtaken(Exception):
    """Somebody else has moved this import on."""


def queue(*, merchant_id: UUID, filename: str, body: bytes, now: datetime) -> tuple[Import, bool]:
    """Keep a feed to be read; returns the import and whether it is new.

    The same bytes while an import of them is unfinished are that import. Raises EmptyFeed, NotText,
    MissingColumn, TooManyColumns, TooManyRows, TooManyImports.
    """
    rows = feeds.count(body)
    sha256 = hashlib.sha256(body).hexdigest()
    mine = Import.objects.filter(merchant_id=merchant_id, status__in=UNFINISHED)
    same = mine.filter(sha256=sha256)
    if (job := same.first()) is not None:
        return job, False
    if mine.count() >= MAX_UNFINISHED:
        raise TooManyImports
    try:
        with transaction.atomic():
            job = Import.objects.create(
                merchant_id=merchant_id, filename=filename, sha256=sha256, rows_total=rows, created_at=now
            )
            ImportContent.objects.create(job=job, body=body)
            outbox.record(
                name="import.queued", payload={"import": str(job.pk)}, key=f"import.queued:{job.pk}"
            )
    except IntegrityError:
        if (job := same.first()) is None:
            raise
        return job, False
    return job, True


def run(*, import_id: UUID, now: datetime, go_on: Callable[[], bool] = lambda: True) -> Progress:
    """Read the oldest waiting feed of this import's merchant, as long as `go_on` says.

    Safe to call again at any time, by anybody: a row that was written is not written again, whatever crashed.
    A merchant's feeds are read in the order in which they were sent: an old one never has the last word.
    """
    merchant_id = Import.objects.filter(pk=import_id).values_list("merchant_id", flat=True).first()
    if merchant_id is None:
        return Progress.FINISHED
    waiting = Import.objects.filter(merchant_id=merchant_id, status__in=UNFINISHED)
    with _claim(merchant_id) as claimed:
        if not claimed:
            return Progress.BUSY
        job = waiting.select_related("merchant").order_by("id").first()
        if job is None:
            return Progress.FINISHED
        try:
            _take_up(job, now, go_on)
        except _Overtaken:
            # The connection broke and with it the claim; whoever has it now has written these rows.
            log.warning("import.overtaken", job=str(job.pk))
            return Progress.BUSY
        return Progress.MORE if waiting.exists() else Progress.FINISHED


def stalled(*, before: datetime) -> list[UUID]:
    """Return the oldest import of each merchant who has any from before a moment that nobody is reading."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (merchant_id) id FROM catalog_import
            WHERE status IN ('queued', 'running') AND created_at < %s AND NOT EXISTS (
                SELECT FROM pg_locks, hashtextextended('imports of ' || merchant_id, 0) AS key
                WHERE locktype = 'advisory' AND objsubid = 1
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND (classid::bigint << 32 | objid::bigint) = key
            )
            ORDER BY merchant_id, id
            """,
            [before],
        )
        return [row[0] for row in cursor.fetchall()]


def _take_up(job: Import, now: datetime, go_on: Callable[[], bool]) -> None:
    if job.attempts >= MAX_ATTEMPTS:
        _finish(job, now, error=f"Given up after {MAX_ATTEMPTS} attempts at row {job.rows_done + 1}.")
        return
    job.status, job.attempts, job.started_at = Import.Status.RUNNING, job.attempts + 1, job.started_at or now
    job.save(update_fields=["status", "attempts", "started_at"])
    try:
        _read(job, now, go_on)
    except errors.Invalid as refusal:
        _finish(job, now, error=refusal.text)


def _read(job: Import, now: datetime, go_on: Callable[[], bool]) -> None:
    body = bytes(ImportContent.objects.only("body").get(pk=job.pk).body)
    pieces = feeds.read(body, currency=job.merchant.currency)
    for batch in _batches(piece for piece in pieces if piece.last_row > job.rows_done):
        _write(job, batch, now)
        faults.reach("import.batch")
        if not go_on():
            return
    _finish(job, now)


def _batches(pieces: Iterator[Piece]) -> Iterator[list[Piece]]:
    batch: list[Piece] = []
    handles: set[str] = set()
    first_row = None
    for piece in pieces:
        handle = piece.draft.handle if piece.draft else ""
        first_row = piece.last_row if first_row is None else first_row
        full = len(handles) >= BATCH_PRODUCTS or piece.last_row - first_row >= BATCH_ROWS
        if batch and (full or handle in handles):
            yield batch
            batch, handles, first_row = [], set(), piece.last_row
        batch.append(piece)
        if handle:
            handles.add(handle)
    if batch:
        yield batch


def _write(job: Import, batch: list[Piece], now: datetime) -> None:
    """Write a batch; what the database refuses is written product by product, and reported."""
    for attempt in range(RETRIES):
        try:
            return _write_together(job, batch, now)
        except (IntegrityError, DataError) as error:
            if len(batch) > 1:
                for piece in batch:
                    _write(job, [piece], now)
                return None
            log.warning("import.refused", job=str(job.pk), row=batch[0].last_row, exc_info=error)
            return _write_together(job, [_refused(batch[0])], now)
        except OperationalError:
            # A deadlock or a lock that took too long: somebody else was at the same rows.
            if attempt == RETRIES - 1 or not connection.is_usable():
                raise
    return None


def _refused(piece: Piece) -> Piece:
    assert piece.draft is not None  # only drafts write what can be refused
    message = "The product could not be stored; another one may have been given its SKU at the same time."
    problem = Problem(piece.draft.line, "", "NOT_STORED", piece.draft.handle[:200], message)
    return Piece(piece.last_row, None, [*piece.problems, problem])


def _write_together(job: Import, batch: list[Piece], now: datetime) -> None:
    with transaction.atomic():
        # The row count is the fence: whoever has not written up to here may not write on.
        expected = Import.objects.select_for_update(no_key=True).filter(
            pk=job.pk, status=Import.Status.RUNNING, rows_done=job.rows_done
        )
        if not expected.exists():
            raise _Overtaken
        outcome = intake.write(
            merchant_id=job.merchant_id,
            currency=job.merchant.currency,
            drafts=[piece.draft for piece in batch if piece.draft is not None],
            note=f"import {job.pk}",
            now=now,
        )
        problems = [problem for piece in batch for problem in piece.problems] + outcome.problems
        room = max(0, MAX_PROBLEMS - job.problems_count)
        ImportProblem.objects.bulk_create(_problem(job, problem) for problem in problems[:room])
        Import.objects.filter(pk=job.pk).update(
            rows_done=batch[-1].last_row,
            attempts=0,
            problems_count=F("problems_count") + len(problems),
            products_created=F("products_created") + outcome.products_created,
            products_updated=F("products_updated") + outcome.products_updated,
            variants_created=F("variants_created") + outcome.variants_created,
            variants_updated=F("variants_updated") + outcome.variants_updated,
        )
    job.rows_done, job.problems_count = batch[-1].last_row, job.problems_count + len(problems)


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
        ImportContent.objects.filter(pk=job.pk).delete()
    log.info("import.finished", job=str(job.pk), status=status, rows=job.rows_done, error=error)


@contextmanager
def _claim(merchant_id: UUID) -> Iterator[bool]:
    key = f"imports of {merchant_id}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
        claimed = bool(cursor.fetchone()[0])
    try:
        yield claimed
    finally:
        # A connection that is gone has taken its lock along.
        if claimed and connection.connection is not None and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])
