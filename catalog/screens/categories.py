"""Operations screens of the shop's categories and of what is said of the goods in them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from catalog import taxonomy
from catalog.models import Category, CategoryAttribute
from commerce import screens

MAX_DEPTH = 8


class CategoryForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable when it runs
    """A category. Nobody else moves one while this one is looked at and saved."""

    class Meta:
        model = Category
        fields = ("code", "name", "parent")

    def clean(self) -> dict[str, Any]:
        """Refuse what is below itself, or too far down."""
        said: dict[str, Any] = super().clean() or {}
        taxonomy.lock()
        parent = said.get("parent")
        if parent is None:
            return said
        parent.refresh_from_db(fields=["path"])
        mine = Category.objects.filter(pk=self.instance.pk).values_list("path", flat=True).first()
        if mine is not None and f"{parent.path}/".startswith(f"{mine}/"):
            raise forms.ValidationError({"parent": "A category cannot be below itself."})
        below = Category.objects.filter(path__startswith=f"{mine}/") if mine else Category.objects.none()
        deepest = max((path.count("/") for path in below.values_list("path", flat=True)), default=0)
        levels = deepest - mine.count("/") if mine and deepest else 0
        if parent.path.count("/") + 2 + levels > MAX_DEPTH:
            raise forms.ValidationError({"parent": f"A tree has at most {MAX_DEPTH} levels."})
        return said


class AttributeForm(forms.ModelForm):  # type: ignore[type-arg]
    """Something that is said of goods."""

    class Meta:
        model = CategoryAttribute
        fields = ("code", "name", "kind", "unit", "choices", "required")

    def clean(self) -> dict[str, Any]:
        """Refuse a choice without choices, and choices of anything else."""
        said: dict[str, Any] = super().clean() or {}
        if (said.get("kind") == CategoryAttribute.Kind.CHOICE) != bool(said.get("choices")):
            raise forms.ValidationError({"choices": "A choice has choices, and nothing else has."})
        return said


class AttributeInline(TabularInline):  # type: ignore[misc]  # the package ships no types
    model = CategoryAttribute
    form = AttributeForm
    extra = 0


@admin.register(Category)
class CategoryAdmin(screens.Kept, ModelAdmin):  # type: ignore[misc]
    """The tree of categories, for all merchants; products are in them, so none is deleted."""

    form = CategoryForm
    list_per_page = 100
    show_full_result_count = False
    list_display = ("path", "name", "code")
    search_fields = ("code", "name", "path")
    autocomplete_fields = ("parent",)
    readonly_fields = ("path",)
    ordering = ("path",)
    inlines = (AttributeInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        """Return the tree in its order."""
        rows: QuerySet[Category] = super().get_queryset(request)
        return rows.order_by("path")
