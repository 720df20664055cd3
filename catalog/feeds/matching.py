"""Which variants a feed's variants are, by option values or SKU, and what it says of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from catalog import copying
from catalog.feeds.drafts import Problem, ProductDraft, VariantDraft
from catalog.limits import MAX_VARIANTS
from catalog.models import Product, Variant
from catalog.shelf import stock

Matched = tuple[Variant, VariantDraft, bool]
"""A variant, what a feed says of it, and whether it is new."""


class Shelf:
    """The variants that a feed's variants may be: those of its products, and those that have its SKUs."""

    def __init__(self, merchant_id: UUID, product_ids: Iterable[UUID], skus: Iterable[str]) -> None:
        mine = Variant.objects.filter(merchant_id=merchant_id)
        self.titles: dict[tuple[UUID, str], Variant] = {}
        self.skus: dict[str, Variant] = {}
        self.counts: dict[UUID, int] = {}
        for variant in mine.filter(product_id__in=list(product_ids)):
            self.titles[variant.product_id, variant.title] = variant
            self.counts[variant.product_id] = self.counts.get(variant.product_id, 0) + 1
            if variant.sku:
                self.skus[variant.sku] = variant
        for variant in mine.filter(sku__in=[sku for sku in skus if sku not in self.skus]):
            self.skus[variant.sku] = variant

    def find(
        self, product: Product, draft: VariantDraft, titles: set[str]
    ) -> tuple[Variant | None, Problem | None]:
        """Return the variant a draft means, None for a new one, and why it cannot be taken, if it cannot.

        `titles` are those of all the feed's variants of this product.
        """
        same_title = self.titles.get((product.pk, draft.title))
        same_sku = self.skus.get(draft.sku) if draft.sku else None
        if not draft.says_options and same_sku is not None and self._is_of(product, same_sku, draft):
            return same_sku, None
        if draft.again:
            return None, Problem(draft.line, "options", "DUPLICATE_VARIANT", draft.title, draft.again)
        if same_sku is not None and same_sku.product_id != product.pk:
            return None, _taken(draft, "Another product has this SKU.")
        if not draft.says_options and product.option_names:
            message = "The product has options, and nothing says which of its variants this is."
            return None, Problem(draft.line, "options", "MISSING_OPTION", draft.sku or "", message)
        if same_sku is None or same_sku is same_title:
            return same_title, None
        if same_title is not None or same_sku.title in titles:
            return None, _taken(draft, f"The variant {same_sku.title!r} has this SKU.")
        return same_sku, None  # it was given other option values

    def _is_of(self, product: Product, variant: Variant, draft: VariantDraft) -> bool:
        """Tell whether a variant is the product's, and has not been given another SKU by the same feed."""
        return variant.product_id == product.pk and variant.sku == draft.sku

    def put(self, variant: Variant) -> None:
        """Remember a variant as it now is."""
        self.titles[variant.product_id, variant.title] = variant
        if variant.sku:
            self.skus[variant.sku] = variant


def _taken(draft: VariantDraft, message: str) -> Problem:
    return Problem(draft.line, "Variant SKU", "SKU_TAKEN", draft.sku or "", message)


def write(
    *,
    merchant_id: UUID,
    drafts: Sequence[ProductDraft],
    products: Mapping[str, Product],
    problems: list[Problem],
    now: datetime,
) -> tuple[list[Matched], set[UUID], set[UUID]]:
    """Write the variants of drafts, whose products are by handle.

    Returns them, which differ now, and the products of those that have other options. What cannot be taken
    is added to `problems`.
    """
    skus = [variant.sku for draft in drafts for variant in draft.variants if variant.sku]
    shelf = Shelf(merchant_id, [product.pk for product in products.values()], skus)
    matched: list[Matched] = []
    changed: dict[UUID, Variant] = {}
    renamed: dict[UUID, Variant] = {}
    for product_draft in drafts:
        product = products[product_draft.handle]
        titles = {draft.title for draft in product_draft.variants}
        for draft in product_draft.variants:
            variant, problem = shelf.find(product, draft, titles)
            if problem:
                problems.append(problem)
                continue
            is_new = variant is None
            if is_new and shelf.counts.get(product.pk, 0) >= MAX_VARIANTS:
                message = f"A product has at most {MAX_VARIANTS} variants."
                problem = Problem(draft.line, "variants", "TOO_MANY_VARIANTS", draft.title[:200], message)
                problems.append(problem)
                continue
            if variant is None:
                position = shelf.counts[product.pk] = shelf.counts.get(product.pk, 0) + 1
                variant = Variant(merchant_id=merchant_id, product=product, position=position, created_at=now)
                variant.updated_at = now
                _apply(draft, variant)
            else:
                had = variant.options
                if _apply(draft, variant):
                    variant.updated_at = now
                    changed[variant.pk] = variant
                if variant.options != had:
                    renamed[variant.pk] = variant
            shelf.put(variant)
            matched.append((variant, draft, is_new))
    copying.save(Variant, [variant for variant, _, is_new in matched if is_new])
    if changed:
        _lock(merchant_id, [variant.pk for variant, _, is_new in matched if not is_new])
    others = [variant for pk, variant in changed.items() if pk not in renamed]
    Variant.objects.bulk_update(others, _COLUMNS, batch_size=200)
    if renamed:
        # Who names such a row waits for it: a sale, say, which has its stock by then.
        stock.locked(merchant_id, [variant.pk for variant, _, is_new in matched if not is_new])
        Variant.objects.bulk_update(renamed.values(), [*_TITLE, *_COLUMNS], batch_size=200)
    return matched, set(changed), {variant.product_id for variant in renamed.values()}


def _lock(merchant_id: UUID, variant_ids: list[UUID]) -> None:
    """Lock the variants in the order of their ids, as who sets their prices does without their product."""
    rows = Variant.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id, pk__in=variant_ids)
    list(rows.order_by("pk").values_list("pk"))


# Not written where they stay. The title is part of a key, and a trigger looks first: PostgreSQL keeps those
# from the row, too, that only name it, as a sale does, though the title be the same as before.
_TITLE = ["title", "options"]
_COLUMNS = [
    "sku",
    "barcode",
    "weight_grams",
    "release_at",
    "is_active",
    "updated_at",
]


def _apply(draft: VariantDraft, variant: Variant) -> bool:
    """Give the variant what the draft says about it; tell whether anything differs."""
    said: dict[str, Any] = {
        # What has a title is there already.
        "title": draft.title if draft.says_options or not variant.title else None,
        "options": draft.options if draft.says_options or not variant.title else None,
        "sku": draft.sku or None,  # a blank SKU takes none away
        "barcode": draft.barcode,
        "weight_grams": draft.weight_grams,
    }
    differing = {
        name: value for name, value in said.items() if value is not None and getattr(variant, name) != value
    }
    if draft.is_active is not None and variant.is_active != draft.is_active:
        differing["is_active"] = draft.is_active
    if draft.says_release and variant.release_at != draft.release_at:
        differing["release_at"] = draft.release_at
    for name, value in differing.items():
        setattr(variant, name, value)
    return bool(differing)
