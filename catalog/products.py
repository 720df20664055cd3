"""Products and their variants: made and changed one at a time, as the merchant's systems ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from catalog import conflicts, queries, reviewing, states, taxonomy
from catalog.limits import MAX_VARIANTS
from catalog.media.images import Image as Image
from catalog.media.images import replace
from catalog.models import Product, Variant
from catalog.pricing import prices
from catalog.shelf import movements, stock
from commerce import errors

MAX_TITLE = 255
PRODUCT_FIELDS = frozenset(
    {
        *("title", "description", "vendor", "product_type", "tags", "status", "language"),
        *("category", "attributes"),
    }
)
VARIANT_FIELDS = frozenset({"sku", "barcode", "weight_grams", "position", "is_active", "release_at"})


class HandleTaken(errors.Conflict):
    """Another product of the merchant has this handle."""

    code = "HANDLE_TAKEN"
    message = "Another product has this handle."


class SkuTaken(errors.Conflict):
    """Another variant of the merchant has this SKU."""

    code = "SKU_TAKEN"
    message = "Another variant has this SKU."


class VariantTaken(errors.Conflict):
    """The product has a variant with these option values already."""

    code = "VARIANT_TAKEN"
    message = "The product has a variant with these option values already."


class ImageTaken(errors.Invalid):
    """A picture is named twice."""

    code = "IMAGE_TAKEN"
    message = "A product can have a picture only once."


class BadOptions(errors.Invalid):
    """A variant's options are not those of its product."""

    code = "BAD_OPTIONS"
    message = "Each variant needs a value for one or more of the product's options, and for nothing else."


class TooManyVariants(errors.Invalid):
    """The product would have too many variants."""

    code = "TOO_MANY_VARIANTS"
    message = f"A product has at most {MAX_VARIANTS} variants."


@dataclass(frozen=True, slots=True)
class NewVariant:
    """A sellable unit to be made; its price is in minor units, its weight in grams."""

    options: Mapping[str, str] = field(default_factory=dict)
    sku: str = ""
    barcode: str = ""
    weight_grams: int = 0
    price: prices.Quote | None = None
    units: int = 0
    release_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewProduct:
    """A product to be made."""

    handle: str
    title: str
    description: str = ""
    vendor: str = ""
    product_type: str = ""
    tags: list[str] = field(default_factory=list)
    option_names: list[str] = field(default_factory=list)
    status: str = Product.Status.DRAFT
    language: str = ""
    category: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    images: list[Image] = field(default_factory=list)
    variants: list[NewVariant] = field(default_factory=list)


def create(
    *, merchant_id: UUID, new: NewProduct, now: datetime, by: movements.Who = movements.SOMEBODY
) -> Product:
    """Make a product with its variants, prices and first stock, which `by` is noted for.

    Raises HandleTaken, SkuTaken, VariantTaken, ImageTaken, BadOptions, prices.BadPrice, stock.TooMuchStock,
    taxonomy.UnknownCategory, BadAttributes, MissingAttributes.
    """
    category = taxonomy.named(new.category)
    taxonomy.check(new.attributes, category)
    reviewed = new.status in states.WANTS_SALE and reviewing.is_reviewed(merchant_id)
    status = states.asked("", new.status, reviewed=reviewed)
    with conflicts.named(_CONFLICTS):
        product = Product.objects.create(
            merchant_id=merchant_id,
            handle=new.handle,
            title=new.title,
            description=new.description,
            vendor=new.vendor,
            product_type=new.product_type,
            tags=new.tags,
            option_names=new.option_names,
            status=status,
            waits_since=now if status == Product.Status.IN_REVIEW else None,
            language=new.language,
            category=category,
            attributes=dict(new.attributes),
            created_at=now,
            updated_at=now,
        )
        replace(product, new.images)
        _add(product, new.variants, first=1, now=now, by=by)
        if status in states.WANTS_SALE:
            taxonomy.check_ready(product)
        reviewing.begun(merchant_id=merchant_id, products=[product], now=now)
    return product


def add_variant(
    *,
    merchant_id: UUID,
    product_id: UUID,
    new: NewVariant,
    now: datetime,
    by: movements.Who = movements.SOMEBODY,
) -> Variant:
    """Add a variant to a product; raises queries.UnknownProduct and what `create` raises for a variant."""
    with conflicts.named(_CONFLICTS):
        product = _locked(merchant_id, product_id)
        count = product.variants.count()
        if count >= MAX_VARIANTS:
            raise TooManyVariants
        [variant] = _add(product, [new], first=count + 1, now=now, by=by)
        reviewing.changed(merchant_id=merchant_id, product_ids=[product.pk], now=now)
    return variant


