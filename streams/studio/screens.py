"""The host's screens: her shows, planning one, its showcase, its control room, what she earned."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe
from unfold.widgets import (
    INPUT_CLASSES,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldAdminURLInputWidget,
)

from commerce import errors
from commerce.sites import host_of, studio
from streams import (
    bodies,
    cohosts,
    panels,
    places,
    queries,
    showcase,
    shows,
    snapshot,
    states,
)
from streams.models import Stream
from streams.studio.shows import mine, nowhere

PAST_PER_PAGE = 20


class MomentInput(forms.DateTimeInput):
    """The browser's own field for a day and a time."""

    input_type = "datetime-local"

    def __init__(self, **attrs: str) -> None:
        super().__init__(attrs={"class": " ".join(INPUT_CLASSES), **attrs}, format="%Y-%m-%dT%H:%M")


class ShowForm(forms.Form):
    """What a host says about a show."""

    title = forms.CharField(
        max_length=120,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Autumn lips, live from Lisbon"}),
    )
    starts_at = forms.DateTimeField(
        label="Starts",
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=MomentInput(**{"data-utc": ""}),
        help_text="In UTC.",
    )
    # Minutes that the host's clock is ahead of UTC at that time; filled in by the page's script.
    ahead = forms.IntegerField(
        required=False,
        min_value=-14 * 60,
        max_value=14 * 60,
        widget=forms.HiddenInput(attrs={"data-ahead": ""}),
    )
    description = forms.CharField(
        max_length=2000,
        required=False,
        widget=UnfoldAdminTextareaWidget(
            attrs={"rows": 3, "placeholder": "What viewers read before it starts."}
        ),
    )
    video_url = forms.CharField(
        label="Video address",
        max_length=500,
        required=False,
        widget=UnfoldAdminURLInputWidget(attrs={"placeholder": "https://…/playlist.m3u8"}),
        help_text="The HLS playlist of your stream. Without one, viewers see the poster.",
    )
    poster_url = forms.CharField(
        label="Poster address",
        max_length=500,
        required=False,
        widget=UnfoldAdminURLInputWidget(),
        help_text="A picture shown before the video starts.",
    )
    slug = forms.SlugField(
        label="Address",
        max_length=80,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="The end of the show's web address. Left empty, it is made from the title.",
    )

    def __init__(self, *args: Any, stream: Stream | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if stream is not None and stream.status != Stream.Status.SCHEDULED:
            for name in shows.WHILE_SCHEDULED:
                self.fields[name].disabled = True
        for name in ("video_url", "poster_url"):
            self.fields[name].widget.input_type = "text"  # paths on this site are fine

    def clean(self) -> dict[str, Any]:
        """Turn the host's clock into UTC."""
        given = super().clean() or {}
        ahead = given.pop("ahead", None) or 0
        if "starts_at" in given and not self.fields["starts_at"].disabled:
            given["starts_at"] = given["starts_at"].replace(tzinfo=UTC) - timedelta(minutes=ahead)
        return given

    def clean_video_url(self) -> str:
        """Refuse what a browser would not load as a film."""
        return _address(self.cleaned_data["video_url"])

    def clean_poster_url(self) -> str:
        """Refuse what a browser would not load as a picture."""
        return _address(self.cleaned_data["poster_url"])


def _address(given: str) -> str:
    if given and not given.startswith(("https://", "http://", "/")):
        raise forms.ValidationError("An address starts with https:// or, on this site, with /.")
    return given


@studio.screen("", name="index")
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Her shows: the one that is live, those to come, those that were."""
    host = host_of(request)
    mine = queries.shows_of_host(host_id=host.id)
    past = mine.exclude(status__in=states.EDITABLE)
    return studio.render(
        request,
        "studio/index.html",
        title="Shows",
        host=host,
        live=mine.filter(status=Stream.Status.LIVE).first(),
        upcoming=queries.with_counts(mine.filter(status=Stream.Status.SCHEDULED)).order_by("starts_at", "id"),
        past=Paginator(past, PAST_PER_PAGE).get_page(request.GET.get("page")),
        earnings=panels.earnings(host_id=host.id),
        invitations=cohosts.waiting(host_id=host.id),
        now=timezone.now(),
    )


@studio.screen("shows/plan/", name="plan")
def plan(request: HttpRequest) -> HttpResponse:
    """Plan a show; afterwards she fills its showcase."""
    form = ShowForm(request.POST or None, initial={"starts_at": _in_an_hour(timezone.now())})
    if request.method == "POST" and form.is_valid():
        try:
            stream = shows.plan(host_id=host_of(request).id, **form.cleaned_data)
        except errors.Refusal as refusal:
            _say(form, refusal)
        else:
            return HttpResponseRedirect(reverse("studio:showcase", args=[stream.id]))
    return studio.render(
        request, "studio/show.html", title="Plan a show", status=_status(request), form=form, stream=None
    )


@studio.screen("shows/<uuid:stream_id>/", name="show")
def show(request: HttpRequest, stream_id: UUID) -> HttpResponse:
    """Change what is said about a show."""
    host = host_of(request)
    stream = mine(request, stream_id)
    if isinstance(stream, HttpResponse):
        return stream
    initial = {name: getattr(stream, name) for name in shows.CHANGEABLE}
    form = ShowForm(request.POST or None, initial=initial, stream=stream)
    if request.method == "POST" and form.is_valid():
        try:
            shows.change(host_id=host.id, stream_id=stream.id, **_given(form, stream))
        except errors.Refusal as refusal:
            _say(form, refusal)
        else:
            messages.success(request, "Saved.")
            return HttpResponseRedirect(reverse("studio:show", args=[stream.id]))
    return studio.render(
        request,
        "studio/show.html",
        title=stream.title,
        status=_status(request),
        form=form,
        stream=stream,
        tab="show",
        editable=stream.status in states.EDITABLE,
    )


@studio.screen("shows/<uuid:stream_id>/cancel/", name="cancel")
@require_POST
def cancel(request: HttpRequest, stream_id: UUID) -> HttpResponse:
    """Cancel a planned show."""
    host = host_of(request)
    try:
        shows.cancel(host_id=host.id, stream_id=stream_id, now=timezone.now(), by_id=host.user_id)
    except queries.UnknownShow:
        return nowhere(request)
    except errors.Refusal as refusal:
        messages.error(request, refusal.text)
        return HttpResponseRedirect(reverse("studio:show", args=[stream_id]))
    messages.success(request, "The show is cancelled.")
    return HttpResponseRedirect(reverse("studio:index"))


@studio.screen("shows/<uuid:stream_id>/showcase/", name="showcase")
@require_safe
@ensure_csrf_cookie
def edit_showcase(request: HttpRequest, stream_id: UUID) -> HttpResponse:
    """Search products, add them, put them in order."""
    stream = mine(request, stream_id)
    if isinstance(stream, HttpResponse):
        return stream
    return studio.render(
        request,
        "studio/showcase.html",
        title=stream.title,
        stream=stream,
        tab="showcase",
        editable=stream.status in states.EDITABLE,
        items=bodies.showcase(stream_id=stream.id),
        max_items=showcase.MAX_ITEMS,
    )


@studio.screen("room/<uuid:stream_id>/", name="room")
@require_safe
@ensure_csrf_cookie
def room(request: HttpRequest, stream_id: UUID) -> HttpResponse:
    """Run the show. The page gets everything that moves over the room's socket."""
    stream = mine(request, stream_id)
    if isinstance(stream, HttpResponse):
        return stream
    position = places.now(stream.id)  # Before the data: what happens in between is told again.
    page = {
        "stream": str(stream.id),
        "position": position,
        "slug": stream.slug,
        "socket": f"{settings.LIVE_SOCKET_URL}/ws/v1/live/{stream.slug}",
        "snapshot": snapshot.of(stream=stream, user_id=stream.host.user_id),
        "sales": panels.sales(host_id=stream.host_id, stream_id=stream.id),
    }
    return render(request, "studio/room.html", {"stream": stream, "page": page})


@studio.screen("earnings/", name="earnings")
@require_safe
def earnings(request: HttpRequest) -> HttpResponse:
    """What each show sold and what the host earned by it."""
    host = host_of(request)
    sold = panels.earnings(host_id=host.id)
    # Also those of others that she hosted with them.
    theirs = queries.shows([UUID(key) for key in sold])
    page = Paginator(theirs, PAST_PER_PAGE).get_page(request.GET.get("page"))
    return studio.render(
        request,
        "studio/earnings.html",
        title="Earnings",
        host=host,
        page=page,
        rows=[(stream, sold[str(stream.id)]) for stream in page],
        units=sum(each["units"] for each in sold.values()),
        revenue=_total(sold, "revenue"),
        commission=_total(sold, "commission"),
    )


def _given(form: ShowForm, stream: Stream) -> dict[str, Any]:
    """Return what may still change; an emptied address stays what it was."""
    given = {name: value for name, value in form.cleaned_data.items() if not form.fields[name].disabled}
    if not given.get("slug"):
        given.pop("slug", None)
    return given


def _say(form: ShowForm, refusal: errors.Refusal) -> None:
    fields = {"SLUG_TAKEN": "slug"}
    named = refusal.data.get("errors", {})
    for name, text in named.items():
        form.add_error(name if name in form.fields else None, text)
    if not named:
        form.add_error(fields.get(refusal.code), refusal.text)


def _status(request: HttpRequest) -> int:
    """A form that is shown again after it was sent was not good."""
    return 400 if request.method == "POST" else 200


def _in_an_hour(now: datetime) -> datetime:
    return (now + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)


def _total(sold: dict[str, Any], what: str) -> list[dict[str, Any]]:
    totals: dict[str, int] = {}
    for each in sold.values():
        for part in each[what]:
            totals[part["currency"]] = totals.get(part["currency"], 0) + part["amount"]
    return [{"amount": amount, "currency": currency} for currency, amount in sorted(totals.items())]
