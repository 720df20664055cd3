"""Feeds that are fetched: where they are, how often, what came of each time; fetched now, paused, removed."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from catalog.desk import words
from catalog.feeds import sources
from catalog.models import FeedFetch, FeedSource
from commerce import deskforms, errors
from commerce.leafing import leaf
from commerce.merchantsite import Waiting, desk, member_of

EVERY = {15: "every 15 minutes", 60: "every hour", 360: "every 6 hours", 720: "every 12 hours"}
OUTCOMES = {
    "running": ("Under way", "scheduled"),
    "imported": ("Imported", "good"),
    "unchanged": ("Nothing new", ""),
    "failed": ("Failed", "bad"),
}
OFF = {
    "merchant": "Paused",
    "operator": "Turned off by Yellowcart",
    "failing": "Turned off: it failed too often",
}


class SourceForm(forms.Form):
    """Where a feed is, and how often it is fetched."""

    url = forms.CharField(
        label="Address",
        max_length=1_000,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "https://shop.example.com/feed.csv"}),
        help_text="https, at a public name. Shopify CSV, Google product feed or JSON Lines.",
    )
    rhythm = forms.ChoiceField(label="How often", widget=UnfoldAdminSelectWidget)
    username = forms.CharField(max_length=200, required=False, widget=UnfoldAdminTextInputWidget)
    password = forms.CharField(
        max_length=200,
        required=False,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, source: FeedSource | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        choices = [(str(minutes), text) for minutes, text in EVERY.items()]
        choices += [(f"at {hour}", f"daily at {hour:02}:00 UTC") for hour in range(24)]
        if source and source.every_minutes and source.every_minutes not in EVERY:
            choices.insert(0, (str(source.every_minutes), rhythm_of(source)))
        self.fields["rhythm"].choices = choices  # type: ignore[attr-defined]
        if source:
            self.fields["password"].help_text = (
                "There is one. Nothing written: it stays, unless the address is another."
                if source.sealed_password
                else "There is none."
            )

    def said(self) -> dict[str, Any]:
        """Return what was written as the verbs take it."""
        given = dict(self.cleaned_data)
        rhythm = given.pop("rhythm")
        daily = rhythm.startswith("at ")
        given["every_minutes"] = None if daily else int(rhythm)
        given["daily_at_hour"] = int(rhythm[3:]) if daily else None
        return given


@desk.screen("feeds/", name="sources", see="catalog:read", change="catalog:write")
def listed(request: HttpRequest) -> HttpResponse:
    """List the feeds that are fetched, with what came of the last time; have another one fetched."""
    merchant_id = member_of(request).merchant_id
    form = SourceForm(request.POST if request.method == "POST" else None, initial={"rhythm": "60"})
    if request.method == "POST" and form.is_valid():
        try:
            row = sources.create(merchant_id=merchant_id, enabled=True, now=timezone.now(), **form.said())
        except errors.Refusal as refusal:
            form.add_error("url", refusal.text)
        else:
            messages.success(request, "It is fetched now, and then as you said.")
            return HttpResponseRedirect(reverse("desk:source", args=[row.pk]))
    last = FeedFetch.objects.filter(source=OuterRef("pk")).order_by("-id")
    rows = sources.of_merchant(merchant_id=merchant_id).annotate(
        last_outcome=Subquery(last.values("outcome")[:1]), last_at=Subquery(last.values("started_at")[:1])
    )
    return desk.render(
        request,
        "catalog_desk/sources.html",
        title="Fetched feeds",
        status=400 if form.errors else 200,
        form=form,
        rows=[
            (row, rhythm_of(row), OUTCOMES.get(row.last_outcome or ""), OFF.get(row.off_reason))
            for row in rows.order_by("-id")
        ],
        most=sources.MOST_SOURCES,
    )


@desk.screen("feeds/<uuid:feed_id>/", name="source", see="catalog:read", change="catalog:write")
def one(request: HttpRequest, feed_id: UUID) -> HttpResponse:
    """Show a feed with the times that it was fetched; change it."""
    merchant_id = member_of(request).merchant_id
    row = sources.one(merchant_id=merchant_id, feed_id=feed_id)
    rhythm = str(row.every_minutes) if row.every_minutes else f"at {row.daily_at_hour}"
    form = SourceForm(
        request.POST if request.method == "POST" else None,
        source=row,
        initial={"url": row.url, "rhythm": rhythm, "username": row.username},
    )
    now = timezone.now()
    if request.method == "POST" and form.is_valid():
        try:
            sources.change(merchant_id=merchant_id, feed_id=row.pk, now=now, **_changes(row, form.said()))
        except errors.NotFound:
            raise
        except errors.Refusal as refusal:
            form.add_error("url", refusal.text)
        else:
            messages.success(request, "Saved.")
            return HttpResponseRedirect(reverse("desk:source", args=[row.pk]))
    found = leaf(request, sources.fetches(merchant_id=merchant_id, feed_id=row.pk).select_related("job"))
    return desk.render(
        request,
        "catalog_desk/source.html",
        title="Fetched feed",
        status=400 if form.errors else 200,
        source=row,
        rhythm=rhythm_of(row),
        off=OFF.get(row.off_reason),
        form=form,
        leaf=found,
        rows=[
            (each, OUTCOMES[each.outcome], each.job and words.status(each.job.status)) for each in found.rows
        ],
        waits=row.enabled and row.due_at <= now,
        runs=any(each.outcome == FeedFetch.Outcome.RUNNING for each in found.rows[:1]),
    )


@desk.screen("feeds/<uuid:feed_id>/fetch/", name="source_fetch", see="catalog:read", change="catalog:write")
@require_POST
def fetch(request: HttpRequest, feed_id: UUID) -> HttpResponse:
    """Have a feed fetched now."""
    return _done(request, feed_id, sources.fetch_now, "It is fetched within seconds.", now=timezone.now())


@desk.screen("feeds/<uuid:feed_id>/switch/", name="source_switch", see="catalog:read", change="catalog:write")
@require_POST
def switch(request: HttpRequest, feed_id: UUID) -> HttpResponse:
    """Pause a feed, or go on: then it is fetched at once."""
    on = request.POST.get("enabled") == "yes"
    told = "It is fetched again, now and as you said." if on else "Paused. What was imported stays."
    return _done(request, feed_id, sources.change, told, enabled=on, now=timezone.now())


@desk.screen("feeds/<uuid:feed_id>/remove/", name="source_remove", see="catalog:read", change="catalog:write")
@require_POST
def remove(request: HttpRequest, feed_id: UUID) -> HttpResponse:
    """Fetch a feed no more, and forget it."""
    try:
        sources.remove(merchant_id=member_of(request).merchant_id, feed_id=feed_id)
    except sources.OffByOperations as refusal:
        messages.error(request, refusal.text)
        return HttpResponseRedirect(reverse("desk:source", args=[feed_id]))
    messages.success(request, "Removed. What was imported of it stays.")
    return HttpResponseRedirect(reverse("desk:sources"))


def turned_off(merchant_id: UUID) -> Waiting | None:
    """Return how many feeds are fetched no more because they failed too often."""
    rows = sources.of_merchant(merchant_id=merchant_id).filter(off_reason=FeedSource.Off.FAILING)
    count = rows.count()
    text = "feed is not fetched any more" if count == 1 else "feeds are not fetched any more"
    return Waiting(count, text, reverse("desk:sources"), is_bad=True)


def rhythm_of(row: FeedSource) -> str:
    """Say how often a feed is fetched."""
    if not row.every_minutes:
        return f"daily at {row.daily_at_hour or 0:02}:00 UTC"
    return EVERY.get(row.every_minutes, f"every {words.duration(row.every_minutes * 60)}")


def _changes(row: FeedSource, said: dict[str, Any]) -> dict[str, Any]:
    """Return what a form changes: no password written is no other password."""
    if not said["password"]:
        del said["password"]
    if (row.every_minutes, row.daily_at_hour) == (said["every_minutes"], said["daily_at_hour"]):
        del said["every_minutes"], said["daily_at_hour"]
    return said


def _done(request: HttpRequest, feed_id: UUID, act: Any, told: str, **more: Any) -> HttpResponse:
    to = reverse("desk:source", args=[feed_id])
    of = {"merchant_id": member_of(request).merchant_id, "feed_id": feed_id}
    return deskforms.done(request, act, told, to, **of, **more)
