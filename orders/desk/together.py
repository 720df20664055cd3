"""One buyer's orders in one parcel: who has several to one address, and sending those that are ticked."""

from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from commerce import deskforms, errors, idempotency
from commerce.leafing import leaf
from commerce.merchantsite import desk, member_of
from orders import combining, fulfilment, queries
from orders.desk import doing
from orders.desk.orders import LabelForm
from orders.models import Order


class TogetherForm(LabelForm):
    """A parcel with all that is left of some of a buyer's orders."""

    def __init__(self, *args: Any, orders: list[Order], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["orders"] = forms.TypedMultipleChoiceField(
            choices=[(str(order.pk), str(order.pk)) for order in orders],
            coerce=UUID,
            initial=[str(order.pk) for order in orders],
            error_messages={"required": "Tick the orders that go into the parcel."},
        )


@desk.screen("together/", name="together", see="orders:read")
@require_safe
def groups(request: HttpRequest) -> HttpResponse:
    """List buyers with several orders that can go in one parcel, of a show if one is named."""
    merchant_id = member_of(request).merchant_id
    shows = combining.shows(merchant_id=merchant_id)
    asked = request.GET.get("show", "")
    show = asked if asked in dict(shows) else None
    found = leaf(request, combining.groups(merchant_id=merchant_id, stream=show))
    filled = combining.fill(found.rows, stream=show)
    prefetch_related_objects([order for each in filled for order in each], "lines")
    return desk.render(
        request,
        "orders_desk/together.html",
        title="Together in one parcel",
        leaf=found,
        rows=[(each[0], queries.contact_of(each[0]), each) for each in filled if each],
        shows=shows,
        show=show or "",
    )


@desk.screen("together/<uuid:order_id>/", name="together_send", see="orders:read", change="orders:write")
def send(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Show what can go out with an order; record one parcel with what is ticked."""
    merchant_id = member_of(request).merchant_id
    order = queries.order_of(merchant_id=merchant_id, order_id=order_id)
    here = reverse("desk:order", args=[order_id])
    if request.method == "POST" and deskforms.was_done(request):
        messages.info(request, "This parcel was recorded already.")
        return HttpResponseRedirect(here)
    rows = combining.beside(order)
    form = TogetherForm(
        request.POST if request.method == "POST" else None, merchant_id=merchant_id, orders=rows
    )
    if request.method == "POST" and form.is_valid():
        act = partial(
            fulfilment.send,
            order_ids=form.cleaned_data["orders"],
            lines=(),
            label=form.label(),
            location=form.origin(),
            by=doing.mover(request),
            now=timezone.now(),
        )
        try:
            deskforms.once(request, act, merchant_id=merchant_id)
        except idempotency.InProgress:
            messages.info(request, deskforms.UNDER_WAY)
            return HttpResponseRedirect(here)
        except errors.Refusal as refusal:
            form.add_error(None, deskforms.words_of(refusal))
        else:
            messages.success(request, "The parcel is recorded, and the buyer is told.")
            return HttpResponseRedirect(here)
    ticked = {str(each) for each in form["orders"].value() or ()}
    return desk.render(
        request,
        "orders_desk/together_send.html",
        title="One parcel",
        status=400 if form.errors else 200,
        order=order,
        contact=queries.contact_of(order),
        rows=[(each, str(each.pk) in ticked) for each in rows],
        form=form,
        key=uuid4(),
    )
