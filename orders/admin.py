"""Operations screens of the trade. They show; what moves goods or money are verbs, not forms."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline

from commerce import columns, screens
from commerce.models import User
from commerce.money import Money
from orders import contacts
from orders.aftersales import admin as aftersales_admin
from orders.aftersales import disputes_admin
from orders.carts import admin as carts_admin
from orders.models import (
    Commission,
    CommissionBack,
    Dispute,
    Hold,
    Order,
    OrderLine,
    Payment,
    PayoutLeg,
    Purchase,
    PurchaseMove,
    Refund,
    Shipment,
    ShipmentLine,
)
from orders.payouts import admin as payouts_admin
from orders.reconciling import admin as reconciling_admin
from orders.settling import banked, repaying
from orders.tariffs import admin as tariffs_admin

# Screens of the rooms, registered with these.
__all__ = [
    "aftersales_admin",
    "carts_admin",
    "disputes_admin",
    "payouts_admin",
    "reconciling_admin",
    "tariffs_admin",
]


class Screen(columns.InMoney, screens.ReadOnly, ModelAdmin):  # type: ignore[misc]  # the package ships no types
    """A read-only list with pages."""

    list_per_page = 50
    show_full_result_count = False


class Inline(screens.ReadOnly, TabularInline):  # type: ignore[misc]
    """Read-only rows inside another screen."""

    extra = 0
    tab = True
    show_change_link = True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return all of them: some cannot be edited, and a form would refuse to name those."""
        return tuple(self.fields)


class PaymentInline(Inline):
    model = Payment
    fields = (
        *("number", columns.money("amount"), "status", "card", "provider_id", "charge_id"),
        *("decline_code", "message", "sent_at"),
    )


class OrderInline(Inline):
    model = Order
    fields = ("id", "merchant", "status", columns.money("amount"))


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
        *("quantity", "shipped_quantity", "dropped_quantity", "refunded_quantity"),
        *(columns.money("unit_amount"), columns.money("amount"), "tax_name", columns.money("tax_amount")),
        columns.money("list_amount"),
        "offer",
        "host_commission_bp",
        "platform_fee_bp",
        "stream_ms",
        "frame_epoch",
        "frame_offset",
    )


class ParcelInline(Inline):
    """What of an order is in which parcel."""

    model = ShipmentLine
    show_change_link = False
    fields = (columns.link("shipment"), "line", "quantity")


class InParcelInline(Inline):
    """What is in a parcel."""

    model = ShipmentLine
    show_change_link = False
    fields = (columns.link("order"), "line", "quantity")


class RefundInline(Inline):
    model = Refund
    fields = (columns.money("amount"), "reason", "status", "provider_id", "created_at")


class DisputeInline(Inline):
    model = Dispute
    fields = (
        *("provider_id", columns.money("amount"), columns.money("withdrawn_amount")),
        *(columns.money("reinstated_amount"), "status", "due_at"),
    )


class LegInline(Inline):
    """What was sent on of a payment, and taken back."""

    model = PayoutLeg
    show_change_link = False
    fields = (
        *(columns.link("payout"), columns.money("amount"), "status", "provider_id"),
        columns.money("reversed_amount"),
    )


@admin.register(Purchase)
class PurchaseAdmin(Screen):
    list_display = (
        *(columns.ident, "created_at", "buyer", columns.money("amount")),
        columns.state(good="paid", bad="declined", waits="accepted action_required authorized"),
        *("stream", "hold_until"),
    )
    list_filter = ("status", "currency", "created_at")
    list_select_related = ("buyer", "stream")
    search_fields = ("=id", "=key", "buyer__email", "=payments__provider_id", "=payments__charge_id")
    date_hierarchy = "created_at"
    ordering = ("-id",)
    inlines = (OrderInline, PaymentInline, HoldInline, MoveInline)
    actions = ("erase_contact",)

    def has_erase_permission(self, request: HttpRequest) -> bool:
        """Let operators who may delete addresses, which are people's, do so."""
        return request.user.has_perm("commerce.delete_address")

    @admin.action(description="Erase these buyers' addresses and contact", permissions=["erase"])
    def erase_contact(self, request: HttpRequest, chosen: QuerySet[Purchase]) -> None:
        """Erase the contact of the buyers of these purchases, in all that they bought."""
        for buyer in User.objects.filter(purchases__in=chosen).distinct().order_by("id"):
            try:
                count = contacts.erase_of_buyer(buyer_id=buyer.pk, now=timezone.now())
            except contacts.OnItsWay as refusal:
                messages.error(request, f"{buyer}: {refusal.text} ({refusal.data['reason']})")
            else:
                messages.success(request, f"{buyer}: erased in {count} purchases.")


