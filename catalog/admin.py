"""Operations screens of the catalog. They show; what changes goods, prices or stock are verbs, not forms."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from catalog import (
    categoryscreens,
    plans,
    queries,
    reviewing,
    reviewscreens,
    shelfscreens,
    sources,
    stock,
    tasks,
)
from catalog.models import (
    BundlePart,
    CommissionPlan,
    CommissionProduct,
    CommissionRate,
    Export,
    FeedFetch,
    FeedSource,
    Import,
    Price,
    Product,
    ProductImage,
    Stock,
    StockMovement,
    Variant,
)
from commerce import screens
from commerce.errors import Refusal
from commerce.money import Money

__all__ = ["categoryscreens", "reviewscreens", "shelfscreens"]  # Hung up by being imported.

SHOWN_PROBLEMS = 100
JOBS = {"queued": "info", "running": "warning", "done": "success", "failed": "danger"}


class Screen(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]  # the package ships no types
    """A read-only list with pages; operators who may change the model may use its actions."""

    list_per_page = 50
    show_full_result_count = False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Tell whether the operator may use this screen's actions."""
        return bool(request.user.has_perm(f"catalog.change_{self.opts.model_name}"))


class Inline(screens.ReadOnly, TabularInline):  # type: ignore[misc]
    """Read-only rows inside another screen."""

    extra = 0
    tab = True
    show_change_link = True


class VariantInline(Inline):
    model = Variant
    fields = ("title", "sku", "barcode", "is_active", "position")


class ImageInline(Inline):
    model = ProductImage
    fields = ("position", "url", "alt", "state", "code", "reason")


class FeedFetchInline(Inline):
    model = FeedFetch
    fields = ("started_at", "outcome", "code", "reason", "status", "bytes", "job")
    ordering = ("-id",)
    max_num = 20


@admin.register(Product)
class ProductAdmin(Screen):
    """Everybody's goods."""

    list_display = ("title", "merchant", "shown_status", "vendor", "variants_count", "updated_at")
    list_filter = ("status", "merchant")
    list_select_related = ("merchant",)
    search_fields = ("title", "handle", "variants__sku")
    ordering = ("-id",)
    inlines = (VariantInline, ImageInline, reviewscreens.ReviewRows)
    actions = ("retire", "activate")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        """Return the products with the number of their variants."""
        rows: QuerySet[Product] = super().get_queryset(request)
        return rows.annotate(_variants=Count("variants"))

    @display(  # type: ignore[untyped-decorator]
        description="Status",
        label={"approved": "success", "in_review": "warning", "draft": "info", "retired": "danger"},
    )
    def shown_status(self, row: Product) -> str:
        """Return the status, as a label."""
        return row.status

    @admin.display(description="Variants")
    def variants_count(self, row: Any) -> int:
        """Return how many variants the product has."""
        return int(row._variants)

    @admin.action(description="Take off sale for good", permissions=["operate"])
    def retire(self, request: HttpRequest, rows: QuerySet[Product]) -> None:
        """Retire the chosen products."""
        self._move(request, rows, reviewing.retire, Product.Status.RETIRED)

    @admin.action(description="Put on sale", permissions=["operate"])
    def activate(self, request: HttpRequest, rows: QuerySet[Product]) -> None:
        """Approve the chosen products."""
        self._move(request, rows, reviewing.put_on_sale, Product.Status.APPROVED)

    def _move(
        self, request: HttpRequest, rows: QuerySet[Product], verb: Callable[..., None], status: str
    ) -> None:
        now, by = timezone.now(), reviewscreens.operator(request)
        for row in rows:
            verb(merchant_id=row.merchant_id, product_id=row.pk, actor=by, now=now)
            self.log_change(request, row, f"Status: {status}")
        messages.success(request, f"{len(rows)} products are now {status}.")


class PriceInline(Inline):
    model = Price
    fields = ("money", "compare_at", "valid_from", "valid_to")
    readonly_fields = ("money",)
    ordering = ("-valid_from",)
    show_change_link = False

    @admin.display(description="Price")
    def money(self, row: Price) -> str:
        """Return the price with its currency."""
        return str(Money(row.amount, row.currency))


