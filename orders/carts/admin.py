"""Operations screens of what is held for carts, for whom, and for whom no more."""

from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin

from commerce import screens
from commerce.models import User
from orders.carts import policies
from orders.models import CartHold, CartHolder, CartPolicy, Hoarder


class Screen(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]  # the package ships no types
    """A read-only list with pages."""

    list_per_page = 50
    show_full_result_count = False


@admin.register(CartPolicy)
class CartPolicyAdmin(screens.Stamped):
    """Merchants who hold goods for carts. What is held already keeps its end."""

    fields = ("merchant", "hold_seconds", "updated_at")
    readonly_fields = ("updated_at",)
    autocomplete_fields = ("merchant",)
    list_display = ("merchant", "hold_seconds", "updated_at")
    list_select_related = ("merchant",)
    ordering = ("merchant__name",)

    def get_readonly_fields(self, request: HttpRequest, obj: CartPolicy | None = None) -> tuple[str, ...]:
        """Return what cannot be changed: a policy stays its merchant's."""
        return self.readonly_fields if obj is None else ("merchant", *self.readonly_fields)

    def save_model(self, request: HttpRequest, obj: CartPolicy, form: Any, change: bool) -> None:
        """Set the policy by the verb."""
        policies.set_policy(merchant_id=obj.merchant_id, hold_seconds=obj.hold_seconds, now=timezone.now())


@admin.register(CartHold)
class CartHoldAdmin(Screen):
    list_display = ("id", "buyer", "merchant", "variant", "quantity", "until", "warned_at")
    list_filter = ("merchant",)
    list_select_related = ("buyer", "merchant", "variant__product")
    search_fields = ("buyer__email", "=variant__id", "variant__sku")
    ordering = ("until",)


@admin.register(CartHolder)
class CartHolderAdmin(Screen):
    """Who had how much held, and how much of it ran out."""

    list_display = ("buyer", "merchant", "held", "lapsed", "last_at")
    list_filter = ("merchant",)
    list_select_related = ("buyer", "merchant")
    search_fields = ("buyer__email",)
    ordering = ("-lapsed", "-id")
    actions = ("bar",)

    def has_bar_permission(self, request: HttpRequest) -> bool:
        """Let operators who may add hoarders do so."""
        return request.user.has_perm("orders.add_hoarder")

    @admin.action(description="Hold nothing more for these shoppers", permissions=["bar"])
    def bar(self, request: HttpRequest, chosen: QuerySet[CartHolder]) -> None:
        """Hold nothing more of that merchant for these shoppers' carts."""
        for row in chosen:
            policies.bar(
                merchant_id=row.merchant_id,
                buyer_id=row.buyer_id,
                reason="Operations",
                by_id=cast(User, request.user).id,
                now=timezone.now(),
            )
        messages.success(request, f"Done for {len(chosen)}.")


@admin.register(Hoarder)
class HoarderAdmin(Screen):
    """Shoppers for whom a merchant holds nothing; they are named on the screen of cart holders."""

    list_display = ("buyer", "merchant", "reason", "by", "at")
    list_filter = ("merchant",)
    list_select_related = ("buyer", "merchant", "by")
    search_fields = ("buyer__email", "merchant__name")
    ordering = ("-id",)
    actions = ("pardon",)

    def has_pardon_permission(self, request: HttpRequest) -> bool:
        """Let operators who may delete hoarders do so."""
        return request.user.has_perm("orders.delete_hoarder")

    @admin.action(description="Hold for these shoppers again", permissions=["pardon"])
    def pardon(self, request: HttpRequest, chosen: QuerySet[Hoarder]) -> None:
        """Hold goods of that merchant for these shoppers' carts again."""
        for row in list(chosen):
            policies.pardon(merchant_id=row.merchant_id, buyer_id=row.buyer_id)
        messages.success(request, "Done.")