@admin.register(Order)
class OrderAdmin(aftersales_admin.RefundAction, Screen):
    list_display = (
        *(columns.ident, "created_at", "merchant", columns.money("amount")),
        columns.state(good="shipped delivered", waits="open shipping partly_shipped"),
        *("acknowledged_at", "reference", columns.link("purchase")),
    )
    list_filter = ("status", ("acknowledged_at", admin.EmptyFieldListFilter), "merchant", "created_at")
    list_select_related = ("merchant", "purchase")
    search_fields = ("=id", "=purchase__id", "=reference", "merchant__name")
    ordering = ("-id",)
    inlines = (LineInline, RefundInline, ParcelInline)


@admin.register(Shipment)
class ShipmentAdmin(Screen):
    """Parcels, with units of one or several orders."""

    list_display = (columns.ident, "merchant", "carrier", "tracking_number", "shipped_at", "delivered_at")
    list_filter = (("delivered_at", admin.EmptyFieldListFilter), "merchant", "shipped_at")
    list_select_related = ("merchant",)
    search_fields = ("=id", "=tracking_number", "=lines__order__id")
    ordering = ("-id",)
    inlines = (InParcelInline,)


@admin.register(Payment)
class PaymentAdmin(Screen):
    list_display = (
        *(columns.ident, "created_at", columns.money("amount"), columns.money("refunded_amount")),
        columns.state(good="succeeded", bad="declined", waits="sent unknown action_required authorized"),
        *("decline_code", "provider_id", "charge_id", columns.link("purchase")),
    )
    list_filter = ("status", "currency", "decline_code", "created_at")
    list_select_related = ("purchase",)
    search_fields = ("=id", "=provider_id", "=charge_id", "=purchase__id", "purchase__buyer__email")
    ordering = ("-id",)
    inlines = (RefundInline, DisputeInline, LegInline)
    also_shown = (columns.ledger("pk"),)


@admin.register(Refund)
class RefundAdmin(Screen):
    list_display = (
        *(columns.ident, "created_at", columns.money("amount")),
        columns.state(good="succeeded by_bank", bad="failed", waits="created sent unknown pending"),
        *("failure", "by", "reason", columns.link("payment"), columns.link("order")),
    )
    list_filter = ("status", "kind", "by", "currency", "created_at")
    list_select_related = ("payment", "order")
    also_shown = (columns.ledger("pk"),)
    inlines = (aftersales_admin.RefundLineInline,)
    search_fields = ("=id", "=provider_id", "=order__id", "=payment__id", "=payment__provider_id")
    ordering = ("-id",)
    actions = ("try_again", "by_bank")

    def has_try_again_permission(self, request: HttpRequest) -> bool:
        """Let operators who may change refunds, which nobody does by hand, do so."""
        return request.user.has_perm("orders.change_refund")

    @admin.action(description="Send again (failed refunds)", permissions=["try_again"])
    def try_again(self, request: HttpRequest, chosen: QuerySet[Refund]) -> None:
        """Have what these failed refunds still owe sent anew."""
        failed = list(chosen.filter(status=Refund.Status.FAILED))
        for row in failed:
            repaying.try_again(refund_id=row.pk, now=timezone.now())
        messages.success(request, f"{len(failed)} refunds are sent again.")

    @admin.action(description="The buyer's bank has paid it (dispute lost)", permissions=["try_again"])
    def by_bank(self, request: HttpRequest, chosen: QuerySet[Refund]) -> None:
        """Record that buyers have by their banks what these refunds owe them."""
        for row in list(chosen):
            try:
                paid = banked.pay(refund_id=row.pk, now=timezone.now())
            except banked.NotByBank as refusal:
                messages.error(request, f"{row.pk}: {refusal.text}")
            else:
                messages.success(request, f"{Money(paid.bank_amount, paid.currency)} were paid by the bank.")


@admin.register(Hold)
class HoldAdmin(Screen):
    list_display = ("line", "variant", "quantity", "status", "offer", "purchase", "updated_at")
    list_filter = ("status",)
    list_select_related = ("line", "variant__product", "offer__item__product", "purchase")
    search_fields = ("=purchase__id", "=variant__id", "variant__sku")
    ordering = ("-line_id",)


class GivenBackInline(Inline):
    model = CommissionBack
    fields = ("amount", "refund_line", "dispute_line")


@admin.register(Commission)
class CommissionAdmin(Screen):
    list_display = (
        "line",
        "host",
        "stream",
        "rate_bp",
        "share_bp",
        columns.money("base_amount"),
        columns.money("amount"),
        columns.money("reversed_amount"),
        "status",
    )
    inlines = (GivenBackInline,)
    list_filter = ("status", "currency", "host")
    list_select_related = ("line", "host", "stream")
    ordering = ("-line_id",)