class MovementInline(Inline):
    model = StockMovement
    fields = ("delta", "reason", "note", "at")
    readonly_fields = ("at",)
    ordering = ("-id",)
    show_change_link = False


class PartInline(Inline):
    model = BundlePart
    fk_name = "bundle"
    fields = ("part", "quantity")
    show_change_link = False
    verbose_name_plural = "parts of this bundle"


@admin.register(Variant)
class VariantAdmin(Screen):
    """Everybody's sellable units."""

    list_display = (
        *("__str__", "sku", "merchant", "price", "floor_price", "available", "release_at", "is_active"),
    )
    list_filter = ("is_active", "merchant")
    list_select_related = ("product", "merchant", "floor")
    search_fields = ("sku", "barcode", "product__title")
    ordering = ("-id",)
    inlines = (PriceInline, PartInline, MovementInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Variant]:
        """Return the variants with their current prices."""
        rows: QuerySet[Variant] = super().get_queryset(request)
        current = Price.objects.filter(valid_to=None)
        dressed = rows.annotate(units_left=queries.units_left())
        return dressed.prefetch_related(Prefetch("prices", queryset=current, to_attr="current_prices"))

    @admin.display(description="Price")
    def price(self, row: Any) -> str:
        """Return the current price."""
        return next((str(Money(one.amount, one.currency)) for one in row.current_prices), "none")

    @admin.display(description="Not below")
    def floor_price(self, row: Variant) -> str:
        """Return the merchant's floor."""
        return str(Money(row.floor.amount, row.floor.currency)) if hasattr(row, "floor") else ""

    @admin.display(description="Available")
    def available(self, row: Any) -> int:
        """Return the units that can still be promised; of a bundle, what its parts allow."""
        return int(row.units_left)


class StockForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable when it runs
    """The one number an operator may set, with the reason."""

    note = forms.CharField(
        max_length=200, widget=UnfoldAdminTextInputWidget, help_text="Why; the merchant sees it."
    )

    class Meta:
        model = Stock
        fields = ("available",)

    def clean_available(self) -> int:
        """Refuse a number that stock cannot be."""
        available = int(self.cleaned_data["available"])
        if not 0 <= available <= stock.MAX_UNITS:
            raise forms.ValidationError(stock.TooMuchStock.message)
        return available


