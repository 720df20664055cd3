"""Operations screens of what runs in the background: imports, fetched feeds, exports."""

from datetime import datetime

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from catalog import tasks
from catalog.feeds import sources
from catalog.models import Export, FeedFetch, FeedSource, Import
from catalog.screens.readonly import Inline, Screen

SHOWN_PROBLEMS = 100
JOBS = {"queued": "info", "running": "warning", "done": "success", "failed": "danger"}


class FeedFetchInline(Inline):
    model = FeedFetch
    fields = ("started_at", "outcome", "code", "reason", "status", "bytes", "job")
    ordering = ("-id",)
    max_num = 20


class _Job(Screen):
    """Feeds and files: how far they are, and how long that took."""

    @display(description="Status", label=JOBS)  # type: ignore[untyped-decorator]
    def shown_status(self, row: Import | Export) -> str:
        """Return the status, as a label."""
        return row.status

    @admin.display(description="Took")
    def took(self, row: Import | Export) -> str:
        """Return how long it took."""
        ends: tuple[datetime | None, datetime | None] = (row.started_at, row.finished_at)
        return f"{(ends[1] - ends[0]).total_seconds():.1f} s" if ends[0] and ends[1] else ""


@admin.register(Import)
class ImportAdmin(_Job):
    """Feeds that merchants sent."""

    list_display = (
        "merchant",
        "filename",
        "format",
        "dry_run",
        "shown_status",
        "progress",
        "problems_count",
        "created_at",
        "took",
    )
    list_filter = ("status", "format", "dry_run", "merchant")
    list_select_related = ("merchant",)
    search_fields = ("filename", "sha256")
    ordering = ("-id",)
    fields = (
        *("merchant", "filename", "status", "error", "progress", "first_problems"),
        *("format", "dry_run", "skipped"),
        *("products_created", "products_updated", "products_unchanged"),
        *("variants_created", "variants_updated", "variants_unchanged"),
        *("created_at", "started_at", "finished_at", "attempts", "sha256"),
    )
    readonly_fields = ("progress", "first_problems", "created_at")
    actions = ("take_up",)

    @admin.display(description="Rows")
    def progress(self, row: Import) -> str:
        """Return how far the feed has been read."""
        return f"{row.rows_done} of {row.rows_total}"

    @admin.display(description=f"Problems (the first {SHOWN_PROBLEMS})")
    def first_problems(self, row: Import) -> SafeString:
        """Return what was wrong with the feed."""
        rows = row.problems.order_by("line", "id")[:SHOWN_PROBLEMS]
        line = "<p>Line {}, {}: {} <code>{}</code></p>"
        return format_html_join("", line, ((p.line, p.column, p.message, p.value) for p in rows))

    @admin.action(description="Read now", permissions=["operate"])
    def take_up(self, request: HttpRequest, rows: QuerySet[Import]) -> None:
        """Have a worker take up the chosen imports; those that are read already stay as they are."""
        for row in rows:
            tasks.read_feed.apply_async(kwargs={"import_id": str(row.pk)})
        messages.success(request, f"{len(rows)} imports were handed to the workers.")


@admin.register(FeedSource)
class FeedSourceAdmin(Screen):
    """Feeds that we fetch for merchants."""

    list_display = ("merchant", "url", "every_minutes", "daily_at_hour", "enabled", "failures", "due_at")
    list_filter = ("enabled", "off_reason", "merchant")
    list_select_related = ("merchant",)
    search_fields = ("url", "merchant__name")
    ordering = ("-id",)
    exclude = ("sealed_password", "etag", "last_modified")
    inlines = (FeedFetchInline,)
    actions = ("turn_on", "turn_off")

    @admin.action(description="Fetch again", permissions=["operate"])
    def turn_on(self, request: HttpRequest, rows: QuerySet[FeedSource]) -> None:
        """Turn the chosen feeds on."""
        done = sum(sources.switch(feed_id=row.pk, enabled=True, now=timezone.now()) for row in rows)
        messages.success(request, f"{done} turned on.")

    @admin.action(description="Fetch no more", permissions=["operate"])
    def turn_off(self, request: HttpRequest, rows: QuerySet[FeedSource]) -> None:
        """Turn the chosen feeds off."""
        done = sum(sources.switch(feed_id=row.pk, enabled=False, now=timezone.now()) for row in rows)
        messages.success(request, f"{done} turned off.")


@admin.register(Export)
class ExportAdmin(_Job):
    """Files of their assortment that merchants asked for."""

    list_display = ("merchant", "format", "shown_status", "progress", "bytes_done", "created_at", "took")
    list_filter = ("status", "format", "merchant")
    list_select_related = ("merchant",)
    search_fields = ("merchant__name",)
    ordering = ("-id",)
    fields = (
        *("merchant", "format", "filters", "status", "error", "progress", "variants_done", "left_out"),
        *("bytes_done", "created_at", "started_at", "finished_at", "expires_at", "attempts"),
    )
    readonly_fields = ("progress", "created_at")
    actions = ("take_up",)

    @admin.display(description="Products")
    def progress(self, row: Export) -> str:
        """Return how far the file has been written."""
        return f"{row.products_done} of {row.products_total}"

    @admin.action(description="Write now", permissions=["operate"])
    def take_up(self, request: HttpRequest, rows: QuerySet[Export]) -> None:
        """Have a worker take up the chosen exports; those that are written already stay as they are."""
        for row in rows:
            tasks.write_export.apply_async(kwargs={"export_id": str(row.pk)})
        messages.success(request, f"{len(rows)} exports were handed to the workers.")
