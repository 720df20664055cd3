"""Writes what a feed says: products by the merchant's handle, variants by option values or SKU.

A feed adds and changes; what it does not name stays as it is. All functions work on one merchant's rows only.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from catalog import copying, reviewing, states, taxonomy
from catalog.feeds import matching, sales, sorting
from catalog.feeds.drafts import Problem, ProductDraft
from catalog.limits import MAX_IMAGES
from catalog.models import Product, ProductImage
from catalog.pricing import floors, prices
from catalog.shelf import movements, stock
from commerce.money import Money


@dataclass(slots=True)
class Outcome:
    """What writing some drafts came to; updated is what differs now from what it was."""

    products_created: int = 0
    products_updated: int = 0
    products_unchanged: int = 0
    variants_created: int = 0
    variants_updated: int = 0
    variants_unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)
    created: dict[str, UUID] = field(default_factory=dict)  # By handle, as the next two.
    updated: dict[str, UUID] = field(default_factory=dict)  # It, or a variant of it.
    unchanged: dict[str, UUID] = field(default_factory=dict)
    kept_back: set[UUID] = field(default_factory=set)  # They lack what their category asks for.


def write(
    *,
    merchant_id: UUID,
    currency: str,
    drafts: list[ProductDraft],
    note: str,
    now: datetime,
    by: movements.Who,
) -> Outcome:
    """Write drafts of different handles in the caller's transaction; stock movements say `note` and `by`."""
    outcome = Outcome()
    products, changed, made = _write_products(merchant_id, drafts, outcome, now)
    changed |= _write_images(merchant_id, drafts, products, made, outcome)
    matched, differing, renamed = matching.write(
        merchant_id=merchant_id, drafts=drafts, products=products, problems=outcome.problems, now=now
    )
    outcome.variants_created = sum(is_new for _, _, is_new in matched)
    quotes = {
        variant.pk: sales.quote(draft, draft.currency or currency)
        for variant, draft, _ in matched
        if draft.amount is not None
    }
    _leave_out_below_floor(merchant_id, matched, quotes, outcome)
    silent = [variant.pk for variant, draft, is_new in matched if not (is_new or draft.says_compare)]
    quotes = prices.with_comparisons(quotes, of=silent)
    differing |= prices.move(merchant_id=merchant_id, quotes=quotes, now=now)
    said = {variant.pk: draft for variant, draft, _ in matched if draft.sale is not None}
    announced, troubles = sales.announce(merchant_id=merchant_id, currency=currency, said=said, now=now)
    differing |= announced
    outcome.problems += troubles
    first = {variant.pk: draft.quantity or 0 for variant, draft, is_new in matched if is_new}
    levels = {
        variant.pk: draft.quantity
        for variant, draft, is_new in matched
        if not is_new and draft.quantity is not None
    }
    stock.begin(
        merchant_id=merchant_id, units=first, reason=movements.Reason.IMPORT, note=note, now=now, by=by
    )
    new = {variant.product_id for variant, _, is_new in matched if is_new}
    reviewing.changed(merchant_id=merchant_id, product_ids=(changed | renamed | new) - made, now=now)
    changed |= reviewing.write(
        merchant_id=merchant_id,
        wanted=[
            (products[draft.handle], draft.status)
            for draft in drafts
            if draft.status is not None and products[draft.handle].pk not in outcome.kept_back
        ],
        now=now,
    )
    # Last, because the till waits for these rows.
    moved, bundles = stock.set_levels(
        merchant_id=merchant_id, levels=levels, reason=movements.Reason.IMPORT, note=note, now=now, by=by
    )
    differing |= moved
    _report_bundles(matched, {pk for pk in bundles if levels[pk]}, outcome)
    touched = changed | new | {variant.product_id for variant, _, _ in matched if variant.pk in differing}
    for handle, product in products.items():
        which = outcome.updated if product.pk in touched else outcome.unchanged
        (outcome.created if product.pk in made else which)[handle] = product.pk
    outcome.products_updated = len(changed)
    outcome.products_unchanged = len(drafts) - outcome.products_created - len(changed)
    outcome.variants_updated = sum(variant.pk in differing for variant, _, is_new in matched if not is_new)
    outcome.variants_unchanged = len(matched) - outcome.variants_created - outcome.variants_updated
    return outcome


def _write_products(
    merchant_id: UUID, drafts: list[ProductDraft], outcome: Outcome, now: datetime
) -> tuple[dict[str, Product], set[UUID], set[UUID]]:
    """Write the products; returns them by handle, the ids of those that differ now, and of those made."""
    handles = [draft.handle for draft in drafts]
    known = Product.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id, handle__in=handles)
    products = {product.handle: product for product in known.order_by("pk")}
    reviewed = reviewing.is_reviewed(merchant_id)
    sorted_in = sorting.sort(drafts, products, outcome.problems)
    new, changed = [], []
    for draft in drafts:
        product = products.get(draft.handle)
        if product is not None:
            if _apply(draft, product, sorted_in):
                product.updated_at = now
                changed.append(product)
            continue
        if draft.title is None:
            message = "The product is new and has no title. Its handle is taken."
            outcome.problems.append(Problem(draft.line, "Title", "MISSING_TITLE", "", message, skipped=False))
        status = states.asked("", draft.status or Product.Status.APPROVED, reviewed=reviewed)
        product = Product(
            merchant_id=merchant_id,
            handle=draft.handle,
            title=draft.title or draft.handle,
            status=status,
            waits_since=now if status == Product.Status.IN_REVIEW else None,
            option_names=draft.option_names,
            created_at=now,
            updated_at=now,
        )
        _apply(draft, product, sorted_in)
        products[draft.handle] = product
        new.append(product)
    _keep_back(drafts, products, {product.pk for product in new}, outcome)
    copying.save(Product, new)
    reviewing.begun(merchant_id=merchant_id, products=new, now=now)
    columns = [*_COLUMNS, "option_names", "category_id", "attributes", "updated_at"]
    Product.objects.bulk_update(changed, columns, batch_size=200)
    outcome.products_created = len(new)
    return products, {product.pk for product in changed}, {product.pk for product in new}


