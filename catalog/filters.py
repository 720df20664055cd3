"""How lists of the merchant API can be narrowed."""

from django.db.models import QuerySet
from django_filters import rest_framework as filters

from catalog import queries
from catalog.models import Import, Product, Variant


class ProductFilter(filters.FilterSet):  # type: ignore[misc]  # django-filter ships no types
    """Filters of the list of products."""

    status = filters.ChoiceFilter(choices=Product.Status.choices)
    vendor = filters.CharFilter(lookup_expr="iexact", max_length=255)
    type = filters.CharFilter("product_type", lookup_expr="iexact", max_length=255)
    handle = filters.CharFilter(max_length=255, help_text="Your own id of the product.")
    updated_since = filters.IsoDateTimeFilter(
        "updated_at",
        lookup_expr="gte",
        help_text="Changed then or later (stock and prices apart).",
    )
    q = filters.CharFilter(
        method="search", max_length=100, help_text="Part of title, handle or vendor, or a whole SKU."
    )

    class Meta:
        model = Product
        fields: list[str] = []

    def search(self, rows: QuerySet[Product], name: str, value: str) -> QuerySet[Product]:
        """Narrow to what has the text."""
        return queries.matching(rows, value)


class VariantFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of the list of variants."""

    sku = filters.CharFilter(max_length=255)
    barcode = filters.CharFilter(max_length=64)
    product = filters.UUIDFilter("product_id")

    class Meta:
        model = Variant
        fields: list[str] = []


class ImportFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of the list of imports."""

    status = filters.ChoiceFilter(choices=Import.Status.choices)

    class Meta:
        model = Import
        fields: list[str] = []
