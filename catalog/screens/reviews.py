"""Operations screens of reviews: what waits, oldest first, and what an operator decides of it."""

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextareaWidget

from catalog import reviewing
from catalog.models import Product, ProductImage, ProductReview, Variant, WaitingProduct
from commerce import screens
from commerce.errors import Refusal
from commerce.models import User

QUEUE = "admin:catalog_waitingproduct_changelist"


class _Rows(screens.ReadOnly, TabularInline):  # type: ignore[misc]  # the package ships no types
    extra = 0
    tab = True


class VariantRows(_Rows):
    model = Variant
    fields = ("title", "sku", "is_active")


class ImageRows(_Rows):
    model = ProductImage
    fields = ("position", "url", "alt")


class ReviewRows(_Rows):
    """What became of a product."""

    model = ProductReview
    fields = ("at", "old", "new", "by", "person", "reason")
    ordering = ("-id",)


class Approval(forms.Form):
    """What the operator has read."""

    version = forms.IntegerField(widget=forms.HiddenInput)


class SendingBack(Approval):
    """Why it goes back."""

    reason = forms.CharField(
        max_length=reviewing.MAX_REASON,
        widget=UnfoldAdminTextareaWidget,
        help_text="The merchant reads it.",
    )


def operator(request: HttpRequest) -> reviewing.Actor:
    """Return who decides."""
    return reviewing.Actor(ProductReview.By.OPERATOR, cast(User, request.user).pk)


@admin.register(WaitingProduct)
class WaitingAdmin(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """Products that were submitted, or changed since they were approved; who waits longest comes first."""

    list_per_page = 50
    show_full_result_count = False
    list_display = ("title", "merchant", "why", "vendor", "waits_since")
    list_filter = ("status", "merchant")
    list_select_related = ("merchant",)
    search_fields = ("title", "handle")
    ordering = ("waits_since", "id")
    inlines = (VariantRows, ImageRows, ReviewRows)
    actions = ("approve_all",)
    actions_detail = ("approve", "send_back")

    def get_queryset(self, request: HttpRequest) -> QuerySet[WaitingProduct]:
        """Return what waits."""
        rows: QuerySet[WaitingProduct] = super().get_queryset(request)
        return rows.filter(waits_since__isnull=False)

    @display(  # type: ignore[untyped-decorator]
        description="Why", label={"submitted": "warning", "changed on sale": "info"}
    )
    def why(self, row: Product) -> str:
        """Say whether it is new, or on sale and changed."""
        return "changed on sale" if row.status == Product.Status.APPROVED else "submitted"

    def has_review_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Products are reviewed by those who may change them."""
        return bool(request.user.has_perm("catalog.change_product"))

    @admin.action(description="Approve", permissions=["review"])
    def approve_all(self, request: HttpRequest, rows: QuerySet[WaitingProduct]) -> None:
        """Approve the chosen products."""
        now, by = timezone.now(), operator(request)
        approved = 0
        for row in rows:
            try:
                reviewing.approve(
                    merchant_id=row.merchant_id, product_id=row.pk, actor=by, now=now, seen=row.version
                )
            except Refusal as refusal:
                messages.error(request, f"{row}: {refusal.text}")
            else:
                approved += 1
        messages.success(request, f"{approved} products are approved.")

    @action(description="Approve", url_path="approve", permissions=["review"])  # type: ignore[untyped-decorator]
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Let it be sold as it was read."""

        def decide(row: Product, said: dict[str, Any]) -> None:
            reviewing.approve(
                merchant_id=row.merchant_id,
                product_id=row.pk,
                actor=operator(request),
                now=timezone.now(),
                seen=said["version"],
            )

        return self._decided(request, object_id, Approval, "Approve", "It is sold as it is now.", decide)

    @action(description="Send back", url_path="send-back", permissions=["review"])  # type: ignore[untyped-decorator]
    def send_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask why, and make a draft of it."""

        def decide(row: Product, said: dict[str, Any]) -> None:
            reviewing.send_back(
                merchant_id=row.merchant_id,
                product_id=row.pk,
                reason=said["reason"],
                actor=operator(request),
                now=timezone.now(),
                seen=said["version"],
            )

        said = "It is a draft again, and not on sale."
        return self._decided(request, object_id, SendingBack, "Send back", said, decide)

    def _decided(
        self,
        request: HttpRequest,
        object_id: str,
        shape: type[Approval],
        title: str,
        said: str,
        decide: Callable[[Product, dict[str, Any]], None],
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        form = shape(request.POST or None, initial={"version": row.version})
        if request.method == "POST" and form.is_valid():
            try:
                decide(row, form.cleaned_data)
            except Refusal as refusal:
                form.add_error(None, refusal.text)
            else:
                self.log_change(request, row, title)
                messages.success(request, f"{row}: {said}")
                return redirect(reverse(QUEUE))
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "said": said,
            "form": form,
            "row": row,
            "back": reverse("admin:catalog_waitingproduct_change", args=[object_id]),
        }
        return render(request, "catalog/admin_review.html", context)
