"""How lists of the merchant API can be narrowed."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from catalog import queries, search
from catalog.models import (
    Category,
    CommissionPlan,
    CommissionProduct,
    CommissionRate,
    Export,
    Import,
    Product,
    ProductImage,
    Variant,
)
from commerce import following
from commerce.moments import MomentFilter


class Filters(filters.FilterSet):  # type: ignore[misc]  # django-filter ships no types
    """Filters that refuse what they do not know: a caller who mistyped one does not want everything."""

    several: frozenset[str] = frozenset()  # Those that may be named more than once.
    others = frozenset({"cursor", "page_size", "fields"})  # What a list takes beside its filters.

    def is_valid(self) -> bool:
        """Tell whether every filter that is named has one value that can be read.

        Raises ValidationError for what is no filter, or is named twice.
        """
        wrong = {
            name[:100]: [ErrorDetail("There is no such filter.", code="UNKNOWN_FILTER")]
            for name in self.data
            if name not in self.filters and name not in self.others
        } | {
            name[:100]: [ErrorDetail("Name it once.", code="DUPLICATE_FILTER")]
            for name in self.data
            if len(self.data.getlist(name)) > 1 and name not in self.several
        }
        if wrong:
            raise serializers.ValidationError(wrong)
        valid = bool(super().is_valid())
        blank = [name for name in self.filters if self.data.get(name) == ""]
        for name in blank:
            self.form.add_error(name, ValidationError("Name a value, or leave the filter out.", code="blank"))
        return valid and not blank


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": 255})
class TextFilter(filters.CharFilter):  # type: ignore[misc]
    """A filter by text."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, max_length=255, **options)


