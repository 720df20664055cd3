"""Operations screens of goods: products, variants, stock."""

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from catalog import queries, reviewing
from catalog.models import BundlePart, Price, Product, ProductImage, Stock, StockMovement, Variant
from catalog.screens import reviews
from catalog.screens.readonly import Inline, Screen
from catalog.shelf import movements, stock
from commerce.errors import Refusal
from commerce.money import Money


class VariantInline(Inline):
    model = Variant
    fields = ("title", "sku", "barcode", "is_active", "position")


class ImageInline(Inline):
    model = ProductImage
    fields = ("position", "url", "alt", "state", "code", "reason")


@admin.register(Product)
class ProductAdmin(Screen):
    """Everybody's goods."""

    list_display = ("title", "merchant", "shown_status", "vendor", "variants_count", "updated_at")
    list_filter = ("status", "merchant")
    list_select_related = ("merchant",)
    search_fields = ("title", "handle", "variants__sku")
    ordering = ("-id",)
    inlines = (VariantInline, ImageInline, reviews.ReviewRows)
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
        now, by = timezone.now(), reviews.operator(request)
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

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the form again with why a level is refused, and note nothing of it as changed."""
        try:
            return cast(HttpResponseBase, super().changeform_view(request, *args, **kwargs))
        except Refusal as refusal:
            messages.error(request, refusal.text)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Stock, form: StockForm, change: bool) -> None:
        """Set the stock by the verb, which locks, notes the movement and tells the shows."""
        stock.set_level(
            merchant_id=obj.merchant_id,
            variant_id=obj.pk,
            available=form.cleaned_data["available"],
            note=f"{form.cleaned_data['note']} (operations)"[:200],
            now=timezone.now(),
            by=movements.Who("operator", str(request.user)[:150]),
        )