@admin.register(Stock)
class StockAdmin(Screen):
    """What can still be promised; setting it goes through the same verb as the API."""

    form = StockForm
    fields = ("variant", "merchant", "available", "note", "version", "updated_at")
    readonly_fields = ("variant", "merchant", "version", "updated_at")
    list_display = ("variant", "merchant", "available", "updated_at")
    list_filter = ("merchant",)
    list_select_related = ("variant__product", "merchant")
    search_fields = ("variant__sku", "variant__product__title")
    ordering = ("available", "variant_id")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let operators in who may change stock."""
        return self.has_operate_permission(request)

    def save_model(self, request: HttpRequest, obj: Stock, form: StockForm, change: bool) -> None:
        """Set the stock by the verb, which locks, notes the movement and tells the shows."""
        try:
            stock.set_level(
                merchant_id=obj.merchant_id,
                variant_id=obj.pk,
                available=form.cleaned_data["available"],
                note=f"{form.cleaned_data['note']} (operations)"[:200],
                now=timezone.now(),
                by=stock.Who("operator", str(request.user)[:150]),
            )
        except Refusal as refusal:
            messages.error(request, refusal.text)


class _Job(Screen):
    """Feeds and files: how far they are, and how long that took."""

    @display(description="Status", label=JOBS)  # type: ignore[untyped-decorator]
    def shown_status(self, row: Import | Export) -> str:
        """Return the status, as a label."""
        return row.status

    @admin.display(description="Took")
    def took(self, row: Import | Export) -> str:
        """Return how long it took."""
        ends: tuple[datetime | None, datetime | None] = (row.started_at, row.finished_at)
        return f"{(ends[1] - ends[0]).total_seconds():.1f} s" if ends[0] and ends[1] else ""


@admin.register(Import)
class ImportAdmin(_Job):
    """Feeds that merchants sent."""

    list_display = (
        "merchant",
        "filename",
        "format",
        "dry_run",
        "shown_status",
        "progress",
        "problems_count",
        "created_at",
        "took",
    )
    list_filter = ("status", "format", "dry_run", "merchant")
    list_select_related = ("merchant",)
    search_fields = ("filename", "sha256")
    ordering = ("-id",)
    fields = (
        *("merchant", "filename", "status", "error", "progress", "first_problems"),
        *("format", "dry_run", "skipped"),
        *("products_created", "products_updated", "products_unchanged"),
        *("variants_created", "variants_updated", "variants_unchanged"),
        *("created_at", "started_at", "finished_at", "attempts", "sha256"),
    )
    readonly_fields = ("progress", "first_problems", "created_at")
    actions = ("take_up",)

    @admin.display(description="Rows")
    def progress(self, row: Import) -> str:
        """Return how far the feed has been read."""
        return f"{row.rows_done} of {row.rows_total}"

    @admin.display(description=f"Problems (the first {SHOWN_PROBLEMS})")
    def first_problems(self, row: Import) -> SafeString:
        """Return what was wrong with the feed."""
        rows = row.problems.order_by("line", "id")[:SHOWN_PROBLEMS]
        line = "<p>Line {}, {}: {} <code>{}</code></p>"
        return format_html_join("", line, ((p.line, p.column, p.message, p.value) for p in rows))

    @admin.action(description="Read now", permissions=["operate"])
    def take_up(self, request: HttpRequest, rows: QuerySet[Import]) -> None:
        """Have a worker take up the chosen imports; those that are read already stay as they are."""
        for row in rows:
            tasks.read_feed.apply_async(kwargs={"import_id": str(row.pk)})
        messages.success(request, f"{len(rows)} imports were handed to the workers.")


@admin.register(FeedSource)
class FeedSourceAdmin(Screen):
    """Feeds that we fetch for merchants."""

    list_display = ("merchant", "url", "every_minutes", "daily_at_hour", "enabled", "failures", "due_at")
    list_filter = ("enabled", "off_reason", "merchant")
    list_select_related = ("merchant",)
    search_fields = ("url", "merchant__name")
    ordering = ("-id",)
    exclude = ("sealed_password", "etag", "last_modified")
    inlines = (FeedFetchInline,)
    actions = ("turn_on", "turn_off")

    @admin.action(description="Fetch again", permissions=["operate"])
    def turn_on(self, request: HttpRequest, rows: QuerySet[FeedSource]) -> None:
        """Turn the chosen feeds on."""
        done = sum(sources.switch(feed_id=row.pk, enabled=True, now=timezone.now()) for row in rows)
        messages.success(request, f"{done} turned on.")

    @admin.action(description="Fetch no more", permissions=["operate"])
    def turn_off(self, request: HttpRequest, rows: QuerySet[FeedSource]) -> None:
        """Turn the chosen feeds off."""
        done = sum(sources.switch(feed_id=row.pk, enabled=False, now=timezone.now()) for row in rows)
        messages.success(request, f"{done} turned off.")


@admin.register(Export)
class ExportAdmin(_Job):
    """Files of their assortment that merchants asked for."""

    list_display = ("merchant", "format", "shown_status", "progress", "bytes_done", "created_at", "took")
    list_filter = ("status", "format", "merchant")
    list_select_related = ("merchant",)
    search_fields = ("merchant__name",)
    ordering = ("-id",)
    fields = (
        *("merchant", "format", "filters", "status", "error", "progress", "variants_done", "left_out"),
        *("bytes_done", "created_at", "started_at", "finished_at", "expires_at", "attempts"),
    )
    readonly_fields = ("progress", "created_at")
    actions = ("take_up",)

    @admin.display(description="Products")
    def progress(self, row: Export) -> str:
        """Return how far the file has been written."""
        return f"{row.products_done} of {row.products_total}"

    @admin.action(description="Write now", permissions=["operate"])
    def take_up(self, request: HttpRequest, rows: QuerySet[Export]) -> None:
        """Have a worker take up the chosen exports; those that are written already stay as they are."""
        for row in rows:
            tasks.write_export.apply_async(kwargs={"export_id": str(row.pk)})
        messages.success(request, f"{len(rows)} exports were handed to the workers.")


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
