"""What the catalog says of a product that a show wants to sell."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max, Min, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from catalog import queries
from catalog.commission import plans, rates
from catalog.media import shelved
from catalog.models import Price, PriceFloor, Product, Variant
from commerce import errors
from commerce.money import Money
from streams.models import ShowcaseItem


class NotForSale(errors.Conflict):
    code = "NOT_FOR_SALE"
    message = "This product cannot be sold: it is not approved or has no price."


class MixedCurrencies(errors.Conflict):
    """One price cannot be measured by list prices in several currencies; `currencies` says which."""

    code = "MIXED_CURRENCIES"
    message = "The variants are sold in several currencies. Make an offer for one of them."


class NotOfProduct(errors.Conflict):
    code = "OFFER_MISMATCH"
    message = "This variant is not one of the product's."


def list_price(*, product_id: UUID, variant_id: UUID | None = None) -> Money:
    """Return the list price an offer is measured by: the variant's, or the lowest of the product's variants.

    Raises NotForSale, NotOfProduct, MixedCurrencies.
    """
    if not Product.objects.filter(
        pk=product_id, status=Product.Status.APPROVED, merchant__is_active=True
    ).exists():
        raise NotForSale
    variants = Variant.objects.filter(product_id=product_id)
    if variant_id is not None:
        variants = variants.filter(pk=variant_id)
        if not variants.exists():
            raise NotOfProduct
    prices = Price.objects.filter(variant__in=variants.filter(is_active=True), valid_to=None)
    lowest = list(prices.values("currency").annotate(amount=Min("amount")).order_by("currency"))
    if not lowest:
        raise NotForSale
    if len(lowest) > 1:
        raise MixedCurrencies(currencies=[each["currency"] for each in lowest])
    return Money(lowest[0]["amount"], lowest[0]["currency"])


def floor(*, product_id: UUID, variant_id: UUID | None, currency: str) -> Money | None:
    """Return what an offer on this product (or one variant of it) may not go below: the highest floor."""
    floors = PriceFloor.objects.filter(
        variant__product_id=product_id, variant__is_active=True, currency=currency
    )
    if variant_id is not None:
        floors = floors.filter(variant_id=variant_id)
    highest: int | None = floors.aggregate(most=Max("amount"))["most"]
    return Money(highest, currency) if highest is not None else None


def stock_behind(*, product_id: UUID, variant_id: UUID | None = None) -> int:
    """Return how many units an offer on this product (or one variant of it) could really sell now."""
    variants = Variant.objects.filter(product_id=product_id, is_active=True)
    if variant_id is not None:
        variants = variants.filter(pk=variant_id)
    total: int | None = variants.annotate(left=queries.units_left()).aggregate(total=Sum("left"))["total"]
    return total or 0


def find(
    *, text: str, host_id: UUID, stream_id: UUID, limit: int, now: datetime, by_plan: bool = False
) -> list[dict[str, Any]]:
    """Return products a host may add to her show, by words in title, brand or merchant, best stocked first.

    `item` is the product's place in the showcase already, or None; `commission` what she gets of a sale, by
    plans that are open or hers. `by_plan` leaves out what no such plan is for.
    """
    sellable = Variant.objects.filter(product=OuterRef("pk"), is_active=True, prices__valid_to=None)
    lowest = sellable.order_by("prices__amount")
    stock = sellable.order_by().values("product").annotate(total=Sum(queries.units_left()))
    there = ShowcaseItem.objects.filter(product=OuterRef("pk"), stream_id=stream_id, removed_at=None)
    found = Product.objects.filter(status=Product.Status.APPROVED, merchant__is_active=True)
    if by_plan:
        found = found.filter(rates.planned(host_id=host_id, at=now))
    for word in text.split()[:6]:
        found = found.filter(
            Q(title__icontains=word) | Q(vendor__icontains=word) | Q(merchant__name__icontains=word)
        )
    rows = list(
        found.annotate(
            amount=Subquery(lowest.values("prices__amount")[:1]),
            currency=Subquery(lowest.values("prices__currency")[:1]),
            left=Coalesce(Subquery(stock.values("total")[:1]), 0),
            item=Subquery(there.values("id")[:1]),
        )
        .exclude(amount=None)
        .select_related("merchant")
        .order_by("-left", "title", "id")[:limit]
    )
    pictures = shelved.first(row.id for row in rows)
    offered = rates.offered(
        host_id=host_id,
        products={row.id: (row.merchant_id, row.merchant.host_commission_bp) for row in rows},
        at=now,
        until=plans.announced(now),
    )
    return [
        {
            "id": str(row.id),
            "title": row.title,
            "merchant": row.merchant.name,
            "image": pictures.get(row.id),
            "price": Money(row.amount, row.currency).as_dict(),
            "left": row.left,
            "item": str(row.item) if row.item else None,
            "commission": _commission(offered[row.id], row.amount, row.currency),
        }
        for row in rows
    ]


def _commission(offered: rates.Offered, amount: int, currency: str) -> dict[str, Any]:
    until = offered.locked_until
    return {
        "rate_bp": offered.rate_bp,
        "each": Money(amount * offered.rate_bp // 10_000, currency).as_dict(),
        "plan": offered.plan,
        "locked_until": int(until.timestamp() * 1000) if until else None,
        "then_bp": offered.then_bp,
    }
