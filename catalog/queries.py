"""Reads of the catalog. Each starts from one merchant; another merchant's id is an unknown id."""

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    Case,
    DateTimeField,
    Exists,
    F,
    Func,
    IntegerField,
    Max,
    Min,
    OuterRef,
    Prefetch,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Greatest

from catalog import taxonomy
from catalog.models import (
    BundlePart,
    Export,
    Import,
    ImportProblem,
    Location,
    LocationStock,
    Price,
    PriceSchedule,
    Product,
    ProductImage,
    ProductReview,
    ProductTag,
    Stock,
    StockMovement,
    Variant,
)
from commerce import errors

OPEN = (PriceSchedule.Status.UPCOMING, PriceSchedule.Status.RUNNING)
_TEXTS = ArrayField(TextField())
HISTORY = 100
MOVEMENTS = 50
REDUCTION_WINDOW = timedelta(days=30)


class UnknownProduct(errors.NotFound):
    """The merchant has no such product."""

    message = "There is no such product."


class UnknownVariant(errors.NotFound):
    """The merchant has no such variant."""

    message = "There is no such variant."


class UnknownImport(errors.NotFound):
    """The merchant has no such import."""

    message = "There is no such import."


class UnknownExport(errors.NotFound):
    """The merchant has no such export."""

    message = "There is no such export."


def listed(*, merchant_id: UUID) -> QuerySet[Product]:
    """Return a merchant's products, for lists that read by the page what else is shown of them."""
    return Product.objects.filter(merchant_id=merchant_id).select_related("category")


def products(
    *, merchant_id: UUID, images: bool = True, variants: bool = True, prices: bool = True, units: bool = True
) -> QuerySet[Product]:
    """Return a merchant's products with all that is shown of them, in four queries however many they are.

    What is not wanted is empty and not read: pictures, variants, their prices, what can be promised of them.
    """
    pictures = ProductImage.objects.select_related("picture").order_by("position", "id")
    goods = _dressed(Variant.objects.order_by("position", "id"), prices=prices, units=units)
    return listed(merchant_id=merchant_id).prefetch_related(
        Prefetch("images", queryset=pictures if images else pictures.none()),
        Prefetch("variants", queryset=goods if variants else goods.none()),
    )


def product(*, merchant_id: UUID, product_id: UUID, **wanted: bool) -> Product:
    """Return one product as `products` does; raises UnknownProduct."""
    found = products(merchant_id=merchant_id, **wanted).filter(pk=product_id).first()
    if found is None:
        raise UnknownProduct
    return found


def of_category(rows: QuerySet[Product], code: str) -> QuerySet[Product]:
    """Narrow products to a category and all below it, by its code."""
    return rows.filter(category__in=list(taxonomy.below(code).values_list("pk", flat=True)))


def with_tag(rows: QuerySet[Product], *, merchant_id: UUID, tag: str) -> QuerySet[Product]:
    """Narrow a merchant's products to those with a tag."""
    theirs = ProductTag.objects.filter(merchant_id=merchant_id, tag=tag, product_id=OuterRef("pk"))
    return rows.filter(Exists(theirs))


def with_attribute(rows: QuerySet[Product], *, merchant_id: UUID, said: str) -> QuerySet[Product]:
    """Narrow a merchant's products to those with a value, written as `code:value`."""
    code, _, value = said.partition(":")
    facets = Func(F("merchant_id"), F("attributes"), function="catalog_facets", output_field=_TEXTS)
    wanted = Value(taxonomy.facets(merchant_id, code, value), output_field=_TEXTS)
    return rows.exclude(attributes={}).alias(facets=facets).filter(facets__overlap=wanted)


def reviews(*, merchant_id: UUID, product_id: UUID) -> QuerySet[ProductReview]:
    """Return every change of a product's status; raises UnknownProduct."""
    if not Product.objects.filter(merchant_id=merchant_id, pk=product_id).exists():
        raise UnknownProduct
    return ProductReview.objects.filter(merchant_id=merchant_id, product_id=product_id)


def variants(*, merchant_id: UUID, prices: bool = True, units: bool = True) -> QuerySet[Variant]:
    """Return a merchant's variants with all that is shown of them, in two queries however many they are.

    Prices, and what can be promised, are not read where they are not wanted.
    """
    mine = Variant.objects.filter(merchant_id=merchant_id).select_related("product")
    return _dressed(mine, prices=prices, units=units)


def variant(*, merchant_id: UUID, variant_id: UUID, **wanted: bool) -> Variant:
    """Return one variant as `variants` does; raises UnknownVariant."""
    found = variants(merchant_id=merchant_id, **wanted).filter(pk=variant_id).first()
    if found is None:
        raise UnknownVariant
    return found


def units_left() -> Coalesce:
    """Return the expression of what can be promised of a variant: of a bundle, what its parts allow."""
    whole = Coalesce(F("part__stock__available"), 0) / F("quantity")
    of_part = Case(When(part__is_active=True, then=whole), default=Value(0), output_field=IntegerField())
    parts = BundlePart.objects.filter(bundle=OuterRef("pk")).order_by().values("bundle")
    return Coalesce(
        Subquery(parts.annotate(units=Min(of_part)).values("units")), F("stock__available"), Value(0)
    )