def change(
    *,
    merchant_id: UUID,
    product_id: UUID,
    changes: Mapping[str, Any],
    images: list[Image] | None = None,
    now: datetime,
) -> None:
    """Change some of PRODUCT_FIELDS; `images`, when given, replace all pictures.

    Who writes the status `approved` asks for sale, as `reviewing.submit`.

    Raises queries.UnknownProduct, ImageTaken, taxonomy.UnknownCategory, BadAttributes, MissingAttributes.
    """
    assert changes.keys() <= PRODUCT_FIELDS
    said = {name: value for name, value in changes.items() if name != "status"}
    with conflicts.named(_CONFLICTS):
        product = _locked(merchant_id, product_id)
        if said.keys() & {"category", "attributes"}:
            _sort(product, said, stays=changes.get("status", product.status) in states.WANTS_SALE)
        if said:
            Product.objects.filter(pk=product.pk).update(**said)
        if images is not None and images != _pictures(product):
            replace(product, images)
        reviewing.changed(merchant_id=merchant_id, product_ids=[product.pk], now=now, than=product.version)
        if "status" in changes:
            reviewing.write(merchant_id=merchant_id, wanted=[(product, changes["status"])], now=now)


def _sort(product: Product, said: dict[str, Any], *, stays: bool) -> None:
    """Check what a product will say of itself in the category that it will be in, for sale if it `stays`."""
    if "category" in said:
        product.category = said["category"] = taxonomy.named(said["category"])
    product.attributes = said.get("attributes", product.attributes)
    taxonomy.check(product.attributes, product.category)
    if stays and product.status in states.WANTS_SALE:
        taxonomy.check_ready(product)


def change_variant(*, merchant_id: UUID, variant_id: UUID, changes: Mapping[str, Any], now: datetime) -> None:
    """Change some of VARIANT_FIELDS; raises queries.UnknownVariant, SkuTaken."""
    assert changes.keys() <= VARIANT_FIELDS
    with conflicts.named(_CONFLICTS):
        variant = lock_variant(merchant_id=merchant_id, variant_id=variant_id)
        Variant.objects.filter(pk=variant.pk).update(**changes)
        if changes.get("is_active", variant.is_active) != variant.is_active:
            # What can be promised of the bundles that it is part of changes with it.
            stock.tell(variant_id=variant.pk, now=now)


def lock(*, merchant_id: UUID, product_id: UUID) -> None:
    """Keep others from changing a product until the transaction ends; raises queries.UnknownProduct."""
    _locked(merchant_id, product_id)


def lock_variant(*, merchant_id: UUID, variant_id: UUID) -> Variant:
    """Keep others from changing a variant or its price until the transaction ends, and return it.

    Raises queries.UnknownVariant.
    """
    # The product first, as everywhere.
    lock_product_of(merchant_id=merchant_id, variant_id=variant_id)
    return Variant.objects.select_for_update(no_key=True).get(merchant_id=merchant_id, pk=variant_id)


def lock_product_of(*, merchant_id: UUID, variant_id: UUID) -> None:
    """Keep others from changing the variants of a variant's product; raises queries.UnknownVariant."""
    mine = Variant.objects.filter(merchant_id=merchant_id, pk=variant_id)
    product_id = mine.values_list("product_id", flat=True).first()
    if product_id is None:
        raise queries.UnknownVariant
    _locked(merchant_id, product_id)


def title_of(options: Mapping[str, str]) -> str:
    """Return a variant's title: its option values; "" for the only variant of a product without options."""
    return " / ".join(options.values())


def _locked(merchant_id: UUID, product_id: UUID) -> Product:
    products = Product.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id)
    product = products.filter(pk=product_id).first()
    if product is None:
        raise queries.UnknownProduct
    return product


def _pictures(product: Product) -> list[Image]:
    rows = product.images.order_by("position", "id").values_list("url", "alt")
    return [Image(url, alt) for url, alt in rows]


def _add(
    product: Product, news: list[NewVariant], *, first: int, now: datetime, by: movements.Who
) -> list[Variant]:
    merchant_id = product.merchant_id
    variants = [
        Variant(
            merchant_id=merchant_id,
            product=product,
            title=title_of(options),
            options=options,
            sku=new.sku,
            barcode=new.barcode,
            weight_grams=new.weight_grams,
            position=position,
            release_at=new.release_at,
            created_at=now,
            updated_at=now,
        )
        for position, new in enumerate(news, start=first)
        for options in [_options(product, new)]
    ]
    Variant.objects.bulk_create(variants)
    pairs = list(zip(variants, news, strict=True))
    quotes = {variant.pk: new.price for variant, new in pairs if new.price}
    prices.change_many(merchant_id=merchant_id, quotes=quotes, now=now)
    units = {variant.pk: new.units for variant, new in pairs}
    stock.begin(merchant_id=merchant_id, units=units, reason=movements.Reason.SET, note="", now=now, by=by)
    return variants


def _options(product: Product, new: NewVariant) -> dict[str, str]:
    options = {name: new.options[name] for name in product.option_names if new.options.get(name)}
    if len(options) != len(new.options) or bool(options) != bool(product.option_names):
        raise BadOptions(options=list(product.option_names))
    if len(title_of(options)) > MAX_TITLE:
        raise BadOptions(f"The option values together have at most {MAX_TITLE} characters.")
    return options


_CONFLICTS: Mapping[str, type[errors.Refusal]] = {
    "product_handle_once": HandleTaken,
    "variant_sku_once": SkuTaken,
    "variant_title_once": VariantTaken,
    "image_once_per_product": ImageTaken,
}
