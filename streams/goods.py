"""What the catalog says of a product that a show wants to sell."""

from uuid import UUID

from django.db.models import Min, Sum

from catalog.models import Price, Product, Stock, Variant
from commerce import errors
from commerce.money import Money


class NotForSale(errors.Conflict):
    code = "NOT_FOR_SALE"
    message = "This product cannot be sold: it is not active or has no price."


class NotOfProduct(errors.Conflict):
    code = "OFFER_MISMATCH"
    message = "This variant is not one of the product's."


def list_price(*, product_id: UUID, variant_id: UUID | None = None) -> Money:
    """Return the list price an offer is measured by: the variant's, or the lowest of the product's variants.

    Raises NotForSale, NotOfProduct.
    """
    if not Product.objects.filter(
        pk=product_id, status=Product.Status.ACTIVE, merchant__is_active=True
    ).exists():
        raise NotForSale
    variants = Variant.objects.filter(product_id=product_id)
    if variant_id is not None:
        variants = variants.filter(pk=variant_id)
        if not variants.exists():
            raise NotOfProduct
    prices = Price.objects.filter(variant__in=variants.filter(is_active=True), valid_to=None)
    lowest = prices.values("currency").annotate(amount=Min("amount")).order_by("amount").first()
    if lowest is None:
        raise NotForSale
    return Money(lowest["amount"], lowest["currency"])


def stock_behind(*, product_id: UUID, variant_id: UUID | None = None) -> int:
    """Return how many units an offer on this product (or one variant of it) could really sell now."""
    stock = Stock.objects.filter(variant__product_id=product_id, variant__is_active=True)
    if variant_id is not None:
        stock = stock.filter(variant_id=variant_id)
    total: int | None = stock.aggregate(total=Sum("available"))["total"]
    return total or 0
