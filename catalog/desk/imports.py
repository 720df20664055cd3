"""Feeds: sent as a file, tried or taken, followed row by row, stopped, and what was wrong with them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from unfold.widgets import UnfoldAdminFileFieldWidget

from catalog import bodies, queries, uploads
from catalog.desk import words
from catalog.feeds import imports
from catalog.models import Import
from commerce import errors
from commerce.leafing import leaf
from commerce.merchantsite import Waiting, desk, member_of

PROBLEMS_PER_PAGE = 100
LATELY = 7  # days; what failed longer ago does not wait for anybody.


class FeedForm(forms.Form):
    """A feed, and whether it is only tried."""

    file = forms.FileField(
        label="Feed",
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.tsv,.txt,.xml,.jsonl,.ndjson"}),
        help_text="Shopify CSV, Google product feed (TSV or XML) or JSON Lines; which, the file itself says.",
        error_messages={"required": "Choose a file.", "empty": "The file is empty."},
    )
    dry_run = forms.BooleanField(
        label="Dry run",
        required=False,
        help_text="Says what would change and what is wrong, and changes nothing.",
    )


@desk.screen("imports/", name="imports", see="catalog:read", change="catalog:write")
def feeds(request: HttpRequest) -> HttpResponse:
    """List feeds, newest first; take another one."""
    member = member_of(request)
    form = FeedForm(request.POST or None, request.FILES or None) if request.method == "POST" else FeedForm()
    if request.method == "POST" and form.is_valid():
        sent = form.cleaned_data["file"]
        try:
            job, is_new = imports.queue(
                merchant_id=member.merchant_id,
                filename=str(sent.name or "").replace("\0", "")[:255],
                file=uploads.limited(sent),
                dry_run=form.cleaned_data["dry_run"],
                now=timezone.now(),
            )
        except errors.Refusal as refusal:
            form.add_error("file", refusal.text)
        else:
            if not is_new:
                messages.info(request, "This file is being read already.")
            return HttpResponseRedirect(reverse("desk:import", args=[job.pk]))
    found = leaf(request, queries.imports(merchant_id=member.merchant_id))
    return desk.render(
        request,
        "catalog_desk/imports.html",
        title="Imports",
        status=400 if form.errors else 200,
        form=form,
        leaf=found,
        rows=[(row, words.status(row.status)) for row in found.rows],
        most_mb=settings.IMPORT_MAX_BYTES // 1_000_000,
    )


@desk.screen("imports/<uuid:import_id>/", name="import", see="catalog:read")
@require_safe
def feed(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """Show how far a feed has been read, and what came of it."""
    merchant_id = member_of(request).merchant_id
    job = queries.import_job(merchant_id=merchant_id, import_id=import_id)
    problems = queries.problems(merchant_id=merchant_id, import_id=import_id).order_by("line", "id")
    body = bodies.import_job(job)
    return desk.render(
        request,
        "catalog_desk/import.html",
        title=job.filename or "Feed",
        job=job,
        body=body,
        status_words=words.status(job.status),
        runs=job.status in imports.UNFINISHED,
        left=words.duration(body["eta_seconds"]),
        took=words.between(job.started_at, job.finished_at),
        results=_results(job),
        problems=Paginator(problems, PROBLEMS_PER_PAGE).get_page(request.GET.get("page")),
        most=imports.MAX_PROBLEMS,
    )


@desk.screen(
    "imports/<uuid:import_id>/cancel/", name="import_cancel", see="catalog:read", change="catalog:write"
)
@require_POST
def cancel(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """Stop reading a feed; what was taken of it stays."""
    try:
        imports.cancel(merchant_id=member_of(request).merchant_id, import_id=import_id, now=timezone.now())
    except imports.ImportFinished as refusal:
        messages.warning(request, refusal.text)
    else:
        messages.success(request, "Stopped. What was taken before stays.")
    return HttpResponseRedirect(reverse("desk:import", args=[import_id]))


def failed(merchant_id: UUID) -> Waiting | None:
    """Return how many of the merchant's feeds failed lately."""
    since = timezone.now() - timedelta(days=LATELY)
    rows = queries.imports(merchant_id=merchant_id).filter(
        status=Import.Status.FAILED, finished_at__gte=since
    )
    count = rows.count()
    text = "feed failed this week" if count == 1 else "feeds failed this week"
    return Waiting(count, text, reverse("desk:imports"), is_bad=True)


def _results(job: Import) -> list[tuple[str, list[tuple[str, Any]]]]:
    return [
        (
            "Products",
            [
                ("new", job.products_created),
                ("changed", job.products_updated),
                ("as they were", job.products_unchanged),
            ],
        ),
        (
            "Variants",
            [
                ("new", job.variants_created),
                ("changed", job.variants_updated),
                ("as they were", job.variants_unchanged),
            ],
        ),
        ("Left out", [("rows, variants and pictures", job.skipped)]),
    ]
