"""Operations screens of what follows a sale: giving money back, returns, cancellations, disputes."""

from typing import Any, cast
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from commerce import columns, errors, idempotency, money, screens
from commerce.models import User
from commerce.money import Money
from orders.aftersales import refunding
from orders.models import (
    Cancellation,
    Order,
    OrderLine,
    Refund,
    RefundLine,
    Return,
    ReturnLine,
    ReturnMove,
)
from orders.settling import refunds


class RefundForm(forms.Form):
    """Units, an amount, both, or neither: then all that is left."""

    def __init__(self, *args: Any, order: Order, **options: Any) -> None:
        super().__init__(*args, **options)
        self.order = order
        self.lines = list(OrderLine.objects.filter(order=order).order_by("id"))
        for line in self.lines:
            left = line.quantity - line.refunded_quantity
            self.fields[f"units-{line.id}"] = forms.IntegerField(
                label=f"Units of {line.title}",
                min_value=0,
                max_value=left,
                initial=0,
                required=False,
                help_text=f"{left} of {line.quantity} at {Money(line.unit_amount, line.currency)};"
                f" back so far: {Money(line.refunded_amount, line.currency)}",
                widget=UnfoldAdminIntegerFieldWidget,
            )
        self.fields["amount"] = forms.CharField(
            required=False,
            help_text=f"In {order.currency}, such as 9.99. Empty: what the units cost.",
            widget=UnfoldAdminTextInputWidget,
        )
        self.fields["restock"] = forms.BooleanField(
            required=False, label="Put the units on sale again", widget=UnfoldBooleanSwitchWidget
        )
        self.fields["reason"] = forms.CharField(
            max_length=200, widget=UnfoldAdminTextInputWidget, help_text="The buyer and the merchant see it."
        )
        self.fields["key"] = forms.UUIDField(required=False, initial=uuid4, widget=forms.HiddenInput)

    def clean_amount(self) -> Money | None:
        """Return the amount, None when it is left empty."""
        text = self.cleaned_data["amount"].strip()
        if not text:
            return None
        try:
            found = money.parse(text, self.order.currency)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        if found.amount <= 0:
            raise forms.ValidationError("More than nothing.")
        return found

    def wanted(self) -> list[refunding.Wanted]:
        """Return the units that were asked for."""
        given = {line.id: self.cleaned_data.get(f"units-{line.id}") or 0 for line in self.lines}
        return [refunding.Wanted(line_id, units) for line_id, units in given.items() if units]


def _give_back_once(form: RefundForm, operator: User) -> idempotency.Answer:
    asked, order, lines = form.cleaned_data, form.order, form.wanted()

    def refund() -> tuple[int, object]:
        made = refunding.refund(
            merchant_id=order.merchant_id,
            order_id=order.id,
            reason=asked["reason"],
            actor=refunding.Actor(Refund.By.OPERATOR, operator.id),
            now=timezone.now(),
            lines=lines,
            amount=asked["amount"],
            restock=asked["restock"],
        )
        return 200, str(Money(made.amount, made.currency))

    facts = repr((order.id, lines, asked["amount"], asked["restock"], asked["reason"]))
    return idempotency.once(
        caller=f"operator:{operator.id}",
        key=str(asked["key"] or uuid4()),
        fingerprint=idempotency.fingerprint(facts.encode()),
        run=refund,
    )


def found(screen: Any, request: HttpRequest, object_id: str) -> Any:
    """Return the row of a screen; raises Http404, also for what is no id."""
    row = screen.get_object(request, object_id)
    if row is None:
        raise Http404
    return row


class RefundAction:
    """Lets operators give money back for an order, on its screen."""

    actions_detail = ("give_back",)

    @action(description="Give money back", url_path="give-back", permissions=["give_back"])  # type: ignore[untyped-decorator]
    def give_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask how much and why, and have it done; once, however often the button is pressed."""
        order = found(self, request, object_id)
        form = RefundForm(request.POST or None, order=order)
        if request.method == "POST" and form.is_valid():
            try:
                answer = _give_back_once(form, cast(User, request.user))
            except idempotency.IdempotencyMismatch:
                form.add_error(None, "This form was sent before. Open it anew to give more back.")
            except errors.Refusal as refusal:
                form.add_error(None, refusal.text)
            else:
                messages.success(request, f"{answer.reply} go back to the buyer.")
                return redirect(reverse("admin:orders_order_change", args=[object_id]))
        left = refunding.left_of(order, form.lines, refunds.lost_to_banks(order.purchase_id))
        context = {
            **cast(Any, self).admin_site.each_context(request),
            "title": "Give money back",
            "form": form,
            "order": order,
            "left": str(Money(left, order.currency)),
            "back": reverse("admin:orders_order_change", args=[object_id]),
        }
        return render(request, "orders/admin_refund.html", context)

    def has_give_back_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Money is given back by those who may add refunds."""
        return bool(request.user.has_perm("orders.add_refund"))


class Screen(columns.InMoney, screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """A read-only list with pages."""

    list_per_page = 50
    show_full_result_count = False


class Rows(screens.ReadOnly, TabularInline):  # type: ignore[misc]
    """Read-only rows inside another screen."""

    extra = 0
    tab = True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return tuple(self.fields)


class RefundLineInline(Rows):
    model = RefundLine
    fields = (
        *("line", "quantity", columns.money("amount", currency="line__currency")),
        columns.money("host_amount", currency="line__currency"),
        *(columns.money("platform_amount", currency="line__currency"), "restocked"),
    )


class ReturnLineInline(Rows):
    model = ReturnLine
    fields = ("line", "quantity")


class ReturnMoveInline(Rows):
    model = ReturnMove
    fields = ("at", "old", "new", "by", "person")


@admin.register(Return)
class ReturnAdmin(Screen):
    """Goods on their way back. Merchants decide."""

    list_display = (
        *(columns.ident, "created_at", "merchant", columns.link("order")),
        columns.state(good="refunded", bad="refused lapsed", waits="asked approved received"),
        *("reason", columns.link("refund"), "updated_at"),
    )
    list_filter = ("status", "reason", "merchant")
    list_select_related = ("merchant", "order", "refund")
    search_fields = ("=id", "=order__id", "=order__purchase__id")
    ordering = ("-id",)
    inlines = (ReturnLineInline, ReturnMoveInline)


@admin.register(Cancellation)
class CancellationAdmin(Screen):
    """Wishes to cancel after the buyer's own time for it. Merchants decide."""

    list_display = (
        *(columns.link("order"), "merchant"),
        columns.state(good="granted", bad="refused", waits="asked"),
        *("reason", "asked_at", "decided_at"),
    )
    list_filter = ("status", "merchant")
    list_select_related = ("merchant", "order")
    ordering = ("-asked_at",)
