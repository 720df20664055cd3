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

from commerce import errors, gateway, idempotency, money, screens
from commerce.models import User
from commerce.money import Money
from orders.aftersales import disputes, evidence, refunding
from orders.models import (
    Cancellation,
    Dispute,
    DisputeLine,
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


def _found(screen: Any, request: HttpRequest, object_id: str) -> Any:
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
        order = _found(self, request, object_id)
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


class _Screen(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_per_page = 50
    show_full_result_count = False


class _Rows(screens.ReadOnly, TabularInline):  # type: ignore[misc]
    extra = 0
    tab = True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return tuple(self.fields)


class RefundLineInline(_Rows):
    model = RefundLine
    fields = ("line", "quantity", "amount", "host_amount", "platform_amount", "restocked")


class ReturnLineInline(_Rows):
    model = ReturnLine
    fields = ("line", "quantity")


class ReturnMoveInline(_Rows):
    model = ReturnMove
    fields = ("at", "old", "new", "by", "person")


class DisputeLineInline(_Rows):
    model = DisputeLine
    fields = ("line", "amount", "host_amount", "platform_amount")


@admin.register(Return)
class ReturnAdmin(_Screen):
    """Goods on their way back. Merchants decide."""

    list_display = ("id", "created_at", "merchant", "order", "status", "reason", "updated_at")
    list_filter = ("status", "reason", "merchant")
    list_select_related = ("merchant", "order")
    search_fields = ("=id", "=order__id", "=order__purchase__id")
    ordering = ("-id",)
    inlines = (ReturnLineInline, ReturnMoveInline)


@admin.register(Cancellation)
class CancellationAdmin(_Screen):
    """Wishes to cancel after the buyer's own time for it. Merchants decide."""

    list_display = ("order", "merchant", "status", "reason", "asked_at", "decided_at")
    list_filter = ("status", "merchant")
    list_select_related = ("merchant", "order")
    ordering = ("-asked_at",)


@admin.register(Dispute)
class DisputeAdmin(_Screen):
    """What buyers' banks want back, with the evidence that speaks against it."""

    list_display = ("provider_id", "created_at", "total", "reason", "status", "due_at", "submitted_at")
    list_filter = ("status", "reason", "currency")
    list_select_related = ("payment",)
    search_fields = ("=provider_id", "=payment__id", "=payment__charge_id", "=payment__purchase__id")
    ordering = ("-id",)
    inlines = (DisputeLineInline,)
    actions_detail = ("evidence_text", "evidence_json", "send_evidence")

    @admin.display(description="amount", ordering="amount")
    def total(self, row: Dispute) -> str:
        """Write minor units as money."""
        return str(Money(row.amount, row.currency))

    @action(description="Evidence as text", url_path="evidence.txt", permissions=["evidence"])  # type: ignore[untyped-decorator]
    def evidence_text(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give the evidence in words."""
        row: Dispute = _found(self, request, object_id)
        text = evidence.text(evidence.bundle(row))
        name = {"Content-Disposition": f'attachment; filename="{row.provider_id}.txt"'}
        return HttpResponse(text, content_type="text/plain; charset=utf-8", headers=name)

    @action(description="Evidence as JSON", url_path="evidence.json", permissions=["evidence"])  # type: ignore[untyped-decorator]
    def evidence_json(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give the evidence with all that is known."""
        row: Dispute = _found(self, request, object_id)
        body = evidence.as_json(evidence.bundle(row))
        name = {"Content-Disposition": f'attachment; filename="{row.provider_id}.json"'}
        return HttpResponse(body, content_type="application/json", headers=name)

    @action(description="Send the evidence to the bank", url_path="send-evidence", permissions=["evidence"])  # type: ignore[untyped-decorator]
    def send_evidence(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask once more, as it can be done once, and send it."""
        row: Dispute = _found(self, request, object_id)
        back = reverse("admin:orders_dispute_change", args=[object_id])
        if request.method == "POST":
            try:
                disputes.submit(dispute_id=row.id, by_id=cast(User, request.user).id, now=timezone.now())
            except errors.Refusal as refusal:
                messages.error(request, refusal.text)
            except gateway.Refused as refused:
                messages.error(request, f"The payment provider does not take it: {refused}")
            else:
                messages.success(request, "The evidence was sent.")
            return redirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Evidence for {row.provider_id}",
            "text": evidence.text(evidence.bundle(row)),
            "back": back,
        }
        return render(request, "orders/admin_evidence.html", context)

    def has_evidence_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Evidence names the buyer: it is for those who may answer disputes."""
        return bool(request.user.has_perm("orders.change_dispute"))
