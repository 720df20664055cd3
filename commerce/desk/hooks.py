"""The merchant's webhooks: where its systems are told, a test of that, what was sent, sending it again."""

import json
from datetime import timedelta
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from unfold.widgets import UnfoldAdminTextInputWidget

from commerce import errors, throttles
from commerce.leafing import leaf
from commerce.merchantsite import Waiting, desk, member_of
from commerce.models import WebhookDelivery, WebhookEndpoint
from commerce.outside import addresses
from commerce.webhooks import deliveries, endpoints, shapes
from commerce.webhooks.api import TESTS_PER_MINUTE, WINDOW_SECONDS

# How far back is sent again, in hours.
REPLAYS = {"1": "the last hour", "24": "the last day", "72": "the last three days"}


class EndpointForm(forms.Form):
    """Where a system is told, and of what."""

    url = forms.CharField(
        label="Address",
        max_length=addresses.MAX_LENGTH,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "https://hooks.example.com/yellowcart"}),
        help_text="https, on port 443 or 8443, on the public internet.",
    )
    description = forms.CharField(
        max_length=200, required=False, widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "ERP"})
    )
    event_types = forms.MultipleChoiceField(
        label="Events",
        required=False,
        choices=[(name, name) for name in shapes.TYPES],
        help_text="None ticked: all of them, also later ones.",
    )


@desk.screen("webhooks/", name="webhooks", see="webhooks", change="webhooks")
def hooks(request: HttpRequest) -> HttpResponse:
    """List endpoints and what was sent lately; add an endpoint."""
    merchant_id = member_of(request).merchant_id
    form = EndpointForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            row = endpoints.create(merchant_id=merchant_id, now=timezone.now(), **form.cleaned_data)
        except errors.Refusal as refusal:
            form.add_error("url", refusal.text)
        else:
            messages.success(request, "It is told what happens from now on. Try it with a test.")
            return HttpResponseRedirect(reverse("desk:webhook", args=[row.pk]))
    return desk.render(
        request,
        "desk/webhooks.html",
        title="Webhooks",
        status=400 if form.errors else 200,
        form=form,
        rows=endpoints.of_merchant(merchant_id=merchant_id).order_by("-id"),
        events=_events(form),
        leaf=leaf(request, deliveries.of_merchant(merchant_id=merchant_id)),
    )


