"""Locations: where a merchant's goods lie, named, changed, closed."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Q, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from catalog import queries
from catalog.serializers.places import location as body
from catalog.shelf import locations
from commerce import countries, errors
from commerce.leafing import leaf
from commerce.merchantsite import desk, member_of

_COUNTRIES = [("", "–"), *((code, code) for code in sorted(countries.CODES))]


class PlaceForm(forms.Form):
    """What a location is called, and where it is."""

    name = forms.CharField(
        max_length=255, widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Warehouse Berlin"})
    )
    address = forms.CharField(
        max_length=1_000, required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )
    country = forms.ChoiceField(choices=_COUNTRIES, required=False, widget=UnfoldAdminSelectWidget)


class NewPlaceForm(PlaceForm):
    """A location that is named for the first time."""

    code = forms.CharField(
        max_length=50,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "berlin"}),
        help_text="Your own id of it, for your systems. It stays.",
    )
    field_order = ("name", "code", "address", "country")


class KnownPlaceForm(PlaceForm):
    """What can change of a location."""

    is_active = forms.BooleanField(
        label="Open",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Closed, nothing can come to it. Nothing may lie there then.",
    )


@desk.screen("locations/", name="places", see="catalog:read", change="stock:write")
def listed(request: HttpRequest) -> HttpResponse:
    """List locations with what lies there; name another one."""
    merchant_id = member_of(request).merchant_id
    form = NewPlaceForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            locations.create(merchant_id=merchant_id, now=timezone.now(), **form.cleaned_data)
        except errors.Refusal as refusal:
            form.add_error("code", refusal.text)
        else:
            messages.success(request, "Named. Move goods to it, or say what lies there.")
            return HttpResponseRedirect(reverse("desk:places"))
    rows = queries.locations(merchant_id=merchant_id).annotate(
        units=Sum("stock__on_hand", filter=Q(stock__on_hand__gt=0))
    )
    found = leaf(request, rows)
    return desk.render(
        request,
        "catalog_desk/places.html",
        title="Locations",
        status=400 if form.errors else 200,
        form=form,
        leaf=found,
        rows=found.rows,
        most=locations.MAX_LOCATIONS,
    )


@desk.screen("locations/<uuid:location_id>/", name="place", see="catalog:read", change="stock:write")
def one(request: HttpRequest, location_id: UUID) -> HttpResponse:
    """Show a location; change or close it."""
    merchant_id = member_of(request).merchant_id
    row = queries.locations(merchant_id=merchant_id).filter(pk=location_id).first()
    if row is None:
        raise locations.NoLocation
    form = KnownPlaceForm(request.POST if request.method == "POST" else None, initial=body(row))
    if row.is_main:
        del form.fields["is_active"]
    if request.method == "POST" and form.is_valid():
        changes: dict[str, Any] = form.cleaned_data
        try:
            locations.change(
                merchant_id=merchant_id, location_id=location_id, changes=changes, now=timezone.now()
            )
        except errors.NotFound:
            raise
        except errors.Refusal as refusal:
            form.add_error("is_active" if "is_active" in form.fields else None, refusal.text)
        else:
            messages.success(request, "Saved.")
            return HttpResponseRedirect(reverse("desk:place", args=[location_id]))
    return desk.render(
        request,
        "catalog_desk/place.html",
        title=row.name,
        status=400 if form.errors else 200,
        place=row,
        form=form,
    )
