"""Operations screen of disputes: what a bank took and gave back, and the evidence that answers it."""

from typing import cast

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import action, display

from commerce import columns, errors, gateway
from commerce.models import User
from commerce.money import Money
from orders.aftersales import disputes, endings, evidence
from orders.aftersales.admin import Rows, Screen, found
from orders.models import Dispute, DisputeLine, ShippingBack


class DisputeLineInline(Rows):
    """What the bank has of goods, and who bears it."""

    model = DisputeLine
    fields = (
        *("line", columns.money("amount", currency="line__currency")),
        columns.money("host_amount", currency="line__currency"),
        columns.money("platform_amount", currency="line__currency"),
    )


class ShippingInline(Rows):
    """What the bank has of shipping, which its merchant bears."""

    model = ShippingBack
    fields = (
        *(columns.link("order"), columns.money("amount", currency="order__currency")),
        columns.money("tax_amount", currency="order__currency"),
    )


@admin.register(Dispute)
class DisputeAdmin(Screen):
    """What buyers' banks want back, with the evidence that speaks against it."""

    list_display = (
        *("provider_id", "created_at", columns.money("withdrawn_amount", description="Taken"), "back"),
        *("outcome", "reason", columns.link("payment"), "due_at"),
    )
    list_filter = ("status", "reason", "currency", "created_at")
    also_shown = ("outcome", columns.link("payment__purchase"), columns.ledger("provider_id"))
    list_select_related = ("payment",)
    search_fields = ("=provider_id", "=payment__id", "=payment__charge_id", "=payment__purchase__id")
    ordering = ("-id",)
    inlines = (DisputeLineInline, ShippingInline)
    actions_detail = ("evidence_text", "evidence_json", "send_evidence")

    @admin.display(description="Given back", ordering="reinstated_amount")
    def back(self, row: Dispute) -> str:
        """Write what the bank gave back, if anything."""
        return str(Money(row.reinstated_amount, row.currency)) if row.reinstated_amount else "-"

    @display(  # type: ignore[untyped-decorator]
        description="State",
        ordering="status",
        label={
            **dict.fromkeys(("won", "inquiry closed"), "success"),
            **dict.fromkeys(("lost", "lost in part"), "danger"),
            **dict.fromkeys(("answer it", "answer the inquiry"), "warning"),
        },
    )
    def outcome(self, row: Dispute) -> str:
        """Say how it stands, and what has to be done."""
        return endings.words(row)

    @action(description="Evidence as text", url_path="evidence.txt", permissions=["evidence"])  # type: ignore[untyped-decorator]
    def evidence_text(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give the evidence in words."""
        row: Dispute = found(self, request, object_id)
        text = evidence.text(evidence.bundle(row))
        name = {"Content-Disposition": f'attachment; filename="{row.provider_id}.txt"'}
        return HttpResponse(text, content_type="text/plain; charset=utf-8", headers=name)

    @action(description="Evidence as JSON", url_path="evidence.json", permissions=["evidence"])  # type: ignore[untyped-decorator]
    def evidence_json(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give the evidence with all that is known."""
        row: Dispute = found(self, request, object_id)
        body = evidence.as_json(evidence.bundle(row))
        name = {"Content-Disposition": f'attachment; filename="{row.provider_id}.json"'}
        return HttpResponse(body, content_type="application/json", headers=name)

    @action(description="Send the evidence to the bank", url_path="send-evidence", permissions=["evidence"])  # type: ignore[untyped-decorator]
    def send_evidence(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask once more, as it can be done once, and send it."""
        row: Dispute = found(self, request, object_id)
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
