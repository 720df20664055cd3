"""Operations screens of announced prices, of locations, and of the log of stock. They only show."""

from django.contrib import admin
from unfold.admin import ModelAdmin
from unfold.decorators import display

from catalog.models import Location, LocationStock, PriceSchedule, StockMovement
from commerce import screens
from commerce.money import Money


class _Shown(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]  # the package ships no types
    """A read-only list with pages."""

    list_per_page = 50
    show_full_result_count = False


@admin.register(PriceSchedule)
class PriceScheduleAdmin(_Shown):
    """What merchants have announced, and what became of it."""

    list_display = (
        "variant",
        "merchant",
        "money",
        "starts_at",
        "ends_at",
        "shown_status",
        "reason",
        "began_at",
    )
    list_filter = ("status", "reason", "from_feed", "merchant")
    list_select_related = ("variant__product", "merchant")
    search_fields = ("=variant__sku",)
    ordering = ("-id",)

    @admin.display(description="Price")
    def money(self, row: PriceSchedule) -> str:
        """Return the price with its currency."""
        return str(Money(row.amount, row.currency))

    @display(  # type: ignore[untyped-decorator]
        description="Status",
        label={"upcoming": "info", "running": "warning", "done": "success", "failed": "danger"},
    )
    def shown_status(self, row: PriceSchedule) -> str:
        """Return the status, as a label."""
        return row.status


@admin.register(Location)
class LocationAdmin(_Shown):
    """Where merchants' goods lie."""

    list_display = ("name", "code", "merchant", "country", "is_main", "is_active", "updated_at")
    list_filter = ("is_main", "is_active", "merchant")
    list_select_related = ("merchant",)
    search_fields = ("code", "name")
    ordering = ("-id",)


@admin.register(LocationStock)
class LocationStockAdmin(_Shown):
    """What lies at locations other than the main ones."""

    list_display = ("variant", "location", "merchant", "on_hand", "updated_at")
    list_filter = ("merchant",)
    list_select_related = ("variant__product", "location", "merchant")
    search_fields = ("=variant__sku", "=location__code")
    ordering = ("-id",)


@admin.register(StockMovement)
class StockMovementAdmin(_Shown):
    """Every change of stock other than a sale."""

    list_display = (
        "at",
        "variant",
        "merchant",
        "location",
        "delta",
        "on_hand_delta",
        "reason",
        "who",
        "note",
    )
    list_filter = ("reason", "by", "merchant")
    list_select_related = ("variant__product", "merchant", "location")
    search_fields = ("=variant__sku",)
    ordering = ("-id",)

    @admin.display(description="By")
    def who(self, row: StockMovement) -> str:
        """Return who did it, as far as it is known."""
        return f"{row.by} {row.by_name}".strip()
