"""Files: the assortment, or some of it, written in the background and fetched when it is whole."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from catalog import bodies, queries
from catalog.desk import words
from catalog.feeds import exports
from catalog.models import Import, Product
from catalog.views.exports import file_answer
from commerce import errors
from commerce.leafing import leaf
from commerce.merchantsite import desk, member_of


class ExportForm(forms.Form):
    """Which products are written, and in which format."""

    format = forms.ChoiceField(choices=Import.Format.choices, widget=UnfoldAdminSelectWidget)
    status = forms.ChoiceField(
        choices=[("", "Any"), *((name, words.status(name)[0]) for name in Product.Status.values)],
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="A Google feed has what is on sale, unless another state is chosen.",
    )
    q = forms.CharField(
        label="Words",
        max_length=255,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "lipstick"}),
        help_text="Only products that have them, or a variant of that SKU.",
    )


@desk.screen("exports/", name="exports", see="catalog:read", change="catalog:read")
def files(request: HttpRequest) -> HttpResponse:
    """List files, newest first; ask for another one."""
    member = member_of(request)
    form = ExportForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        chosen = {name: asked[name] for name in ("status", "q") if asked[name]}
        try:
            job = exports.queue(
                merchant_id=member.merchant_id, format=asked["format"], filters=chosen, now=timezone.now()
            )
        except errors.Refusal as refusal:
            form.add_error(None, refusal.text)
        else:
            return HttpResponseRedirect(reverse("desk:export", args=[job.pk]))
    found = leaf(request, queries.exports(merchant_id=member.merchant_id))
    return desk.render(
        request,
        "catalog_desk/exports.html",
        title="Exports",
        status=400 if form.errors else 200,
        form=form,
        leaf=found,
        rows=[(row, words.status(row.status)) for row in found.rows],
    )


@desk.screen("exports/<uuid:export_id>/", name="export", see="catalog:read")
@require_safe
def file(request: HttpRequest, export_id: UUID) -> HttpResponse:
    """Show how far a file has been written."""
    job = queries.export_job(merchant_id=member_of(request).merchant_id, export_id=export_id)
    body = bodies.export_job(job)
    return desk.render(
        request,
        "catalog_desk/export.html",
        title=job.get_format_display(),
        job=job,
        body=body,
        status_words=words.status(job.status),
        runs=job.status in exports.UNFINISHED,
        left=words.duration(body["eta_seconds"]),
        took=words.between(job.started_at, job.finished_at),
    )


@desk.screen("exports/<uuid:export_id>/file/", name="export_file", see="catalog:read")
@require_safe
def fetch(request: HttpRequest, export_id: UUID) -> HttpResponseBase:
    """Hand the file over."""
    merchant = member_of(request).merchant
    try:
        job = exports.ready(merchant_id=merchant.pk, export_id=export_id)
    except exports.ExportNotReady as refusal:
        messages.warning(request, refusal.text)
        return HttpResponseRedirect(reverse("desk:export", args=[export_id]))
    return file_answer(request, job, merchant)


@desk.screen(
    "exports/<uuid:export_id>/cancel/", name="export_cancel", see="catalog:read", change="catalog:read"
)
@require_POST
def cancel(request: HttpRequest, export_id: UUID) -> HttpResponse:
    """Stop writing a file, and drop what there is of it."""
    try:
        exports.cancel(merchant_id=member_of(request).merchant_id, export_id=export_id, now=timezone.now())
    except exports.ExportFinished as refusal:
        messages.warning(request, refusal.text)
    else:
        messages.success(request, "Stopped.")
    return HttpResponseRedirect(reverse("desk:export", args=[export_id]))
