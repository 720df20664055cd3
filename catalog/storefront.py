"""What anybody may see of the catalog: what is on sale, of every merchant, and never how many are left."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    Exists,
    F,
    Func,
    Max,
    Min,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Sum,
    TextField,
    Value,
)

from catalog import preorders, queries, search, taxonomy
from catalog.media import shelved
from catalog.models import Price, Product, ProductImage, Variant
from commerce import errors
from commerce.models import Merchant
from commerce.money import Money

AMOUNT, CHEAPEST = "amount", "cheapest"
FEW = 5
SUGGESTIONS = 10
LOOKED_AT = 200  # Titles that suggestions are chosen from: the newest.
Body = dict[str, Any]
_TEXTS = ArrayField(TextField())


class UnknownProduct(errors.NotFound):
    """No product that is on sale has this id."""

    message = "There is no such product."


class UnknownMerchant(errors.NotFound):
    """No active merchant has this address."""

    message = "There is no such merchant."


class InStock(StrEnum):
    """How much there is, in a word: who counts a competitor's sales by its stock learns nothing."""

    YES = "yes"
    FEW = "few"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a product costs, from its cheapest variant to its dearest, and how much of it there is."""

    low: Money
    high: Money
    stock: InStock


def on_sale() -> QuerySet[Product]:
    """Return what can be bought: approved, of an active merchant, with an active variant that has a price."""
    sellable = Exists(_prices(variant__product=OuterRef("pk")))
    on = Product.objects.filter(sellable, status=Product.Status.APPROVED, merchant__is_active=True)
    return on.select_related("merchant", "category")


def product(product_id: UUID) -> Product:
    """Return a product on sale with its pictures and sellable variants; raises UnknownProduct."""
    variants = (
        Variant.objects.filter(Exists(_prices(variant=OuterRef("pk"))), is_active=True)
        .annotate(units_left=queries.units_left(), released_at=queries.released_at())
        .prefetch_related(
            Prefetch("prices", queryset=Price.objects.filter(valid_to=None), to_attr="current_prices")
        )
        .order_by("position", "id")
    )
    pictures = ProductImage.objects.select_related("picture").order_by("position", "id")
    rows = on_sale().prefetch_related(
        Prefetch("variants", queryset=variants, to_attr="sellable"),
        Prefetch("images", queryset=pictures, to_attr="pictures"),
    )
    found = rows.filter(pk=product_id).first()
    if found is None:
        raise UnknownProduct
    return found


def is_on_sale(product_id: UUID) -> bool:
    """Tell whether anybody may see this product."""
    return on_sale().filter(pk=product_id).exists()


def merchant(slug: str) -> Merchant:
    """Return the active merchant with this address; raises UnknownMerchant."""
    found = Merchant.objects.filter(slug=slug, is_active=True).first()
    if found is None:
        raise UnknownMerchant
    return found


def said(rows: QuerySet[Product], *, vendor: str | None = None, kind: str | None = None) -> QuerySet[Product]:
    """Narrow to a vendor and a type, in any case; those of all merchants are found through their words."""
    if vendor is not None:
        rows = search.worded(rows, vendor).filter(vendor__iexact=vendor)
    if kind is not None:
        rows = search.worded(rows, kind).filter(product_type__iexact=kind)
    return rows


def of_category(rows: QuerySet[Product], code: str) -> QuerySet[Product]:
    """Narrow to a category and all below it, by its code; nothing is in one that there is not."""
    return queries.of_category(rows, code)


def with_attributes(rows: QuerySet[Product], said: Collection[tuple[str, str]]) -> QuerySet[Product]:
    """Narrow to products that say all of these, as pairs of code and value."""
    if not said:
        return rows
    traits = Func(F("attributes"), function="catalog_traits", output_field=_TEXTS)
    # The index has only what is approved and says anything.
    rows = rows.exclude(attributes={}).alias(traits=traits)
    for code, value in said:
        rows = rows.filter(traits__overlap=Value(taxonomy.traits(code, value), output_field=_TEXTS))
    return rows


def in_stock(rows: QuerySet[Product]) -> QuerySet[Product]:
    """Narrow to products of which a unit can be promised now."""
    priced = Exists(_prices(variant=OuterRef("pk")))
    left = Variant.objects.filter(priced, product=OuterRef("pk"), is_active=True)
    return rows.filter(Exists(left.annotate(units=queries.units_left()).filter(units__gt=0)))


def priced(
    rows: QuerySet[Product], *, currency: str, least: int | None = None, most: int | None = None
) -> QuerySet[Product]:
    """Narrow to products whose lowest price in this currency is in the range, both ends included."""
    of_product = _prices(variant__product=OuterRef("pk"), currency=currency)
    within = of_product if most is None else of_product.filter(amount__lte=most)
    if least is None:
        return rows.filter(Exists(within))
    # The first part alone finds what is rare by the index of prices.
    return rows.filter(Exists(within.filter(amount__gte=least)), ~Exists(of_product.filter(amount__lt=least)))


def by_price(
    rows: QuerySet[Product],
    *,
    currency: str,
    dearest_first: bool = False,
    least: int | None = None,
    most: int | None = None,
) -> QuerySet[Product]:
    """Narrow like `priced` and order by the lowest price, annotated as AMOUNT with its variant, CHEAPEST.

    Goes along the index of current prices: the first of a product's prices there is its lowest.
    """
    with_prices = rows.filter(
        variants__is_active=True, variants__prices__valid_to=None, variants__prices__currency=currency
    ).annotate(**{AMOUNT: F("variants__prices__amount"), CHEAPEST: F("variants__prices__variant_id")})
    cheaper = _prices(variant__product=OuterRef("pk"), currency=currency).filter(
        Q(amount__lt=OuterRef(AMOUNT)) | Q(amount=OuterRef(AMOUNT), variant__lt=OuterRef(CHEAPEST))
    )
    lowest = with_prices.filter(~Exists(cheaper))
    if least is not None:
        lowest = lowest.filter(**{f"{AMOUNT}__gte": least})
    if most is not None:
        lowest = lowest.filter(**{f"{AMOUNT}__lte": most})
    sign = "-" if dearest_first else ""
    return lowest.order_by(sign + AMOUNT, sign + CHEAPEST)


def suggestions(text: str) -> list[str]:
    """Return titles that the text may be the beginning of, those that begin with it first, each once."""
    rows = search.titled(on_sale(), text).order_by("-id").values_list("title", flat=True)[:LOOKED_AT]
    titles = {title.casefold(): title for title in reversed(rows)}
    begun = text.strip().casefold()
    return sorted(
        titles.values(),
        key=lambda title: (not title.casefold().startswith(begun), len(title), title.casefold()),
    )[:SUGGESTIONS]


def facts(products: Collection[Product], *, currency: str | None = None) -> dict[UUID, Facts]:
    """Return what products cost and whether they are there, in one statement however many they are.

    In this currency where a product has prices in it, otherwise in its merchant's.
    """
    rows = (
        Variant.objects.filter(
            product__in=[each.pk for each in products],
            is_active=True,
            prices__valid_to=None,
            prices__isnull=False,
        )
        .values("product", code=F("prices__currency"))
        .annotate(low=Min("prices__amount"), high=Max("prices__amount"), units=Sum(queries.units_left()))
        .order_by("code")
    )
    found: dict[UUID, list[Body]] = {}
    for row in rows:
        found.setdefault(row["product"], []).append(dict(row))
    return {
        each.pk: _facts(found[each.pk], (currency, each.merchant.currency))
        for each in products
        if each.pk in found
    }


def pictures(product_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return where the first picture of each of the products is, our file or what was named."""
    return {pk: shelved.outside(url) for pk, url in shelved.first(product_ids).items()}


def stock(units: int) -> InStock:
    """Return in a word how much there is."""
    if units <= 0:
        return InStock.NO
    return InStock.FEW if units <= FEW else InStock.YES


def variant_body(variant: Any) -> Body:
    """Return what anybody is told of a variant that `product` gave."""
    price, opens_at = variant.current_prices[0], preorders.opens_at(variant.released_at)
    return {
        "id": variant.pk,
        "title": variant.title,
        "options": variant.options,
        "price": Money(price.amount, price.currency).as_dict(),
        "stock": stock(variant.units_left),
        "release_at": variant.released_at,
        "opens_at": opens_at,
    }


def _prices(**which: Any) -> QuerySet[Price]:
    """Prices that count now, of variants that can be bought."""
    return Price.objects.filter(valid_to=None, variant__is_active=True, **which)


def _facts(rows: list[Body], wanted: tuple[str | None, ...]) -> Facts:
    row = min(rows, key=lambda each: wanted.index(each["code"]) if each["code"] in wanted else len(wanted))
    units = max(each["units"] for each in rows)
    return Facts(Money(row["low"], row["code"]), Money(row["high"], row["code"]), stock(units))