_COLUMNS = ("title", "description", "vendor", "product_type", "tags", "language")


def _keep_back(
    drafts: list[ProductDraft], products: dict[str, Product], made: set[UUID], outcome: Outcome
) -> None:
    """Keep back as it is, and name, what its category asks more of before it can be sold."""
    asking = [
        draft
        for draft in drafts
        if (draft.status in states.WANTS_SALE or (draft.status is None and products[draft.handle].pk in made))
    ]
    lacking = taxonomy.lacking(products[draft.handle] for draft in asking)
    for draft in asking:
        product = products[draft.handle]
        if product.pk not in lacking or (product.pk not in made and product.status in states.WANTS_SALE):
            continue
        names = ", ".join(lacking[product.pk])
        message = f"Its category asks for: {names}. It is not for sale; the rest of the row was taken."
        outcome.problems.append(
            Problem(draft.line, "status", taxonomy.MissingAttributes.code, names, message, skipped=False)
        )
        if product.pk in made:
            product.status, product.waits_since = Product.Status.DRAFT, None
        outcome.kept_back.add(product.pk)


def _apply(draft: ProductDraft, product: Product, sorted_in: dict[str, sorting.Said]) -> bool:
    """Give the product what the draft says about it; tell whether anything differs."""
    said = {name: value for name in _COLUMNS if (value := getattr(draft, name)) is not None}
    said |= sorted_in.get(draft.handle, {})
    if draft.title is not None if draft.says_options is None else draft.says_options:
        said["option_names"] = draft.option_names
    differing = {name: value for name, value in said.items() if getattr(product, name) != value}
    for name, value in differing.items():
        setattr(product, name, value)
    return bool(differing)


def _write_images(
    merchant_id: UUID,
    drafts: list[ProductDraft],
    products: dict[str, Product],
    made: set[UUID],
    outcome: Outcome,
) -> set[UUID]:
    """Hang new pictures; returns the ids of products that had been there and have more or other ones."""
    ids = [products[draft.handle].pk for draft in drafts if draft.images]
    known: dict[UUID, dict[str, ProductImage]] = {pk: {} for pk in ids}
    for image in ProductImage.objects.filter(merchant_id=merchant_id, product_id__in=ids):
        known[image.product_id][image.url] = image
    new: list[ProductImage] = []
    changed: list[ProductImage] = []
    for draft in drafts:
        product = products[draft.handle]
        have = known.get(product.pk, {})
        last = max((image.position for image in have.values()), default=0)
        room = MAX_IMAGES - len(have)
        for image_draft in draft.images:
            old = have.get(image_draft.url)
            if old is None and room <= 0:
                message = f"A product has at most {MAX_IMAGES} pictures."
                outcome.problems.append(
                    Problem(draft.line, "images", "TOO_MANY_IMAGES", image_draft.url[:200], message)
                )
            elif old is None:
                last, room = last + 1, room - 1
                image = ProductImage(merchant_id=merchant_id, product=product, position=last)
                image.url, image.alt = image_draft.url, image_draft.alt
                new.append(image)
            elif image_draft.alt and old.alt != image_draft.alt:
                old.alt = image_draft.alt
                changed.append(old)
    copying.save(ProductImage, new)
    ProductImage.objects.bulk_update(changed, ["alt"], batch_size=200)
    return {image.product_id for image in [*new, *changed]} - made


def _leave_out_below_floor(
    merchant_id: UUID,
    matched: list[matching.Matched],
    quotes: dict[UUID, prices.Quote],
    outcome: Outcome,
) -> None:
    """Leave the prices as they are that would fall below the merchant's own floors."""
    refused = prices.below_floor(merchant_id=merchant_id, quotes=quotes)
    for variant, draft, _ in matched:
        if (floor := refused.get(variant.pk)) and (quote := quotes.pop(variant.pk, None)):
            given = str(Money(quote.amount, quote.currency)).split()[0]
            message = f"Your floor for it is {floor}. Its price stays; the rest of the row was taken."
            outcome.problems.append(
                Problem(
                    draft.line, "Variant Price", floors.PriceBelowFloor.code, given, message, skipped=False
                )
            )


def _report_bundles(matched: list[matching.Matched], bundles: set[UUID], outcome: Outcome) -> None:
    """Name the rows that give units to bundles, which have none of their own."""
    for variant, draft, _ in matched:
        if variant.pk in bundles:
            code, given = stock.StockOfBundle.code, str(draft.quantity)
            message = "A bundle has no stock of its own; its parts have. The rest of the row was taken."
            outcome.problems.append(
                Problem(draft.line, "Variant Inventory Qty", code, given, message, skipped=False)
            )
