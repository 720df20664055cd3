"""Orders: found, one with all that became of it, and parcels of it recorded."""

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from commerce import deskforms, errors, idempotency
from commerce.leafing import leaf
from commerce.merchantsite import Waiting, desk, member_of
from orders import combining, fulfilment, queries, slips
from orders.aftersales import refunding
from orders.desk import doing, returns
from orders.models import Cancellation, Dispute, Order, Return, parcels_of

STATES = {
    "open": ("To be sent", "scheduled"),
    "shipping": ("Being charged", "scheduled"),
    "partly_shipped": ("Sent in part", "scheduled"),
    "shipped": ("Sent", "good"),
    "delivered": ("Delivered", "good"),
    "cancelled": ("Cancelled", "bad"),
}
TO_SEND = (Order.Status.OPEN, Order.Status.PARTLY_SHIPPED)


class FindForm(forms.Form):
    """Which orders are shown."""

    status = forms.ChoiceField(
        label="State",
        required=False,
        choices=[
            ("", "All"),
            ("to_send", "Something is to be sent"),
            *((name, words) for name, (words, _) in STATES.items()),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    cancellation = forms.ChoiceField(
        label="Asked to cancel",
        required=False,
        choices=[("", "All"), ("asked", "Waits for an answer")],
        widget=UnfoldAdminSelectWidget,
    )
    acknowledged = forms.ChoiceField(
        required=False,
        choices=[("", "All"), ("true", "Yes"), ("false", "Not yet")],
        widget=UnfoldAdminSelectWidget,
    )
    q = forms.CharField(
        label="Number",
        required=False,
        max_length=255,
        widget=UnfoldAdminTextInputWidget,
        help_text="Of an order or a purchase, your own, or a parcel's.",
    )


class LabelForm(forms.Form):
    """Who carries a parcel, and how it is followed."""

    carrier = forms.CharField(max_length=80, widget=UnfoldAdminTextInputWidget)
    tracking_number = forms.CharField(required=False, max_length=120, widget=UnfoldAdminTextInputWidget)
    tracking_url = forms.URLField(
        label="Tracking page",
        required=False,
        max_length=500,
        assume_scheme="https",
        widget=UnfoldAdminTextInputWidget,
    )
    location = forms.ChoiceField(
        label="Sent from",
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="What is in it lies there no more.",
    )

    def __init__(self, *args: Any, merchant_id: UUID, **options: Any) -> None:
        super().__init__(*args, **options)
        places = queries.origins_of(merchant_id=merchant_id)
        if places:
            self.fields["location"].choices = places  # type: ignore[attr-defined]  # a choice field's
        else:
            del self.fields["location"]

    def origin(self) -> str | None:
        """Return the code of the location that the parcel leaves; None for none named."""
        return self.cleaned_data.get("location") or None

    def label(self) -> fulfilment.Label:
        """Return what was written."""
        return fulfilment.Label(*(self.cleaned_data[name] for name in fulfilment.Label.__slots__))


class ParcelForm(LabelForm):
    """A parcel, with units of the lines that are still to go out."""

    def __init__(self, *args: Any, order: Order, **options: Any) -> None:
        super().__init__(*args, merchant_id=order.merchant_id, **options)
        self.lines = [line for line in order.lines.all() if line.to_ship]
        for line in self.lines:
            self.fields[f"units-{line.id}"] = forms.IntegerField(
                label=f"{line.title} {line.sku}".strip(),
                min_value=0,
                max_value=line.to_ship,
                initial=line.to_ship,
                widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric"}),
                help_text=f"{line.to_ship} of {line.quantity} to be sent.",
            )

    def packed(self) -> list[fulfilment.Packed]:
        """Return the units that go into the parcel."""
        units = [(line.id, self.cleaned_data[f"units-{line.id}"]) for line in self.lines]
        return [fulfilment.Packed(line_id, count) for line_id, count in units if count]


@desk.screen("orders/", name="orders", see="orders:read")
@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    """List orders, newest first."""
    merchant_id = member_of(request).merchant_id
    form = FindForm(request.GET)
    rows = queries.orders_of(merchant_id=merchant_id)
    if form.is_valid():
        asked = form.cleaned_data
        if asked["status"] == "to_send":
            rows = rows.filter(status__in=TO_SEND)
        elif asked["status"]:
            rows = rows.filter(status=asked["status"])
        if asked["cancellation"]:
            rows = rows.filter(has_claims=True, cancellation__status=asked["cancellation"])
        if asked["acknowledged"]:
            rows = rows.filter(acknowledged_at__isnull=asked["acknowledged"] == "false")
        if asked["q"]:
            rows = queries.by_number(rows, merchant_id=merchant_id, text=asked["q"].strip())
    else:
        rows = rows.none()
    found = leaf(request, rows)
    return desk.render(
        request,
        "orders_desk/orders.html",
        title="Orders",
        status=200 if form.is_valid() else 400,
        form=form,
        leaf=found,
        rows=[
            (row, STATES[row.status], doing.sum_of(row.amount, row.currency), queries.contact_of(row))
            for row in found.rows
        ],
        narrowed=any(form.data.get(name) for name in form.fields),
    )


@desk.screen("orders/<uuid:order_id>/", name="order", see="orders:read", change="orders:write")
def order(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Show an order with what may be done; record a parcel of it."""
    merchant_id = member_of(request).merchant_id
    row = queries.order_of(merchant_id=merchant_id, order_id=order_id)
    if request.method == "POST" and deskforms.was_done(request):
        messages.info(request, "This parcel was recorded already.")
        return HttpResponseRedirect(reverse("desk:order", args=[order_id]))
    form = ParcelForm(request.POST if request.method == "POST" else None, order=row)
    if request.method == "POST" and form.is_valid():
        lines = form.packed()
        if not form.lines:
            messages.error(request, "Nothing of this order is left to be sent.")
            return HttpResponseRedirect(reverse("desk:order", args=[order_id]))
        if not lines:
            form.add_error(None, "Say what is in the parcel.")
        else:
            pack = partial(
                fulfilment.pack,
                lines=lines,
                label=form.label(),
                location=form.origin(),
                by=doing.mover(request),
                now=timezone.now(),
            )
            try:
                deskforms.once(request, pack, merchant_id=merchant_id, order_id=order_id)
            except idempotency.InProgress:
                messages.info(request, deskforms.UNDER_WAY)
                return HttpResponseRedirect(reverse("desk:order", args=[order_id]))
            except errors.Refusal as refusal:
                form.add_error(None, deskforms.words_of(refusal))
            else:
                messages.success(request, "The parcel is recorded, and the buyer is told.")
                return HttpResponseRedirect(reverse("desk:order", args=[order_id]))
    backs = (
        Return.objects.filter(merchant=merchant_id, order=row).prefetch_related("lines__line").order_by("-id")
    )
    can_send = row.status in (*TO_SEND, Order.Status.SHIPPING) and bool(form.lines)
    return desk.render(
        request,
        "orders_desk/order.html",
        title=f"Order {row.reference}".strip(),
        status=400 if form.errors else 200,
        order=row,
        state=STATES[row.status],
        total=doing.sum_of(row.amount, row.currency),
        lines=[
            (line, doing.sum_of(line.amount, row.currency), doing.sum_of(line.refunded_amount, row.currency))
            for line in row.lines.all()
        ],
        parcels=parcels_of(row),
        releases_at=_releases_at(row),
        contact=queries.contact_of(row),
        cancellation=Cancellation.objects.filter(order=row).first() if row.has_claims else None,
        returns=[(each, returns.STATES[each.status]) for each in backs],
        disputes=Dispute.objects.filter(payment__purchase=row.purchase_id).order_by("-id"),
        beside=max(0, len(combining.beside(row)) - 1) if can_send else 0,
        form=form,
        can_send=can_send,
        can_cancel=row.status in TO_SEND,
        left=(left := refunding.left_of(row, list(row.lines.all()), {})) and doing.sum_of(left, row.currency),
        key=uuid4(),
    )


@desk.screen("orders/<uuid:order_id>/packing-slip.pdf", name="order_slip", see="orders:read")
@require_safe
def order_slip(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Show the packing slip of what is to go out."""
    try:
        content = slips.of_order(merchant_id=member_of(request).merchant_id, order_id=order_id)
    except fulfilment.NotPaid as refusal:
        messages.error(request, refusal.text)
        return HttpResponseRedirect(reverse("desk:order", args=[order_id]))
    return HttpResponse(content, content_type="application/pdf")


@desk.screen("parcels/<uuid:shipment_id>/packing-slip.pdf", name="parcel_slip", see="orders:read")
@require_safe
def parcel_slip(request: HttpRequest, shipment_id: UUID) -> HttpResponse:
    """Show the packing slip of a parcel."""
    content = slips.of_shipment(merchant_id=member_of(request).merchant_id, shipment_id=shipment_id)
    return HttpResponse(content, content_type="application/pdf")


def waiting(merchant_id: UUID) -> Waiting | None:
    """Return how many of the merchant's orders are to be sent."""
    count = Order.objects.filter(merchant=merchant_id, status__in=TO_SEND).count()
    text = "order to be sent" if count == 1 else "orders to be sent"
    return Waiting(count, text, f"{reverse('desk:orders')}?status=to_send")


def unwanted(merchant_id: UUID) -> Waiting | None:
    """Return how many buyers have asked to cancel and wait for an answer."""
    rows = queries.orders_of(merchant_id=merchant_id)
    count = rows.filter(has_claims=True, cancellation__status=Cancellation.Status.ASKED).count()
    text = "buyer asks to cancel" if count == 1 else "buyers ask to cancel"
    return Waiting(count, text, f"{reverse('desk:orders')}?cancellation=asked")


def _releases_at(row: Order) -> datetime | None:
    """Return when what was ordered ahead may go out; None for what may go out now."""
    told = (line.release_at for line in row.lines.all() if line.release_at is not None)
    return max((moment for moment in told if moment > timezone.now()), default=None)
