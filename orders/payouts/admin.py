"""Operations screens of payouts: what was paid, leg by leg, and what would be paid now and why (not)."""

from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action

from commerce import columns, errors, screens
from commerce.models import ConnectedAccount, User
from commerce.money import Money
from orders.models import Payout, PayoutLeg, Proceeds, Reversal
from orders.payouts import debts, paying, planning, reversing

WORDS: dict[planning.Why, str] = {
    "ready": "Is paid with the next run",
    "held": "Nothing is earned yet: parcels have to leave, and the time for returns to pass",
    "nothing": "Nothing is owed",
    "negative": "More was given back than earned since; it is taken off what is earned next",
    "no_account": "Has not said where to be paid",
    "not_onboarded": "The provider does not let it be paid",
    "sending": "The last payout is under way",
}


@admin.register(Reversal)
class ReversalAdmin(columns.InMoney, screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """What was taken back from payees that owed it."""

    list_display = (
        *(columns.ident, "created_at", "payee", columns.money("amount")),
        columns.state(good="done", bad="failed", waits="created sent unknown"),
        *("failure", "decided_by", columns.link("leg__payout"), columns.link("leg__payment"), "provider_id"),
    )
    list_filter = ("status", "currency", "created_at")
    also_shown = (columns.link("leg__payout"), columns.link("leg__payment"), columns.ledger("pk"))
    list_select_related = (
        *("leg__payout__account__merchant", "leg__payout__account__host", "leg__payment", "decided_by"),
    )
    search_fields = (
        *("=id", "=provider_id", "=leg__provider_id", "=leg__payout__id", "=leg__payment__id"),
        *("leg__payout__account__merchant__name", "leg__payout__account__host__name"),
    )
    ordering = ("-id",)
    list_per_page = 50
    show_full_result_count = False

    @admin.display(description="Payee")
    def payee(self, row: Reversal) -> str:
        """Name the merchant or the host."""
        account = row.leg.payout.account
        return str(account.merchant or account.host)


class LegInline(screens.ReadOnly, TabularInline):  # type: ignore[misc]
    model = PayoutLeg
    fields = (
        *(columns.link("payment"), columns.money("amount"), "status", "provider_id", "failure", "attempts"),
        *("sent_at", "checked_at", columns.money("reversed_amount"), columns.ledger("pk")),
    )
    readonly_fields = fields
    extra = 0


@admin.register(Payout)
class PayoutAdmin(columns.InMoney, screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """What payees were sent; `What would be paid` says how everybody stands now."""

    list_display = (
        *(columns.ident, "created_at", "payee", columns.money("amount")),
        columns.state(good="paid", bad="failed", waits="sending partly"),
        "finished_at",
    )
    list_filter = ("status", "currency")
    list_select_related = ("account__merchant", "account__host")
    search_fields = ("=id", "=account__provider_id", "account__merchant__name", "account__host__name")
    ordering = ("-id",)
    inlines = (LegInline,)
    list_per_page = 50
    show_full_result_count = False
    actions_list = ("outlook",)

    @action(description="What would be paid", url_path="outlook", permissions=["outlook"])  # type: ignore[untyped-decorator]
    def outlook(self, request: HttpRequest) -> HttpResponse:
        """Show how every payee stands and why it is paid or not; a press pays those who can be."""
        here = reverse("admin:orders_payout_outlook")
        if request.method == "POST":
            if not request.user.has_perm("orders.add_payout"):
                messages.error(request, "You may not pay anybody.")
                return HttpResponseRedirect(here)
            if "take_back" in request.POST:
                _take_back(request)
                return HttpResponseRedirect(here)
            begun = paying.begin_all(now=timezone.now())
            messages.success(request, f"{len(begun)} payouts are on their way.")
            return HttpResponseRedirect(here)
        given_up = debts.open_ones()
        rows = [
            {
                "debt": given_up.get((due.account.id, due.currency)) if due.account else None,
                "name": due.name,
                "payee": due.payee,
                "pending": due.money(due.pending),
                "payable": due.money(due.payable),
                "under_way": due.money(due.under_way),
                "amount": due.money(due.amount) if due.why == "ready" else "",
                "take_back": f"{due.account.id} {due.currency}" if due.payable < 0 and due.account else "",
                "why": due.why,
                "words": WORDS[due.why],
                "account": due.account.get_state_display() if due.account else "",
                "wanted": ", ".join(due.account.requirements_due) if due.account else "",
            }
            for due in planning.of_all()
        ]
        context = {
            **self.admin_site.each_context(request),
            "title": "What would be paid",
            "rows": rows,
            "may_pay": request.user.has_perm("orders.add_payout"),
            "any_ready": any(row["why"] == "ready" for row in rows),
        }
        return render(request, "orders/admin_outlook.html", context)

    def has_outlook_permission(self, request: HttpRequest) -> bool:
        """It is for those who may see payouts."""
        return bool(request.user.has_perm("orders.view_payout"))

    @admin.display(description="Payee")
    def payee(self, row: Payout) -> str:
        """Name the merchant or the host."""
        return str(row.account.merchant or row.account.host)


def _take_back(request: HttpRequest) -> None:
    """Have taken back what the payee named in the form owes, and say how much that is."""
    account, _, currency = request.POST["take_back"].partition(" ")
    try:
        begun = reversing.begin(
            account_id=UUID(account), currency=currency, by_id=cast(User, request.user).id, now=timezone.now()
        )
    except (ValueError, ConnectedAccount.DoesNotExist):
        messages.error(request, "There is no such payee.")
    except errors.Refusal as refusal:
        messages.error(request, refusal.text)
    else:
        total = Money(sum(each.amount for each in begun), currency)
        messages.success(request, f"{total} are taken back.")


@admin.register(ConnectedAccount)
class ConnectedAccountAdmin(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """Where merchants and hosts are paid, as the provider has it."""

    list_display = (
        *("provider_id", "merchant", "host"),
        columns.state("state", good="enabled", bad="restricted gone", waits="new onboarding pending"),
        *("disabled_reason", "checked_at"),
    )
    list_filter = ("state",)
    list_select_related = ("merchant", "host")
    search_fields = ("=provider_id", "merchant__name", "host__name")


@admin.register(Proceeds)
class ProceedsAdmin(columns.InMoney, screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """What orders brought their merchants, once it was earned."""

    list_display = (
        *(columns.link("order"), "merchant", columns.money("amount"), "earned_at", columns.link("payout")),
    )
    list_select_related = ("merchant", "order", "payout")
    list_filter = ("currency",)
    search_fields = ("=order__id", "merchant__name")
    ordering = ("-earned_at",)
    list_per_page = 50
    show_full_result_count = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It is for those who may see payouts."""
        return bool(request.user.has_perm("orders.view_payout"))
