"""Whether what a purchase holds may still be sold."""

from uuid import UUID

from catalog.models import Product, Variant
from orders.models import OrderLine
from orders.till.asking import (
    MAX_LINES,
    MAX_QUANTITY,
    BadQuantity,
    NothingWanted,
    TooManyLines,
    Wanted,
    merged,
)
from orders.till.refusals import NotForSale, UnknownVariant

__all__ = [
    "MAX_LINES",
    "MAX_QUANTITY",
    "BadQuantity",
    "NotForSale",
    "NothingWanted",
    "TooManyLines",
    "UnknownVariant",
    "Wanted",
    "check_for_sale",
    "merged",
]


def check_for_sale(*, purchase_id: UUID) -> None:
    """Check that everything a purchase holds or held is still for sale; raises NotForSale."""
    bought = Variant.objects.select_related("product", "merchant").filter(
        pk__in=OrderLine.objects.filter(order__purchase=purchase_id).values("variant")
    )
    for variant in bought:
        if not (
            variant.is_active
            and variant.product.status == Product.Status.ACTIVE
            and variant.merchant.is_active
        ):
            raise NotForSale(variant=str(variant.id))
