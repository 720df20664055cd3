"""Announced prices: what comes when, for good or for a while, announced and called off."""

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from unfold.widgets import UnfoldAdminTextInputWidget

from catalog import bodies, queries
from catalog.models import PriceSchedule
from catalog.pricing import floors, prices, schedules
from commerce import deskforms, errors, money
from commerce.leafing import leaf
from commerce.merchantsite import desk, member_of
from commerce.money import Money
from commerce.ownclock import OwnTimeField

STATES = {
    "upcoming": ("To come", "scheduled"),
    "running": ("Running", "good"),
    "done": ("Over", ""),
    "failed": ("Did not come", "bad"),
    "cancelled": ("Called off", ""),
}
OPEN = ("upcoming", "running")
_AMOUNT = {"inputmode": "decimal", "autocomplete": "off"}


class AnnounceForm(forms.Form):
    """What a variant shall cost from a moment on."""

    amount = forms.CharField(label="Price", max_length=20, widget=UnfoldAdminTextInputWidget(attrs=_AMOUNT))
    compare_at = forms.CharField(
        label="Struck through",
        max_length=20,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs=_AMOUNT),
        help_text="Your own comparison price, above the price.",
    )
    starts_at = OwnTimeField(label="From", required=False, help_text="In UTC. Empty: from now on.")
    ends_at = OwnTimeField(
        label="Until",
        required=False,
        help_text="In UTC. Then the price before comes back. Empty: for good.",
    )

    def __init__(self, *args: Any, currency: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.currency = currency
        self.fields["amount"].help_text = f"In {currency}."

    def clean_amount(self) -> int:
        """Return minor units."""
        return self._read("amount")

    def clean_compare_at(self) -> int | None:
        """Return minor units, None for none."""
        return self._read("compare_at") if self.cleaned_data["compare_at"] else None

    def clean(self) -> dict[str, Any]:
        """Refuse a price that was there before."""
        given = super().clean() or {}
        if not self.errors and not given["starts_at"] and not given["ends_at"]:
            raise forms.ValidationError(
                "Say from when, or until when. To change the price now, set it on the product's page."
            )
        return given

    def plan(self) -> schedules.Plan:
        """Return what was written."""
        given = self.cleaned_data
        quote = prices.Quote(given["amount"], given["compare_at"], self.currency)
        return schedules.Plan(quote, given["starts_at"], given["ends_at"])

    def _read(self, name: str) -> int:
        try:
            return money.written(self.cleaned_data[name], self.currency).amount
        except ValueError:
            raise forms.ValidationError("Write it as in 19.90.") from None


@desk.screen("prices/", name="announced", see="catalog:read")
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """List announced prices, newest first, in a state."""
    state = request.GET.get("status", "")
    rows = queries.price_schedules(merchant_id=member_of(request).merchant_id)
    if state in STATES:
        rows = rows.filter(status=state)
    found = leaf(request, rows.select_related("variant__product"))
    return desk.render(
        request,
        "catalog_desk/announced.html",
        title="Announced prices",
        leaf=found,
        rows=[_shown(row) for row in found.rows],
        state=state,
        states=[(name, text) for name, (text, _) in STATES.items()],
        names=True,
    )


@desk.screen(
    "variants/<uuid:variant_id>/prices/", name="variant_prices", see="catalog:read", change="catalog:write"
)
def of_variant(request: HttpRequest, variant_id: UUID) -> HttpResponse:
    """Show what a variant costs, will cost and did cost; announce a price."""
    merchant = member_of(request).merchant
    row = queries.variant(merchant_id=merchant.pk, variant_id=variant_id)
    now_price = bodies.variant(row, row.product)["price"]
    currency = now_price["currency"] if now_price else merchant.currency
    form = AnnounceForm(request.POST if request.method == "POST" else None, currency=currency)
    here = HttpResponseRedirect(reverse("desk:variant_prices", args=[variant_id]))
    if request.method == "POST" and form.is_valid():
        try:
            made = schedules.make(
                merchant_id=merchant.pk, variant_id=variant_id, plan=form.plan(), now=timezone.now()
            )
        except errors.NotFound:
            raise
        except errors.Refusal as refusal:
            form.add_error("amount" if isinstance(refusal, _OF_AMOUNT) else None, refusal.text)
        else:
            told = "Announced." if made.is_new else "This was announced already."
            messages.success(request, told)
            return here
    rows = queries.price_schedules(merchant_id=merchant.pk).filter(variant_id=variant_id)
    found = leaf(request, rows)
    floor = floors.of([variant_id]).get(variant_id)
    return desk.render(
        request,
        "catalog_desk/variant_prices.html",
        title=str(row),
        status=400 if form.errors else 200,
        variant=row,
        price=now_price,
        floor=floor and Money(floor.amount, floor.currency).as_dict(),
        form=form,
        leaf=found,
        rows=[_shown(each) for each in found.rows],
        history=[
            (each, Money(each.amount, each.currency).as_dict())
            for each in queries.price_history(merchant_id=merchant.pk, variant_id=variant_id)
        ],
        key=uuid4(),
    )


@desk.screen(
    "variants/<uuid:variant_id>/prices/<uuid:schedule_id>/call-off/",
    name="price_call_off",
    see="catalog:read",
    change="catalog:write",
)
@require_POST
def call_off(request: HttpRequest, variant_id: UUID, schedule_id: UUID) -> HttpResponse:
    """Call an announced price off."""
    return deskforms.done(
        request,
        schedules.cancel,
        "Called off.",
        reverse("desk:variant_prices", args=[variant_id]),
        merchant_id=member_of(request).merchant_id,
        variant_id=variant_id,
        schedule_id=schedule_id,
        now=timezone.now(),
    )


_OF_AMOUNT = (prices.BadPrice, prices.PriceNotPayable, floors.PriceBelowFloor)


def _shown(row: PriceSchedule) -> dict[str, Any]:
    return {
        "row": row,
        "state": STATES[row.status],
        "price": Money(row.amount, row.currency).as_dict(),
        "was": Money(row.compare_at, row.currency).as_dict() if row.compare_at else None,
        "why": row.get_reason_display() if row.reason else "",
        "is_open": row.status in OPEN,
    }
