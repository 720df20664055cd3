"""The host's screens of shows with several hosts: whom she invites to hers, and where she is invited."""

from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from unfold.widgets import INPUT_CLASSES, UnfoldAdminTextInputWidget

from commerce import errors
from commerce.sites import host_of, studio
from streams import cohosts, queries, states
from streams.models import CoHost, Stream
from streams.models.cohosts import MOST_BP
from streams.studio.shows import mine, nowhere

BEFORE = 50  # Invitations that came to an end and are shown.
WHOLE_BP = 10_000
ANSWERS: dict[str, tuple[Callable[..., CoHost], str]] = {
    "accept": (cohosts.accept, "You host “{0}” now. What is bought from here on is shared with you."),
    "decline": (cohosts.decline, "You declined to host “{0}”."),
    "leave": (cohosts.leave, "You host “{0}” no longer. What was bought until now stays shared."),
}


class InviteForm(forms.Form):
    """Whom a host invites, and for which share."""

    whom = forms.CharField(
        label="Host",
        max_length=80,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "yuki"}),
    )
    share = forms.DecimalField(
        label="Share of the commission, in %",
        min_value=Decimal("0.01"),
        max_value=Decimal(MOST_BP) / 100,
        decimal_places=2,
        widget=forms.NumberInput(
            attrs={"class": " ".join(INPUT_CLASSES), "step": "0.01", "inputmode": "decimal"}
        ),
    )


@studio.screen("shows/<uuid:stream_id>/cohosts/", name="cohosts")
@require_http_methods(["GET", "HEAD", "POST"])
def of_show(request: HttpRequest, stream_id: UUID) -> HttpResponse:
    """Who hosts the show with its host, at what share; inviting another one."""
    stream = mine(request, stream_id)
    if isinstance(stream, HttpResponse):
        return stream
    form = InviteForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            row = cohosts.invite(
                host_id=stream.host_id,
                stream_id=stream.id,
                whom=form.cleaned_data["whom"],
                share_bp=int(form.cleaned_data["share"] * 100),
            )
        except errors.Refusal as refusal:
            form.add_error(_field(refusal), refusal.text)
        else:
            messages.success(request, f"{row.host.name} is invited. She finds it in her studio.")
            return HttpResponseRedirect(reverse("studio:cohosts", args=[stream.id]))
    rows = list(cohosts.of_show(stream_id=stream.id))
    agreed = sum(row.share_bp for row in rows if row.status == CoHost.Status.ACCEPTED)
    asked = sum(row.share_bp for row in rows if row.status == CoHost.Status.INVITED)
    return studio.render(
        request,
        "studio/cohosts.html",
        title=stream.title,
        status=400 if request.method == "POST" else 200,
        stream=stream,
        tab="cohosts",
        editable=stream.status in states.EDITABLE,
        planned=stream.status == Stream.Status.SCHEDULED,
        form=form,
        rows=[row for row in rows if row.status in cohosts.OPEN],
        past=[row for row in reversed(rows) if row.status not in cohosts.OPEN],
        keeps=WHOLE_BP - agreed,
        would_keep=WHOLE_BP - agreed - asked,
        left=MOST_BP - agreed - asked,
    )


@studio.screen("shows/<uuid:stream_id>/cohosts/<uuid:cohost_id>/withdraw/", name="withdraw")
@require_POST
def withdraw(request: HttpRequest, stream_id: UUID, cohost_id: UUID) -> HttpResponse:
    """Take an invitation back."""
    try:
        row = cohosts.withdraw(host_id=host_of(request).id, stream_id=stream_id, cohost_id=cohost_id)
    except (queries.UnknownShow, cohosts.UnknownInvitation):
        return nowhere(request)
    except errors.Refusal as refusal:
        messages.error(request, refusal.text)
    else:
        messages.success(request, f"{row.host.name} is not invited any more.")
    return HttpResponseRedirect(reverse("studio:cohosts", args=[stream_id]))


@studio.screen("invitations/", name="invitations")
@require_safe
def invitations(request: HttpRequest) -> HttpResponse:
    """Shows that others invite her to, and those that she hosts with them."""
    host = host_of(request)
    hers = cohosts.of_host(host_id=host.id)
    accepted = hers.filter(status=CoHost.Status.ACCEPTED)
    waiting = cohosts.waiting(host_id=host.id)
    running = accepted.filter(stream__status__in=states.EDITABLE)
    return studio.render(
        request,
        "studio/invitations.html",
        title="Invitations",
        host=host,
        waiting=waiting,
        running=running,
        past=hers.exclude(pk__in=waiting.values("pk")).exclude(pk__in=running.values("pk"))[:BEFORE],
    )


@studio.screen("invitations/<uuid:cohost_id>/<slug:answer>/", name="answer")
@require_POST
def answer(request: HttpRequest, cohost_id: UUID, answer: str) -> HttpResponse:
    """Accept an invitation, decline it, or leave the show."""
    if answer not in ANSWERS:
        return nowhere(request)
    verb, words = ANSWERS[answer]
    try:
        row = verb(host_id=host_of(request).id, cohost_id=cohost_id)
    except cohosts.UnknownInvitation:
        return nowhere(request)
    except errors.Refusal as refusal:
        messages.error(request, refusal.text)
    else:
        messages.success(request, words.format(row.stream.title))
    return HttpResponseRedirect(reverse("studio:invitations"))


def waiting_for(request: HttpRequest) -> int:
    """Return how many invitations wait for the host who looks."""
    return cohosts.waiting(host_id=host_of(request).id).count()


def _field(refusal: errors.Refusal) -> str | None:
    """Return the field that a refusal is about; None: it is about the show."""
    if isinstance(refusal, cohosts.BadShare | cohosts.NothingLeft):
        return "share"
    of_show = cohosts.TooManyCoHosts | queries.ShowOver | queries.UnknownShow
    return None if isinstance(refusal, of_show) else "whom"
