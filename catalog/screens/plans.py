"""Operations screens of what merchants promise hosts."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from catalog.commission import plans
from catalog.models import CommissionPlan, CommissionProduct, CommissionRate
from catalog.screens.readonly import Inline, Screen


class RateInline(Inline):
    model = CommissionRate
    verbose_name_plural = "rates, also of the past and announced"
    fields = ("host", "rate", "valid_from", "valid_until")
    readonly_fields = ("rate",)
    ordering = ("host__slug", "valid_from")
    show_change_link = False

    @admin.display(description="Rate")
    def rate(self, row: CommissionRate) -> str:
        """Return the rate in per cent."""
        return str(row)


class PlanProductInline(Inline):
    model = CommissionProduct
    verbose_name_plural = "products"
    fields = ("product", "valid_from", "valid_until")
    ordering = ("product__title", "valid_from")
    show_change_link = False


@admin.register(CommissionPlan)
class CommissionPlanAdmin(Screen):
    """What merchants promise hosts. Ending a plan is announced, as when its merchant ends it."""

    list_display = ("name", "merchant", "kind", "all_products", "now", "ends_at", "created_at")
    list_filter = ("kind", "all_products", "merchant")
    list_select_related = ("merchant",)
    search_fields = ("name", "merchant__name", "=rates__host__slug")
    ordering = ("-id",)
    inlines = (RateInline, PlanProductInline)
    actions = ("end",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CommissionPlan]:
        """Return the plans with their rates."""
        rows: QuerySet[CommissionPlan] = super().get_queryset(request)
        return rows.prefetch_related("rates")

    @admin.display(description="Now")
    def now(self, row: CommissionPlan) -> str:
        """Return what the plan gives now, from the lowest rate to the highest."""
        at = timezone.now()
        found = {
            each.rate_bp
            for each in row.rates.all()
            if each.valid_from <= at and (each.valid_until is None or each.valid_until > at)
        }
        return " to ".join(f"{rate / 100:g} %" for rate in sorted({min(found), max(found)})) if found else "-"

    @admin.action(description="End, once announced", permissions=["operate"])
    def end(self, request: HttpRequest, rows: QuerySet[CommissionPlan]) -> None:
        """Announce the end of the chosen plans."""
        for row in rows:
            plans.end(merchant_id=row.merchant_id, plan_id=row.pk, now=timezone.now())
            self.log_change(request, row, "End announced")
        messages.success(request, f"The end of {len(rows)} plans is announced.")
