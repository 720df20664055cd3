"""Bodies of what takes a while: batches, imports and exports with their progress, feeds that are fetched."""

from collections import Counter

from catalog import batches
from catalog.bodies.body import Body
from catalog.models import Export, FeedFetch, FeedSource, Import, ImportProblem


def batch(results: list[batches.Result]) -> Body:
    """Return what became of a batch's rows, in their order."""
    count = Counter(result.became for result in results)
    rows = [
        {
            "row": number,
            "key": result.key,
            "result": result.became.value,
            "id": result.id,
            "problems": [
                {"field": one.column, "code": one.code, "value": one.value, "message": one.message}
                for one in result.problems
            ],
        }
        for number, result in enumerate(results, start=1)
    ]
    partial = any(result.problems for result in results)
    return {**{became.value: count[became] for became in batches.Became}, "partial": partial, "rows": rows}


def import_job(row: Import) -> Body:
    """Return an import with its progress."""
    return {
        "id": row.id,
        "filename": row.filename,
        "sha256": row.sha256,
        "format": row.format,
        "dry_run": row.dry_run,
        "status": row.status,
        "rows_total": row.rows_total,
        "rows_done": row.rows_done,
        "bytes_total": row.bytes_total,
        **_pace(row.status, row.bytes_done, row.bytes_total, row.rows_done, row.working_seconds),
        "products_created": row.products_created,
        "products_updated": row.products_updated,
        "products_unchanged": row.products_unchanged,
        "variants_created": row.variants_created,
        "variants_updated": row.variants_updated,
        "variants_unchanged": row.variants_unchanged,
        "skipped": row.skipped,
        "problems": row.problems_count,
        "error": row.error,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
    }


def export_job(row: Export) -> Body:
    """Return an export with its progress."""
    return {
        "id": row.id,
        "format": row.format,
        "filters": row.filters,
        "status": row.status,
        "products_total": row.products_total,
        "products_done": row.products_done,
        "variants_done": row.variants_done,
        "left_out": row.left_out,
        "bytes": row.bytes_done,
        **_pace(row.status, row.products_done, row.products_total, row.products_done, row.working_seconds),
        "error": row.error,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "expires_at": row.expires_at,
    }


def _pace(status: str, done: int, total: int, rows: int, seconds: float) -> Body:
    """Return how far a job is, how fast it goes, and how long it will take at that pace."""
    finished = status not in ("queued", "running")
    left = seconds * (total - done) / done if done and not finished else None
    return {
        "percent": 100 if status == "done" else min(done * 100 // max(1, total), 99),
        "rows_per_second": round(rows / seconds, 1) if seconds else None,
        "eta_seconds": None if left is None else round(left, 1),
    }


def problem(row: ImportProblem) -> Body:
    """Return one thing that was wrong in a feed."""
    return {
        "line": row.line,
        "column": row.column,
        "code": row.code,
        "value": row.value,
        "message": row.message,
        "skipped": row.skipped,
    }


def feed(row: FeedSource) -> Body:
    """Return a feed that is fetched; its password is nobody's to see."""
    return {
        "id": row.id,
        "url": row.url,
        "every_minutes": row.every_minutes,
        "daily_at_hour": row.daily_at_hour,
        "username": row.username,
        "has_password": bool(row.sealed_password),
        "enabled": row.enabled,
        "off_reason": row.off_reason,
        "failures": row.failures,
        "due_at": row.due_at if row.enabled else None,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def feed_fetch(row: FeedFetch) -> Body:
    """Return one time that a feed was fetched."""
    return {
        "id": row.id,
        "outcome": row.outcome,
        "code": row.code,
        "reason": row.reason,
        "status": row.status,
        "bytes": row.bytes,
        "job": row.job_id,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
    }
