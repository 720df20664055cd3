"""Operations screens of the trade. They show; what moves goods or money are verbs, not forms."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from commerce.admin import ReadOnly
from commerce.money import Money
from orders.models import (
    Commission,
    Hold,
    Order,
    OrderLine,
    Payment,
    Purchase,
    PurchaseMove,
    Refund,
    Shipment,
)


class Screen(ReadOnly, ModelAdmin):  # type: ignore[misc]  # the package ships no types
    """A read-only list with pages."""

    list_per_page = 50
    show_full_result_count = False


class Inline(ReadOnly, TabularInline):  # type: ignore[misc]
    """Read-only rows inside another screen."""

    extra = 0
    tab = True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return all of them: some cannot be edited, and a form would refuse to name those."""
        return tuple(self.fields)


class PaymentInline(Inline):
    model = Payment
    fields = ("number", "status", "card", "provider_id", "charge_id", "decline_code", "message", "sent_at")


class OrderInline(Inline):
    model = Order
    fields = ("id", "merchant", "status", "amount", "currency")


class HoldInline(Inline):
    model = Hold
    fields = ("variant", "offer", "quantity", "status", "updated_at")


class MoveInline(Inline):
    model = PurchaseMove
    fields = ("at", "old", "new", "reason")


class LineInline(Inline):
    model = OrderLine
    fields = (
        "title",
        "sku",
        "quantity",
        "unit_amount",
        "amount",
        "list_amount",
        "offer",
        "host_commission_bp",
        "platform_fee_bp",
        "stream_ms",
        "frame_epoch",
        "frame_offset",
    )


class ShipmentInline(Inline):
    model = Shipment
    fields = ("carrier", "tracking_number", "tracking_url", "shipped_at")


class RefundInline(Inline):
    model = Refund
    fields = ("amount", "currency", "reason", "status", "provider_id", "created_at")


@admin.register(Purchase)
class PurchaseAdmin(Screen):
    list_display = ("id", "created_at", "buyer", "total", "status", "stream", "hold_until")
    list_filter = ("status", "currency", "created_at")
    list_select_related = ("buyer", "stream")
    search_fields = ("=id", "=key", "buyer__email", "=payments__provider_id", "=payments__charge_id")
    date_hierarchy = "created_at"
    ordering = ("-id",)
    inlines = (OrderInline, PaymentInline, HoldInline, MoveInline)

    @admin.display(description="total", ordering="amount")
    def total(self, row: Purchase) -> str:
        return str(Money(row.amount, row.currency))


@admin.register(Order)
class OrderAdmin(Screen):
    list_display = ("id", "created_at", "merchant", "total", "status", "purchase")
    list_filter = ("status", "merchant", "created_at")
    list_select_related = ("merchant", "purchase")
    search_fields = ("=id", "=purchase__id", "merchant__name")
    ordering = ("-id",)
    inlines = (LineInline, ShipmentInline)

    @admin.display(description="total", ordering="amount")
    def total(self, row: Order) -> str:
        return str(Money(row.amount, row.currency))


@admin.register(Payment)
class PaymentAdmin(Screen):
    list_display = (
        "id",
        "created_at",
        "total",
        "status",
        "provider_id",
        "charge_id",
        "decline_code",
        "purchase",
    )
    list_filter = ("status", "currency", "decline_code", "created_at")
    list_select_related = ("purchase",)
    search_fields = ("=id", "=provider_id", "=charge_id", "=purchase__id", "purchase__buyer__email")
    ordering = ("-id",)
    inlines = (RefundInline,)

    @admin.display(description="amount", ordering="amount")
    def total(self, row: Payment) -> str:
        return str(Money(row.amount, row.currency))


@admin.register(Refund)
class RefundAdmin(Screen):
    list_display = ("id", "created_at", "total", "status", "reason", "provider_id", "payment")
    list_filter = ("status", "currency")
    search_fields = ("=id", "=provider_id", "=payment__id", "=payment__provider_id")
    ordering = ("-id",)

    @admin.display(description="amount", ordering="amount")
    def total(self, row: Refund) -> str:
        return str(Money(row.amount, row.currency))


@admin.register(Hold)
class HoldAdmin(Screen):
    list_display = ("line", "variant", "quantity", "status", "offer", "purchase", "updated_at")
    list_filter = ("status",)
    list_select_related = ("line", "variant__product", "offer__item__product", "purchase")
    search_fields = ("=purchase__id", "=variant__id", "variant__sku")
    ordering = ("-line_id",)


@admin.register(Commission)
class CommissionAdmin(Screen):
    list_display = ("line", "host", "stream", "rate_bp", "base_amount", "amount", "currency", "status")
    list_filter = ("status", "currency", "host")
    list_select_related = ("line", "host", "stream")
    ordering = ("-line_id",)