@extend_schema_field({"type": "boolean"})
class TruthFilter(filters.TypedChoiceFilter):  # type: ignore[misc]
    """A filter by `true` or `false`, and nothing that only looks like it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        words = [("true", "true"), ("false", "false")]
        super().__init__(*args, choices=words, coerce=lambda word: word == "true", **options)


@extend_schema_field({"type": "string", "format": "uuid"})
class IdFilter(filters.UUIDFilter):  # type: ignore[misc]
    """A filter by id that a method answers."""


class UpdatedSince(MomentFilter):
    """A filter by the moment of the last change that a method answers."""


class ProductFilter(Filters):
    """Filters of the list of products."""

    status = filters.ChoiceFilter(choices=Product.Status.choices)
    vendor = TextFilter(lookup_expr="iexact")
    type = TextFilter("product_type", lookup_expr="iexact")
    handle = TextFilter(help_text="Your own id of the product.")
    updated_since = UpdatedSince(
        method="since",
        help_text="It, its pictures or its variants were changed then or later (stock and prices apart), the"
        " longest unchanged first. To go on following, name the last `updated_at` that you have seen.",
    )
    category = TextFilter(method="of_category", help_text="A code; also what is in categories below it.")
    tag = TextFilter(method="with_tag", help_text="As it is written.")
    attribute = TextFilter(method="with_attribute", help_text="A code and its value, such as `finish:matte`.")
    language = filters.ChoiceFilter(
        choices=Product.Language.choices,
        method="of_search",
        help_text="What `q` is in: finds other forms of its words, in products of that language.",
    )
    # Last: what it finds is already narrowed by the others.
    q = TextFilter(
        method="search",
        help_text="Words of the title, vendor, type, tags, handle or description, best first; "
        '`"a phrase"`, `or` and `-without` as in web search. A whole SKU or barcode comes before them.',
    )

    class Meta:
        model = Product
        fields: list[str] = []

    def search(self, rows: QuerySet[Product], name: str, value: str) -> QuerySet[Product]:
        """Narrow to what has the words, and rank it."""
        return search.ranked(
            rows,
            merchant_id=self.request.auth.merchant_id,
            text=value,
            language=self.form.cleaned_data.get("language") or "",
        )

    def since(self, rows: QuerySet[Product], name: str, value: datetime) -> QuerySet[Product]:
        """Narrow to what was changed then or later."""
        return following.since(rows, value)

    def of_category(self, rows: QuerySet[Product], name: str, value: str) -> QuerySet[Product]:
        """Narrow to a category and all below it."""
        return queries.of_category(rows, value)

    def with_tag(self, rows: QuerySet[Product], name: str, value: str) -> QuerySet[Product]:
        """Narrow to what has a tag."""
        return queries.with_tag(rows, merchant_id=self.request.auth.merchant_id, tag=value)

    def with_attribute(self, rows: QuerySet[Product], name: str, value: str) -> QuerySet[Product]:
        """Narrow to what has a value; nothing has what is not written as code and value."""
        return queries.with_attribute(rows, merchant_id=self.request.auth.merchant_id, said=value)

    def of_search(self, rows: QuerySet[Product], name: str, value: str) -> QuerySet[Product]:
        """Narrow nothing: the language is that of `q`."""
        return rows


class CategoryFilter(Filters):
    """Filters of the list of categories."""

    parent = TextFilter("parent__code", help_text="A code: what is directly below it.")
    q = TextFilter("name", lookup_expr="icontains", help_text="A part of the name.")

    class Meta:
        model = Category
        fields: list[str] = []


class NameFilter(Filters):
    """Filters of the lists of brands and tags."""

    q = TextFilter(method="as_it_is", help_text="A part of the name, in any case.")

    class Meta:
        model = Product
        fields: list[str] = []

    def as_it_is(self, rows: QuerySet[Product], name: str, value: str) -> QuerySet[Product]:
        """Narrow nothing: names are read by jumps."""
        return rows


class VariantFilter(Filters):
    """Filters of the list of variants."""

    sku = TextFilter()
    barcode = TextFilter()
    product = filters.UUIDFilter("product_id")
    announced = TruthFilter(
        method="with_announced", help_text="A price of it is to come, or runs; false: none."
    )
    updated_since = UpdatedSince(
        method="since",
        help_text="It or its price was changed then or later (stock apart), the longest unchanged first."
        " To go on following, name the last `updated_at` that you have seen.",
    )

    class Meta:
        model = Variant
        fields: list[str] = []

    def with_announced(self, rows: QuerySet[Variant], name: str, value: bool) -> QuerySet[Variant]:
        """Narrow to variants of which a price is announced, or to the others."""
        theirs = Exists(
            queries.price_schedules(merchant_id=self.request.auth.merchant_id)
            .order_by()
            .filter(variant=OuterRef("pk"), status__in=queries.OPEN)
        )
        return rows.filter(theirs if value else ~theirs)

    def since(self, rows: QuerySet[Variant], name: str, value: datetime) -> QuerySet[Variant]:
        """Narrow to what was changed then or later."""
        return following.since(rows, value)


class ImageFilter(Filters):
    """Filters of the list of pictures."""

    state = filters.ChoiceFilter(choices=ProductImage.State.choices)
    product = filters.UUIDFilter("product_id")

    class Meta:
        model = ProductImage
        fields: list[str] = []


class ImportFilter(Filters):
    """Filters of the list of imports."""

    status = filters.ChoiceFilter(choices=Import.Status.choices)

    class Meta:
        model = Import
        fields: list[str] = []


class ExportFilter(Filters):
    """Filters of the list of exports."""

    status = filters.ChoiceFilter(choices=Export.Status.choices)

    class Meta:
        model = Export
        fields: list[str] = []


class PlanFilter(Filters):
    """Filters of the list of commission plans."""

    kind = filters.ChoiceFilter(choices=CommissionPlan.Kind.choices)
    state = filters.ChoiceFilter(
        choices=[("running", "running"), ("ended", "ended")],
        method="in_state",
        help_text="Running until it has ended.",
    )
    host = TextFilter(method="for_host", help_text="Targeted plans that name her, now or once announced.")
    product = IdFilter(method="for_product", help_text="Plans that are for it, by name or for all.")

    class Meta:
        model = CommissionPlan
        fields: list[str] = []

    def in_state(self, rows: QuerySet[CommissionPlan], name: str, value: str) -> QuerySet[CommissionPlan]:
        """Narrow to what runs, or to what has ended."""
        ended = Q(ends_at__lte=Now())
        return rows.filter(ended) if value == "ended" else rows.exclude(ended)

    def for_host(self, rows: QuerySet[CommissionPlan], name: str, value: str) -> QuerySet[CommissionPlan]:
        """Narrow to the plans of a host."""
        hers = CommissionRate.objects.filter(Q(valid_until=None) | Q(valid_until__gt=Now()), host__slug=value)
        return rows.filter(pk__in=hers.values("plan"))

    def for_product(self, rows: QuerySet[CommissionPlan], name: str, value: Any) -> QuerySet[CommissionPlan]:
        """Narrow to the plans of a product."""
        named = CommissionProduct.objects.filter(
            Q(valid_until=None) | Q(valid_until__gt=Now()), product=value
        )
        return rows.filter(Q(all_products=True) | Q(pk__in=named.values("plan")))