def released_at() -> Greatest:
    """Return the expression of when a variant is released: of a bundle when the last of its parts is, and it.

    Null where none of them has a release date.
    """
    parts = BundlePart.objects.filter(bundle=OuterRef("pk")).order_by().values("bundle")
    latest = Subquery(parts.annotate(at=Max("part__release_at")).values("at"))
    # PostgreSQL's GREATEST leaves nulls out.
    return Greatest(F("release_at"), latest, output_field=DateTimeField())


def price_history(*, merchant_id: UUID, variant_id: UUID) -> list[Price]:
    """Return the latest HISTORY prices of a variant, newest first; raises UnknownVariant."""
    rows = Price.objects.filter(merchant_id=merchant_id, variant_id=variant_id)
    found = list(rows.order_by("-valid_from", "-id")[:HISTORY])
    if not found:
        variant(merchant_id=merchant_id, variant_id=variant_id)
    return found


def announced(*, merchant_id: UUID, variant_id: UUID) -> list[PriceSchedule]:
    """Return what is announced of a variant's price and not over, what begins first first."""
    rows = PriceSchedule.objects.filter(merchant_id=merchant_id, variant_id=variant_id)
    return list(rows.filter(status__in=OPEN).order_by("starts_at"))


def price_schedules(*, merchant_id: UUID) -> QuerySet[PriceSchedule]:
    """Return a merchant's announced prices with their variants, also those that are over."""
    return PriceSchedule.objects.filter(merchant_id=merchant_id).select_related("variant")


def locations(*, merchant_id: UUID) -> QuerySet[Location]:
    """Return a merchant's locations."""
    return Location.objects.filter(merchant_id=merchant_id)


def levels(*, merchant_id: UUID) -> QuerySet[Stock]:
    """Return a merchant's stock with what lies where, in two queries however many rows."""
    main = Location.objects.filter(merchant_id=merchant_id, is_main=True).values("code")
    lying = LocationStock.objects.select_related("location").order_by("location__code")
    return (
        Stock.objects.filter(merchant_id=merchant_id)
        .select_related("variant__product", "variant__low_stock")
        .annotate(main_code=Subquery(main))
        .prefetch_related(Prefetch("variant__location_stock", queryset=lying, to_attr="lying"))
    )


def stock(*, merchant_id: UUID, variant_id: UUID) -> Stock:
    """Return a variant's stock, with what lies where; raises UnknownVariant."""
    found = levels(merchant_id=merchant_id).filter(pk=variant_id).first()
    if found is None:
        raise UnknownVariant
    return found


def movements(*, merchant_id: UUID, variant_id: UUID) -> list[StockMovement]:
    """Return the latest MOVEMENTS changes of a variant's stock, newest first."""
    rows = StockMovement.objects.filter(merchant_id=merchant_id, variant_id=variant_id)
    return list(rows.select_related("location").order_by("-id")[:MOVEMENTS])


def movement_log(*, merchant_id: UUID) -> QuerySet[StockMovement]:
    """Return all changes of a merchant's stock other than sales, with their variants and locations."""
    rows = StockMovement.objects.filter(merchant_id=merchant_id)
    return rows.select_related("variant", "location")


def imports(*, merchant_id: UUID) -> QuerySet[Import]:
    """Return a merchant's imports."""
    return Import.objects.filter(merchant_id=merchant_id)


def import_job(*, merchant_id: UUID, import_id: UUID) -> Import:
    """Return one import; raises UnknownImport."""
    found = imports(merchant_id=merchant_id).filter(pk=import_id).first()
    if found is None:
        raise UnknownImport
    return found


def problems(*, merchant_id: UUID, import_id: UUID) -> QuerySet[ImportProblem]:
    """Return what was wrong with an import's rows; raises UnknownImport."""
    return import_job(merchant_id=merchant_id, import_id=import_id).problems.all()


def exports(*, merchant_id: UUID) -> QuerySet[Export]:
    """Return a merchant's exports."""
    return Export.objects.filter(merchant_id=merchant_id)


def export_job(*, merchant_id: UUID, export_id: UUID) -> Export:
    """Return one export; raises UnknownExport."""
    found = exports(merchant_id=merchant_id).filter(pk=export_id).first()
    if found is None:
        raise UnknownExport
    return found


def reduction_window(now: datetime) -> datetime:
    """Return the moment from which prices count when a reduction is announced now."""
    return now - REDUCTION_WINDOW


def _dressed(rows: QuerySet[Variant], *, prices: bool, units: bool) -> QuerySet[Variant]:
    current = Price.objects.filter(valid_to=None)
    if units:
        rows = rows.annotate(units_left=units_left())
    if prices:
        rows = rows.prefetch_related(Prefetch("prices", queryset=current, to_attr="current_prices"))
    return rows
