"""How the shoppers' lists can be narrowed and ordered."""

import re
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema_field

from catalog import search, storefront
from catalog.filters import Filters, TextFilter
from catalog.models import Category, Product
from commerce import money
from commerce.models import Merchant
from streams import discovery
from streams.models import Stream

MOST_ATTRIBUTES = 5
_ATTRIBUTE = re.compile(r"(?=.{3,255}\Z)[a-z0-9][a-z0-9_]{0,39}:[^\x00]+", re.DOTALL)
PAGES = frozenset({"cursor", "page_size"})  # What these lists take besides: they answer all fields.
STATUSES = [(each, each) for each in ("scheduled", "live", "ended")]
_ONLY = [("true", "true")]


@extend_schema_field({"type": "integer", "minimum": 0, "maximum": money.MAX_AMOUNT})
class AmountFilter(filters.Filter):  # type: ignore[misc]  # django-filter ships no types
    """A filter by an amount in minor units."""

    field_class = forms.IntegerField

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, min_value=0, max_value=money.MAX_AMOUNT, **options)


@extend_schema_field({"type": "string", "pattern": "^[A-Z]{3}$"})
class CurrencyFilter(filters.ChoiceFilter):  # type: ignore[misc]
    """A filter by a currency that prices can be in."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, choices=[(each, each) for each in sorted(money.CURRENCIES)], **options)


@extend_schema_field(
    {
        "type": "array",
        "items": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_]{0,39}:[^\\x00]+$", "maxLength": 255},
        "maxItems": MOST_ATTRIBUTES,
        "description": "A code and its value, such as `finish:matte`. Named several times: all of them.",
    }
)
class AttributesFilter(filters.CharFilter):  # type: ignore[misc]
    """A filter by what is said of products."""


class ShopFilter(Filters):
    """Filters of the products that are on sale."""

    several, others = frozenset({"attribute"}), PAGES

    q = TextFilter(
        help_text="Words of the title, vendor, type, tags or description; "
        '`"a phrase"`, `or` and `-without` as in web search.'
    )
    language = filters.ChoiceFilter(
        choices=Product.Language.choices,
        help_text="What `q` is in: finds other forms of its words, in products of that language.",
    )
    merchant = TextFilter(help_text="A merchant's slug.")
    vendor = TextFilter(help_text="In any case.")
    type = TextFilter(help_text="In any case.")
    category = TextFilter(help_text="A category's code; also what is in those below it.")
    attribute = AttributesFilter()
    currency = CurrencyFilter(help_text="Of `price_min`, `price_max` and of sorting by price.")
    price_min = AmountFilter(help_text="Least of the lowest price, in minor units of `currency`.")
    price_max = AmountFilter(help_text="Most of the lowest price, in minor units of `currency`.")
    in_stock = filters.ChoiceFilter(choices=_ONLY, help_text="Only what can be had now.")
    live = filters.ChoiceFilter(choices=_ONLY, help_text="Only what is in a live show now.")
    sort = filters.ChoiceFilter(
        choices=[(each, each) for each in ("relevance", "newest", "price", "-price")],
        help_text="`relevance` where `q` is sent, otherwise `newest`. By price: the lowest of the product.",
    )

    class Meta:
        model = Product
        fields: list[str] = []

    def is_valid(self) -> bool:
        """Tell whether the filters can be read and fit each other; raises ValidationError."""
        valid = super().is_valid()
        asked = self.form.cleaned_data
        by_price = [name for name in ("price_min", "price_max") if asked.get(name) is not None]
        by_price += ["sort"] if asked.get("sort") in ("price", "-price") else []
        wrong = {}
        if by_price and not asked.get("currency") and "currency" not in self.form.errors:
            wrong["currency"] = ValidationError("Prices are in a currency: name it.", code="required")
        if asked.get("sort") == "relevance" and not asked.get("q") and "q" not in self.form.errors:
            wrong["sort"] = ValidationError("Relevance is that of words: send `q`.", code="invalid")
        if "attribute" not in self.form.errors and not all(map(_ATTRIBUTE.fullmatch, self._attributes())):
            wrong["attribute"] = ValidationError("Write a code and its value: finish:matte.", code="invalid")
        elif len(self._attributes()) > MOST_ATTRIBUTES:
            wrong["attribute"] = ValidationError(f"At most {MOST_ATTRIBUTES} at a time.", code="max_length")
        for name, error in wrong.items():
            self.form.add_error(name, error)
        return valid and not wrong

    def _attributes(self) -> list[str]:
        return list(self.data.getlist("attribute"))

    def filter_queryset(self, rows: QuerySet[Product]) -> QuerySet[Product]:
        """Return the products that are asked for, in the order that is asked for."""
        asked = self.form.cleaned_data
        if asked["merchant"]:
            of = _merchant(asked["merchant"])
            rows = rows.filter(merchant=of) if of else rows.none()
        rows = storefront.said(rows, vendor=asked["vendor"] or None, kind=asked["type"] or None)
        if asked["category"]:
            rows = storefront.of_category(rows, asked["category"])
        pairs = [said.split(":", 1) for said in self._attributes()]
        rows = storefront.with_attributes(rows, [(code, value) for code, value in pairs])
        if asked["in_stock"]:
            rows = storefront.in_stock(rows)
        if asked["live"]:
            # And so of these: they are few, whatever there is.
            rows = rows.filter(pk__in=set(discovery.live_items().values_list("product", flat=True)))
        return self._ordered(rows)

    def _ordered(self, rows: QuerySet[Product]) -> QuerySet[Product]:
        asked = self.form.cleaned_data
        least, most = asked["price_min"], asked["price_max"]
        currency, sort = asked["currency"], asked["sort"]
        by_price = sort in ("price", "-price")
        if currency and not by_price:
            rows = storefront.priced(rows, currency=currency, least=least, most=most)
        if asked["q"]:
            # After all that narrows, before what multiplies rows: a search looks at so many products.
            rows = search.ranked_of_all(rows, text=asked["q"], language=asked["language"] or "")
        if by_price:
            return storefront.by_price(
                rows, currency=currency, dearest_first=sort == "-price", least=least, most=most
            )
        if asked["q"] and sort != "newest":
            return rows.order_by(f"-{search.ANNOTATION}", "-id")
        return rows


class BranchFilter(Filters):
    """Filters of the categories with something on sale."""

    others = PAGES

    parent = TextFilter("parent__code", help_text="A code: what is directly below it.")
    top = filters.ChoiceFilter(method="at_the_top", choices=_ONLY, help_text="Only what is below no other.")

    class Meta:
        model = Category
        fields: list[str] = []

    def at_the_top(self, rows: QuerySet[Category], name: str, value: str) -> QuerySet[Category]:
        """Narrow to where the tree begins."""
        return rows.filter(parent=None)


class ShowFilter(Filters):
    """Filters of the shows of a product."""

    others = PAGES

    status = filters.ChoiceFilter(choices=STATUSES)

    class Meta:
        model = Stream
        fields: list[str] = []


class StreamFilter(Filters):
    """Filters of the shows."""

    others = PAGES

    status = filters.ChoiceFilter(choices=STATUSES, help_text="To come, on now, or over.")
    product = filters.UUIDFilter(help_text="Shows that have, or had, this product.")
    merchant = TextFilter(help_text="A merchant's slug: shows that have, or had, its goods.")
    host = TextFilter(help_text="A host's slug.")

    class Meta:
        model = Stream
        fields: list[str] = []

    def filter_queryset(self, rows: QuerySet[Stream]) -> QuerySet[Stream]:
        """Return the shows that are asked for."""
        asked = {name: value or None for name, value in self.form.cleaned_data.items()}
        merchant = asked.pop("merchant")
        of = _merchant(merchant) if merchant else None
        found = discovery.shows(now=timezone.now(), product_id=asked.pop("product"), merchant_id=of, **asked)
        return found.none() if merchant and of is None else found


def _merchant(slug: str) -> UUID | None:
    """Looked up first: of an id PostgreSQL knows how much is its, of a subquery nothing."""
    return Merchant.objects.filter(slug=slug, is_active=True).values_list("pk", flat=True).first()
