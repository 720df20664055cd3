"""How lists of stock, of its log and of locations can be narrowed."""

from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.filters import Filters, TextFilter, TruthFilter
from catalog.models import Location, LocationStock, Stock, StockMovement, Variant
from catalog.shelf import thresholds
from commerce.moments import MomentFilter

MAX_SKUS = 100


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": 1_000_000_000})
class UnitsFilter(filters.NumberFilter):  # type: ignore[misc]  # django-filter ships no types
    """A filter by a number of units."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, min_value=1, max_value=1_000_000_000, decimal_places=0, **options)


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": 20_000})
class ListFilter(filters.CharFilter):  # type: ignore[misc]
    """A filter by texts with commas between them."""


class LocationFilter(Filters):
    """Filters of the list of locations."""

    code = TextFilter()
    is_active = TruthFilter()

    class Meta:
        model = Location
        fields: list[str] = []


class _AtLocation(Filters):
    """A filter by the code of a location."""

    location = TextFilter(method="at_location", help_text="Its code.")

    class Meta:
        model = Stock
        fields: list[str] = []

    @property
    def merchant_id(self) -> UUID:
        """Return whose list it is."""
        found: UUID = self.request.auth.merchant_id
        return found

    def place(self, code: str) -> Location | None:
        """Return the location that the code means, None for one that there is not."""
        return Location.objects.filter(merchant_id=self.merchant_id, code=code).first()


class LevelFilter(_AtLocation):
    """Filters of the list of stock."""

    sku = TextFilter("variant__sku")
    skus = ListFilter(method="of_skus", help_text=f"Up to {MAX_SKUS}, with commas between them.")
    below = UnitsFilter("available", lookup_expr="lt", help_text="Fewer can be promised than so many.")
    low = TruthFilter(
        method="of_low", help_text="As few can be promised as its `low_at`, or fewer; false: the others."
    )
    updated_since = MomentFilter(
        "updated_at",
        lookup_expr="gte",
        help_text="Changed then or later: by sales too, and where it lies as well as how much there is.",
    )

    class Meta:
        model = Stock
        fields: list[str] = []

    def of_skus(self, rows: QuerySet[Stock], name: str, value: str) -> QuerySet[Stock]:
        """Narrow to some SKUs; raises ValidationError where there are too many."""
        skus = {text.strip() for text in value.split(",")} - {""}
        if not 0 < len(skus) <= MAX_SKUS:
            raise serializers.ValidationError({name: [f"Name 1 to {MAX_SKUS} SKUs."]}, code="BAD_LIST")
        return rows.filter(variant__merchant_id=self.merchant_id, variant__sku__in=sorted(skus))

    def of_low(self, rows: QuerySet[Stock], name: str, value: bool) -> QuerySet[Stock]:
        """Narrow to that of which little is left, or to the others."""
        if not value:
            return rows.filter(Q(variant__low_stock=None) | Q(available__gt=F("variant__low_stock__low_at")))
        return thresholds.low(rows, merchant_id=self.merchant_id)

    def at_location(self, rows: QuerySet[Stock], name: str, value: str) -> QuerySet[Stock]:
        """Narrow to what was ever counted at a location; at the main one may lie anything."""
        place = self.place(value)
        if place is None:
            return rows.none()
        if place.is_main:
            return rows
        return rows.filter(pk__in=LocationStock.objects.filter(location=place).values("variant"))


class MovementFilter(_AtLocation):
    """Filters of the log of stock."""

    variant = filters.UUIDFilter("variant_id")
    sku = TextFilter(method="of_sku")
    reason = filters.ChoiceFilter(choices=StockMovement.Reason.choices)
    since = MomentFilter("at", lookup_expr="gte", help_text="Then or later.")
    until = MomentFilter("at", lookup_expr="lt", help_text="Before then.")

    class Meta:
        model = StockMovement
        fields: list[str] = []

    def of_sku(self, rows: QuerySet[StockMovement], name: str, value: str) -> QuerySet[StockMovement]:
        """Narrow to the variant of a SKU."""
        # Looked up before, so that PostgreSQL knows that it is one.
        one = Variant.objects.filter(merchant_id=self.merchant_id, sku=value).values_list("pk", flat=True)
        pk = one.first()
        return rows.none() if pk is None else rows.filter(variant_id=pk)

    def at_location(self, rows: QuerySet[StockMovement], name: str, value: str) -> QuerySet[StockMovement]:
        """Narrow to a location; to the main one belongs what names none."""
        place = self.place(value)
        if place is None:
            return rows.none()
        return (
            rows.filter(Q(location=place) | Q(location=None))
            if place.is_main
            else rows.filter(location=place)
        )