@desk.screen("webhooks/<uuid:endpoint_id>/", name="webhook", see="webhooks", change="webhooks")
def hook(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Show an endpoint with its secrets and what it was sent; change it."""
    merchant_id = member_of(request).merchant_id
    row = endpoints.one_of_merchant(merchant_id=merchant_id, endpoint_id=endpoint_id)
    said = {"url": row.url, "description": row.description, "event_types": row.event_types}
    form = EndpointForm(request.POST if request.method == "POST" else None, initial=said)
    now = timezone.now()
    if request.method == "POST" and form.is_valid():
        try:
            endpoints.change(merchant_id=merchant_id, endpoint_id=row.pk, now=now, **form.cleaned_data)
        except errors.Invalid as refusal:
            form.add_error("url", refusal.text)
        else:
            messages.success(request, "Saved.")
            return HttpResponseRedirect(reverse("desk:webhook", args=[row.pk]))
    sent = deliveries.of_merchant(merchant_id=merchant_id).filter(endpoint_id=row.pk)
    return desk.render(
        request,
        "desk/webhook.html",
        title=row.description or "Webhook endpoint",
        status=400 if form.errors else 200,
        endpoint=row,
        form=form,
        events=_events(form),
        secrets=endpoints.secrets(merchant_id=merchant_id, endpoint_id=row.pk, now=now),
        replays=REPLAYS,
        leaf=leaf(request, sent),
    )


@desk.screen("webhooks/<uuid:endpoint_id>/test/", name="webhook_test", see="webhooks", change="webhooks")
@require_POST
def test(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Send a test, whose page shows what became of it."""
    merchant_id = member_of(request).merchant_id
    try:
        # The same count as for the API's button.
        throttles.spend(
            what="webhook-test", who=str(merchant_id), limit=TESTS_PER_MINUTE, seconds=WINDOW_SECONDS
        )
        row = endpoints.test(merchant_id=merchant_id, endpoint_id=endpoint_id, now=timezone.now())
    except (errors.Conflict, errors.TooMany, errors.Unavailable) as refusal:
        messages.error(request, refusal.text)
        return HttpResponseRedirect(reverse("desk:webhook", args=[endpoint_id]))
    return HttpResponseRedirect(reverse("desk:delivery", args=[row.pk]))


@desk.screen("webhooks/<uuid:endpoint_id>/switch/", name="webhook_switch", see="webhooks", change="webhooks")
@require_POST
def switch(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Turn an endpoint off, or on again: then it is sent what waited."""
    on = request.POST.get("enabled") == "yes"
    endpoints.change(
        merchant_id=member_of(request).merchant_id, endpoint_id=endpoint_id, now=timezone.now(), enabled=on
    )
    messages.success(request, "On: it is sent what waited." if on else "Off. What happens waits for it.")
    return HttpResponseRedirect(reverse("desk:webhook", args=[endpoint_id]))


@desk.screen("webhooks/<uuid:endpoint_id>/rotate/", name="webhook_rotate", see="webhooks", change="webhooks")
@require_POST
def rotate(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Begin another secret; the old one signs beside it for a day."""
    day = timedelta(seconds=shapes.DAY)
    endpoints.rotate(
        merchant_id=member_of(request).merchant_id, endpoint_id=endpoint_id, overlap=day, now=timezone.now()
    )
    messages.success(request, "There is another secret. For a day both sign.")
    return HttpResponseRedirect(reverse("desk:webhook", args=[endpoint_id]))


@desk.screen("webhooks/<uuid:endpoint_id>/replay/", name="webhook_replay", see="webhooks", change="webhooks")
@require_POST
def replay(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Send again what the endpoint has missed, and on request what it took."""
    endpoints.one_of_merchant(merchant_id=member_of(request).merchant_id, endpoint_id=endpoint_id)
    hours = request.POST.get("hours", "")
    now = timezone.now()
    if hours not in REPLAYS:
        messages.error(request, "Say how far back.")
        return HttpResponseRedirect(reverse("desk:webhook", args=[endpoint_id]))
    try:
        count = endpoints.replay(
            merchant_id=member_of(request).merchant_id,
            endpoint_id=endpoint_id,
            since=now - timedelta(hours=int(hours)),
            delivered=request.POST.get("delivered") == "yes",
            now=now,
        )
    except errors.Conflict as refusal:
        messages.error(request, refusal.text)
    else:
        messages.success(request, f"{count} messages are sent again." if count else "Nothing was missed.")
    return HttpResponseRedirect(reverse("desk:webhook", args=[endpoint_id]))


@desk.screen("webhooks/<uuid:endpoint_id>/remove/", name="webhook_remove", see="webhooks", change="webhooks")
@require_POST
def remove(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Remove an endpoint: nothing is sent to it any more."""
    endpoints.remove(merchant_id=member_of(request).merchant_id, endpoint_id=endpoint_id, now=timezone.now())
    messages.success(request, "Removed.")
    return HttpResponseRedirect(reverse("desk:webhooks"))


@desk.screen("deliveries/<uuid:delivery_id>/", name="delivery", see="webhooks")
@require_safe
def delivery(request: HttpRequest, delivery_id: UUID) -> HttpResponse:
    """Show what was sent, and every try."""
    row = deliveries.one_of_merchant(merchant_id=member_of(request).merchant_id, delivery_id=delivery_id)
    return desk.render(
        request,
        "desk/delivery.html",
        title=f"Message {row.message.type}",
        row=row,
        waits=row.status == WebhookDelivery.Status.PENDING,
        tries=row.tries.order_by("-number"),
        payload=json.dumps(json.loads(row.message.body), indent=2, ensure_ascii=False),
    )


@desk.screen("deliveries/<uuid:delivery_id>/retry/", name="delivery_retry", see="webhooks", change="webhooks")
@require_POST
def retry(request: HttpRequest, delivery_id: UUID) -> HttpResponse:
    """Send it again now."""
    try:
        deliveries.retry(
            merchant_id=member_of(request).merchant_id, delivery_id=delivery_id, now=timezone.now()
        )
    except errors.Conflict as refusal:
        messages.warning(request, refusal.text)
    return HttpResponseRedirect(reverse("desk:delivery", args=[delivery_id]))


def turned_off(merchant_id: UUID) -> Waiting | None:
    """Return how many of the merchant's endpoints others than itself have turned off."""
    rows = endpoints.of_merchant(merchant_id=merchant_id).filter(enabled=False)
    count = rows.exclude(off_reason=WebhookEndpoint.Off.MERCHANT).count()
    text = "webhook endpoint was turned off" if count == 1 else "webhook endpoints were turned off"
    return Waiting(count, text, reverse("desk:webhooks"), is_bad=True)


def _events(form: EndpointForm) -> list[tuple[str, str, bool]]:
    """Return the events with what they say, and whether each is ticked."""
    ticked = set(form["event_types"].value() or ())
    return [(name, text, name in ticked) for name, text in settings.WEBHOOK_EVENTS.items()]
