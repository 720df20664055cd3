"""Orders in the merchant admin: found, acknowledged, sent in parcels, cancelled, given back, returned."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from catalog.models import StockMovement
from catalog.stock import Who
from commerce import errors, idempotency, money
from commerce.leafing import leaf
from commerce.merchantsite import Waiting, desk, member_of
from commerce.money import Money
from orders import fulfilment, queries, slips
from orders.aftersales import cancelling, refunding, returning
from orders.models import Cancellation, Order, Refund, Return, parcels_of

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
        choices=[("", "All"), *((name, words) for name, (words, _) in STATES.items())],
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


class ParcelForm(forms.Form):
    """A parcel, with units of the lines that are still to go out."""

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

    def __init__(self, *args: Any, order: Order, **options: Any) -> None:
        super().__init__(*args, **options)
        places = queries.origins_of(merchant_id=order.merchant_id)
        if places:
            self.fields["location"].choices = places  # type: ignore[attr-defined]  # a choice field's
        else:
            del self.fields["location"]
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
        if asked["status"]:
            rows = rows.filter(status=asked["status"])
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
            (row, STATES[row.status], _sum(row.amount, row), queries.contact_of(row)) for row in found.rows
        ],
        narrowed=any(form.data.get(name) for name in form.fields),
    )


@desk.screen("orders/<uuid:order_id>/", name="order", see="orders:read", change="orders:write")
def order(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Show an order with what may be done; record a parcel of it."""
    merchant_id = member_of(request).merchant_id
    row = queries.order_of(merchant_id=merchant_id, order_id=order_id)
    form = ParcelForm(request.POST if request.method == "POST" else None, order=row)
    if request.method == "POST" and form.is_valid():
        lines = form.packed()
        if not lines:
            form.add_error(None, "Say what is in the parcel.")
        else:
            label = fulfilment.Label(*(form.cleaned_data[name] for name in fulfilment.Label.__slots__))
            pack = partial(
                fulfilment.pack,
                lines=lines,
                label=label,
                location=form.cleaned_data.get("location") or None,
                by=Who(StockMovement.By.MEMBER, str(member_of(request).user)[:150]),
                now=timezone.now(),
            )
            try:
                _once(request, pack, merchant_id=merchant_id, order_id=order_id)
            except errors.Refusal as refusal:
                form.add_error(None, refusal.text)
            else:
                messages.success(request, "The parcel is recorded, and the buyer is told.")
                return HttpResponseRedirect(reverse("desk:order", args=[order_id]))
    returns = Return.objects.filter(merchant=merchant_id, order=row).prefetch_related("lines__line")
    return desk.render(
        request,
        "orders_desk/order.html",
        title=f"Order {row.reference}".strip(),
        status=400 if form.errors else 200,
        order=row,
        state=STATES[row.status],
        total=_sum(row.amount, row),
        lines=[(line, _sum(line.amount, row), _sum(line.refunded_amount, row)) for line in row.lines.all()],
        parcels=parcels_of(row),
        releases_at=_releases_at(row),
        contact=queries.contact_of(row),
        cancellation=Cancellation.objects.filter(order=row).first() if row.has_claims else None,
        returns=returns.order_by("-id"),
        form=form,
        can_send=row.status in (*TO_SEND, Order.Status.SHIPPING) and form.lines,
        can_cancel=row.status in TO_SEND,
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
    return Waiting(count, text, f"{reverse('desk:orders')}?status=open")


# --- what is done with one ---


@desk.screen(
    "orders/<uuid:order_id>/acknowledge/", name="order_acknowledge", see="orders:read", change="orders:write"
)
@require_POST
def acknowledge(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Say that the order is known, by the merchant's own number."""
    act = partial(fulfilment.acknowledge, reference=_words(request, "reference", 80), now=timezone.now())
    return _done(request, order_id, act, "Acknowledged.")


@desk.screen(
    "orders/<uuid:order_id>/deliver/<uuid:shipment_id>/",
    name="order_deliver",
    see="orders:read",
    change="orders:write",
)
@require_POST
def deliver(request: HttpRequest, order_id: UUID, shipment_id: UUID) -> HttpResponse:
    """Say that a parcel is there."""

    def act(*, merchant_id: UUID, order_id: UUID) -> object:
        return fulfilment.deliver(
            merchant_id=merchant_id, shipment_id=shipment_id, delivered_at=None, now=timezone.now()
        )

    return _done(request, order_id, act, "Delivered, and the buyer is told.")


@desk.screen("orders/<uuid:order_id>/cancel/", name="order_cancel", see="orders:read", change="orders:write")
@require_POST
def cancel(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Cancel what was not sent."""
    act = partial(
        cancelling.cancel_by_merchant,
        reason=_words(request, "reason", 200),
        restock="restock" in request.POST,
        actor=_actor(request),
        now=timezone.now(),
    )
    return _done(request, order_id, act, "Cancelled. The buyer gets her money back.")


@desk.screen("orders/<uuid:order_id>/keep/", name="order_keep", see="orders:read", change="orders:write")
@require_POST
def keep(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Do not cancel an order whose buyer asked for it."""
    act = partial(cancelling.refuse, answer=_words(request, "answer", 200), now=timezone.now())
    return _done(request, order_id, act, "The buyer reads your answer.")


@desk.screen("orders/<uuid:order_id>/refund/", name="order_refund", see="orders:read", change="refunds:write")
@require_POST
def refund(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Give back an amount."""

    def act(*, merchant_id: UUID, order_id: UUID) -> object:
        row = queries.order_of(merchant_id=merchant_id, order_id=order_id)
        return refunding.refund(
            merchant_id=merchant_id,
            order_id=order_id,
            reason=_words(request, "reason", 200) or "goodwill",
            actor=_actor(request),
            amount=_amount(_words(request, "amount", 20), row.currency),
            now=timezone.now(),
        )

    return _done(request, order_id, act, "The money goes back to the buyer.")


RETURNS: dict[str, Callable[..., Return]] = {
    "approve": returning.approve,
    "refuse": returning.refuse,
    "receive": returning.receive,
}


@desk.screen(
    "orders/<uuid:order_id>/returns/<uuid:return_id>/",
    name="order_return",
    see="orders:read",
    change="orders:write",
)
@require_POST
def answer_return(request: HttpRequest, order_id: UUID, return_id: UUID) -> HttpResponse:
    """Answer a buyer who wants to send goods back, or record that they are there."""
    verb = str(request.POST.get("verb", ""))
    if verb not in RETURNS:
        raise errors.NotFound
    words = {} if verb == "receive" else {"answer": _words(request, "answer", 500)}

    def act(*, merchant_id: UUID, order_id: UUID) -> object:
        return RETURNS[verb](
            merchant_id=merchant_id,
            return_id=return_id,
            actor=_actor(request),
            now=timezone.now(),
            **words,
        )

    return _done(request, order_id, act, "The buyer is told.")


@desk.screen(
    "orders/<uuid:order_id>/returns/<uuid:return_id>/refund/",
    name="order_return_refund",
    see="orders:read",
    change="refunds:write",
)
@require_POST
def refund_return(request: HttpRequest, order_id: UUID, return_id: UUID) -> HttpResponse:
    """Give the money back for a return."""

    def act(*, merchant_id: UUID, order_id: UUID) -> object:
        return returning.refund(
            merchant_id=merchant_id,
            return_id=return_id,
            restock="restock" in request.POST,
            amount=None,
            actor=_actor(request),
            now=timezone.now(),
        )

    return _done(request, order_id, act, "The money goes back to the buyer.")


def _done(request: HttpRequest, order_id: UUID, act: Callable[..., object], words: str) -> HttpResponse:
    """Do something with an order, and go back to its page, which says what came of it."""
    merchant_id = member_of(request).merchant_id
    queries.order_of(merchant_id=merchant_id, order_id=order_id)
    try:
        _once(request, act, merchant_id=merchant_id, order_id=order_id)
    except errors.NotFound:
        raise
    except errors.Refusal as refusal:
        messages.error(request, refusal.text)
    else:
        messages.success(request, words)
    return HttpResponseRedirect(reverse("desk:order", args=[order_id]))


def _once(request: HttpRequest, act: Callable[..., object], **of: UUID) -> None:
    """Do what a form asks once, however often its button is pressed."""

    def run() -> tuple[int, object]:
        act(**of)
        return 204, {}

    said = sorted(
        (name, request.POST.getlist(name)) for name in request.POST if name != "csrfmiddlewaretoken"
    )
    idempotency.once(
        caller=f"member:{member_of(request).user_id}",
        key=_words(request, "key", 36) or str(uuid4()),
        fingerprint=idempotency.fingerprint(request.path.encode(), repr(said).encode()),
        run=run,
    )


def _releases_at(row: Order) -> datetime | None:
    """Return when what was ordered ahead may go out; None for what may go out now."""
    told = (line.release_at for line in row.lines.all() if line.release_at is not None)
    return max((moment for moment in told if moment > timezone.now()), default=None)


def _actor(request: HttpRequest) -> refunding.Actor:
    return refunding.Actor(Refund.By.MERCHANT, member_of(request).user_id)


def _words(request: HttpRequest, name: str, most: int) -> str:
    return str(request.POST.get(name, "")).replace("\0", "").strip()[:most]


def _sum(amount: int, row: Order) -> dict[str, Any]:
    return Money(amount, row.currency).as_dict()


def _amount(text: str, currency: str) -> Money:
    try:
        return money.parse(text, currency)
    except ValueError as error:
        raise errors.Invalid("Write an amount such as 9.99.") from error
