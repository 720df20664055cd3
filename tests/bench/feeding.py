"""P9: a feed is imported by a worker's task, held against COPY of the rows that it has written.

The worker is a process of its own that does what Celery's task does; its memory is read when it has ended.
The floor copies the same rows into the same tables, emptied, with every constraint, trigger and index on.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from catalog.assortments import feeds, goods, loading
from catalog.feeds import imports
from catalog.feeds.formats import detect
from catalog.feeds.formats.writing import WRITERS
from catalog.models import Import, StockMovement, Variant
from commerce.models import Merchant
from config.env import ROOT
from tests.bench.processes import as_in_earnest
from tests.bench.runs import CannotRun, count, note
from tests.bench.table import Row, at_least_floors, at_most_floors

ROWS = 100_000
SIZES = (10_000, 100_000, 250_000)
FORMATS = (detect.JSONL, detect.SHOPIFY, detect.GOOGLE_TSV)


def run() -> list[Row]:
    """Return the rows of P9."""
    rates, floors = [], []
    for _ in range(count()):
        merchant = _merchant()
        rates.append(_imported(merchant, detect.JSONL, ROWS)[0])
        floors.append(_copied(merchant))
    floor = median(floors)
    rows = [
        Row("P9", f"floor: COPY of the rows of {ROWS:,} variants", floor, "/s"),
        Row(
            "P9", "variants imported per second, JSON Lines", median(rates), "/s", floor, at_least_floors(0.2)
        ),
    ]
    merchant = _merchant()
    rows.append(Row("P9", "the same feed again, all of it there already", _again(merchant), "/s", floor))
    for form in FORMATS[1:]:
        rate, _ = _imported(_merchant(), form, ROWS)
        rows.append(
            Row("P9", f"the same as {Import.Format(form).label}", rate, "/s", floor, at_least_floors(0.2))
        )
    peaks = [_imported(_merchant(), detect.JSONL, size)[1] for size in SIZES]
    for size, peak in zip(SIZES, peaks, strict=True):
        target = None if size == SIZES[0] else at_most_floors(1.25)
        name = f"the worker's peak memory, {size:,} variants"
        rows.append(Row("P9", name, peak, "MB", None if target is None else peaks[0], target))
    return rows


def _merchant() -> Merchant:
    """Return the only merchant: the tables hold nobody else's goods."""
    _emptied()
    return Merchant.objects.get_or_create(
        slug="feeding", defaults={"name": "Example Goods", "currency": "EUR"}
    )[0]


def _emptied() -> None:
    tables = ", ".join(table._meta.db_table for table in loading.TABLES)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL session_replication_role = replica; TRUNCATE {tables} CASCADE")
        cursor.execute("TRUNCATE catalog_import CASCADE")


def _again(merchant: Merchant) -> float:
    _imported(merchant, detect.JSONL, ROWS)
    return _imported(merchant, detect.JSONL, ROWS)[0]


def _imported(merchant: Merchant, form: str, variants: int) -> tuple[float, float]:
    """Import a feed; returns variants per second and the worker's peak memory in MB."""
    with tempfile.TemporaryFile("w+b") as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        made = goods.made_up(variants=variants, currency=merchant.currency)
        feeds.write(made, to=text, writer=WRITERS[form](merchant.currency), now=timezone.now())
        text.flush()
        job, _ = imports.queue(merchant_id=merchant.pk, filename="", file=file, now=timezone.now())
    argv = [sys.executable, "-m", "tests.bench.reading", str(job.pk)]
    done = subprocess.run(
        argv, cwd=ROOT, env=_env(), capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        raise CannotRun(f"the worker ended with {done.returncode}: {done.stderr[-500:]}")
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    job.refresh_from_db()
    if (job.status, job.problems_count) != (Import.Status.DONE, 0):
        raise CannotRun(f"the import is {job.status} with {job.problems_count} problems: {job.error}")
    if Variant.objects.filter(merchant=merchant).count() != variants:
        raise CannotRun("not every variant is there")
    rate, peak = variants / said["seconds"], said["peak_mb"]
    note(f"{form}, {variants:,} variants: {rate:,.0f}/s, peak {peak:.0f} MB")
    return rate, peak


def _env() -> dict[str, str]:
    return {**os.environ, **as_in_earnest()}


def _copied(merchant: Merchant) -> float:
    """Copy what the merchant has out of the tables and back in; returns variants per second of the second."""
    variants = Variant.objects.filter(merchant=merchant).count()
    with tempfile.TemporaryDirectory() as folder, connection.cursor() as cursor:
        kept = []
        for table in loading.TABLES:
            names = [field.column for field in table._meta.concrete_fields]
            if table is StockMovement:
                names.remove("id")  # The database counts them.
            columns = ", ".join(f'"{name}"' for name in names)
            path = Path(folder) / table._meta.db_table
            with path.open("wb") as file:
                cursor.copy_expert(f"COPY (SELECT {columns} FROM {path.name}) TO STDOUT", file)
            kept.append((path, columns))
        _emptied()
        seconds = 0.0
        for path, columns in kept:
            with path.open("rb") as file:
                begun = time.perf_counter()
                cursor.copy_expert(f"COPY {path.name} ({columns}) FROM STDIN", file)
                seconds += time.perf_counter() - begun
            # Else the next table's foreign keys are checked by plans for a table without rows.
            cursor.execute(f"ANALYZE {path.name}")
    note(f"COPY of {variants:,} variants: {variants / seconds:,.0f}/s")
    return variants / seconds
