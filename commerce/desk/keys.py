"""The merchant's API keys: made and rotated with a secret shown once, changed, revoked, and their history."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Max, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from unfold.widgets import UnfoldAdminTextInputWidget

from commerce import errors, keyforms, merchantkeys
from commerce.merchantsite import desk, member_of
from commerce.models import MerchantKey, MerchantKeySecret
from commerce.ownclock import OwnTimeField
from commerce.screens import by_of

EVENTS = 50
# For how long the old secret still opens, in seconds.
OVERLAPS = {"86400": "for a day", "604800": "for a week", "3600": "for an hour", "0": "no longer: it leaked"}


class KeyForm(keyforms.KeyFields):
    """Which system a key is for, and until when."""

    name = forms.CharField(
        max_length=50, widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Warehouse"})
    )
    expires_at = OwnTimeField(label="Expires", required=False, help_text="In UTC. Empty: never.")
    field_order = ("name", "scopes", "networks", "expires_at")


@desk.screen("keys/", name="keys", see="keys")
@require_safe
def keys(request: HttpRequest) -> HttpResponse:
    """List keys, those that open something first."""
    rows = _of(member_of(request).merchant_id).order_by("-created_at", "-id")
    now = timezone.now()
    shown = [(row, _state(row, now)) for row in rows]
    shown.sort(key=lambda pair: pair[1] != "valid")
    return desk.render(request, "desk/keys.html", title="API keys", rows=shown)


@desk.screen("keys/make/", name="key_make", see="keys", change="keys")
def make(request: HttpRequest) -> HttpResponse:
    """Make a key, whose secret is shown this once."""
    form = KeyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            key, text = merchantkeys.make(
                merchant_id=member_of(request).merchant_id, by=by_of(request), **form.cleaned_data
            )
        except errors.Refusal as refusal:
            form.add_error(None, refusal.text)
        else:
            return _told(request, key, text, "It opens what was ticked, from now on.")
    return desk.render(
        request, "desk/key_make.html", title="New API key", status=_status(form), form=form, **_choices(form)
    )


@desk.screen("keys/<uuid:key_id>/", name="key", see="keys", change="keys")
def key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Show a key with its secrets and history; change what it opens."""
    row = _one(request, key_id)
    now = timezone.now()
    said = {
        "name": row.name,
        "scopes": row.scopes,
        "networks": keyforms.lines(row.networks),
        "expires_at": row.expires_at,
    }
    form = KeyForm(request.POST if request.method == "POST" else None, initial=said)
    if request.method == "POST" and form.is_valid():
        try:
            merchantkeys.change(key_id=row.pk, by=by_of(request), **form.cleaned_data)
        except errors.Refusal as refusal:
            form.add_error(None, refusal.text)
        else:
            messages.success(request, "Saved.")
            return HttpResponseRedirect(reverse("desk:key", args=[row.pk]))
    return desk.render(
        request,
        "desk/key.html",
        title=row.name,
        status=_status(form),
        key=row,
        state=_state(row, now),
        form=form,
        secrets=row.secrets.order_by("-created_at"),
        events=row.events.select_related("person").order_by("-id")[:EVENTS],
        overlaps=OVERLAPS,
        now=now,
        **_choices(form),
    )


@desk.screen("keys/<uuid:key_id>/rotate/", name="key_rotate", see="keys", change="keys")
@require_POST
def rotate(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Give a key a new secret, shown this once; the old one opens for a while beside it."""
    row = _one(request, key_id)
    seconds = request.POST.get("overlap", "")
    if seconds not in OVERLAPS:
        messages.error(request, "Say how long the old secret shall open.")
        return HttpResponseRedirect(reverse("desk:key", args=[row.pk]))
    now = timezone.now()
    until = now + timedelta(seconds=int(seconds))
    try:
        text = merchantkeys.rotate(
            key_id=row.pk, prefix=request.POST.get("prefix", ""), until=until, now=now, by=by_of(request)
        )
    except errors.Refusal as refusal:
        messages.error(request, refusal.text)
        return HttpResponseRedirect(reverse("desk:key", args=[row.pk]))
    said = "The old one opens nothing any more."
    if seconds != "0":
        said = f"The old one opens until {until.astimezone(UTC):%-d %b %Y, %H:%M} UTC."
    return _told(request, row, text, said)


@desk.screen("keys/<uuid:key_id>/revoke/", name="key_revoke", see="keys", change="keys")
@require_POST
def revoke(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """End a key at once and for good."""
    row = _one(request, key_id)
    if merchantkeys.revoke(key_id=row.pk, now=timezone.now(), by=by_of(request)):
        messages.success(request, f"{row.name} opens nothing any more.")
    else:
        messages.warning(request, f"{row.name} was revoked before.")
    return HttpResponseRedirect(reverse("desk:keys"))


def _of(merchant_id: UUID) -> QuerySet[MerchantKey]:
    """Return a merchant's keys with the prefix of the current secret and when any of them was last used."""
    secrets = MerchantKeySecret.objects.filter(key=OuterRef("pk"))
    latest = secrets.values("key").values(latest=Max("last_used_at"))
    return MerchantKey.objects.filter(merchant_id=merchant_id).annotate(
        prefix=Subquery(secrets.filter(valid_until=None).values("prefix")), last_used_at=Subquery(latest)
    )


def _one(request: HttpRequest, key_id: UUID) -> MerchantKey:
    # A key stays its merchant's, so what is found here may be changed by its id alone.
    row = _of(member_of(request).merchant_id).filter(pk=key_id).first()
    if row is None:
        raise errors.NotFound
    return row


def _state(row: MerchantKey, now: datetime) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at is not None and row.expires_at <= now else "valid"


def _told(request: HttpRequest, row: MerchantKey, text: str, said: str) -> HttpResponse:
    return desk.render(request, "desk/key_told.html", title=row.name, key=row, text=text, said=said)


def _choices(form: KeyForm) -> dict[str, Any]:
    """Return the scopes as the page ticks them."""
    ticked = set(form["scopes"].value() or ())
    pairs = form.fields["scopes"].choices  # type: ignore[attr-defined]
    return {"scopes": [(name, text.partition(": ")[2], name in ticked) for name, text in pairs]}


def _status(form: forms.Form) -> int:
    return 400 if form.errors else 200
