"""Operations screens of what the provider and our books do not agree on, and of what it told us."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from django.contrib import admin, messages
from django.forms import CharField, ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextareaWidget

from commerce import columns, errors, screens
from commerce.models import Notice, User
from commerce.money import Money
from orders.models import Discrepancy, Mark, Movement
from orders.payouts import debts
from orders.reconciling import notices
from orders.settling import discrepancies


class Resolution(ModelForm):  # type: ignore[type-arg]
    """What it was, and what was done about it: without that nothing is resolved."""

    note = CharField(
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Saving this resolves the discrepancy.",
    )

    class Meta:
        model = Discrepancy
        fields = ("note",)


@admin.register(Discrepancy)
class DiscrepancyAdmin(ModelAdmin):  # type: ignore[misc]
    """Open ones first. One is resolved by a note that says what it was."""

    form = Resolution
    list_display = (
        *("what", "kind", "our", "their", "state", columns.link("payment"), "first_seen", "last_seen"),
    )
    list_select_related = ("payment",)
    list_filter = (("resolved_at", admin.EmptyFieldListFilter), "kind", "currency")
    search_fields = ("=provider_id", "=payment__id", "=payment__provider_id", "what")
    ordering = ("-resolved_at", "-id")  # PostgreSQL puts what has no time first.
    readonly_fields = (
        *("kind", "what", "about", "payment", "our", "their", "first_seen", "last_seen"),
        *("resolved_at", "resolved_by"),
    )
    fields = (*readonly_fields, "note")
    list_per_page = 50
    show_full_result_count = False
    actions_detail = ("take_back", "write_off")

    @action(description="Take it back once more", url_path="take-back", permissions=["debt"])  # type: ignore[untyped-decorator]
    def take_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask once more, and have what a payee owes taken back; the debt stays here until it was."""
        return self._decided(request, object_id, debts.try_again, "{} are taken back.")

    @action(description="Write it off", url_path="write-off", permissions=["debt"])  # type: ignore[untyped-decorator]
    def write_off(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask why, and book what a payee owes as the platform's loss."""
        asked = {"note": request.POST.get("note", "")}
        return self._decided(request, object_id, debts.write_off, "{} are written off.", **asked)

    def has_debt_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Debts are decided by those who may pay."""
        known = object_id is not None and object_id.isdecimal()
        if not known or not request.user.has_perm("orders.add_payout"):
            return False
        open_ones = Discrepancy.objects.filter(kind=Discrepancy.Kind.DEBT, resolved_at=None)
        return open_ones.filter(pk=str(object_id)).exists()

    def _decided(
        self, request: HttpRequest, object_id: str, verb: Callable[..., Money], words: str, **asked: str
    ) -> HttpResponse:
        back = reverse("admin:orders_discrepancy_change", args=[object_id])
        if request.method == "POST":
            by_id = cast(User, request.user).id
            try:
                money = verb(discrepancy_id=int(object_id), by_id=by_id, now=timezone.now(), **asked)
            except errors.Refusal as refusal:
                messages.error(request, refusal.text)
            else:
                messages.success(request, words.format(money))
            return redirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": "Write off a debt" if asked else "Take a debt back",
            "row": Discrepancy.objects.get(pk=object_id),
            "asks_why": bool(asked),
            "back": back,
        }
        return render(request, "orders/admin_debt.html", context)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only the programme finds them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was found stays."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Discrepancy | None = None) -> bool:
        """Let operators resolve what is open."""
        return super().has_change_permission(request, obj) and (obj is None or obj.resolved_at is None)

    def save_model(self, request: HttpRequest, obj: Discrepancy, form: Any, change: bool) -> None:
        """Resolve it by the verb."""
        done = discrepancies.resolve(
            discrepancy_id=obj.pk,
            note=form.cleaned_data["note"],
            by_id=cast(User, request.user).id,
            now=timezone.now(),
        )
        if not done:
            messages.warning(request, "Somebody else has resolved it meanwhile.")

    @display(description="State", label={"open": "danger", "resolved": "success"})  # type: ignore[untyped-decorator]
    def state(self, row: Discrepancy) -> str:
        """Say whether somebody has to look."""
        return "resolved" if row.resolved_at else "open"

    @admin.display(description="About")
    def about(self, row: Discrepancy) -> str:
        """Name what it is about at the provider; of a debt, lead to who owes it."""
        if row.kind != Discrepancy.Kind.DEBT:
            return row.provider_id
        account = debts.account_of(row)
        return columns.to(account, str(account.merchant or account.host))

    @admin.display(description="In our books")
    def our(self, row: Discrepancy) -> str:
        """Write our amount as money."""
        return "-" if row.ours is None else str(Money(row.ours, row.currency))

    @admin.display(description="At the provider")
    def their(self, row: Discrepancy) -> str:
        """Write the provider's amount as money."""
        return "-" if row.theirs is None else str(Money(row.theirs, row.currency))


@admin.register(Movement)
class MovementAdmin(columns.InMoney, screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """What moved at the provider, and whether our books have it."""

    list_display = (
        *("provider_id", "made_at", "kind", "source", columns.money("amount"), columns.money("fee")),
        "matched_at",
    )
    also_shown = (columns.ledger("provider_id"), columns.ledger("source"))
    list_filter = (("matched_at", admin.EmptyFieldListFilter), "kind", "currency")
    search_fields = ("=provider_id", "=source")
    ordering = ("-made_at",)
    show_full_result_count = False


@admin.register(Mark)
class MarkAdmin(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """Up to when the provider's lists were read."""

    list_display = ("name", "at")


@admin.register(Notice)
class NoticeAdmin(screens.Quarantine, ModelAdmin):  # type: ignore[misc]
    """What the payment provider told us, each once. What could not be read waits here for somebody."""

    list_display = (
        "provider_id",
        "type",
        "object_id",
        "state",
        "attempts",
        "source",
        "received_at",
    )
    list_filter = (
        ("quarantined_at", admin.EmptyFieldListFilter),
        ("processed_at", admin.EmptyFieldListFilter),
        *("source", "type"),
    )
    search_fields = ("=provider_id", "=object_id", "=account")
    ordering = ("-id",)
    show_full_result_count = False

    @display(  # type: ignore[untyped-decorator]
        description="State", label={"read": "success", "waiting": "warning", "quarantined": "danger"}
    )
    def state(self, row: Notice) -> str:
        """Say where the notice is."""
        if row.processed_at:
            return "read"
        return "quarantined" if row.quarantined_at else "waiting"

    def release(self, pk: int, now: datetime) -> bool:
        """Have a quarantined notice read after all."""
        return notices.release(notice_id=pk, now=now)
