"""Whether what a purchase holds may still be sold."""

from uuid import UUID

from catalog.models import Product
from catalog.pricing import floors
from orders.models import Hold, OrderLine
from orders.pricing import PriceBelowFloor
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
    "PriceBelowFloor",
    "TooManyLines",
    "UnknownVariant",
    "Wanted",
    "check_for_sale",
    "merged",
]


def check_for_sale(*, purchase_id: UUID) -> None:
    """Check that everything a purchase holds or held is still for sale, and not below its floor.

    Raises NotForSale, PriceBelowFloor.
    """
    lines = list(
        OrderLine.objects.select_related("variant__product", "variant__merchant").filter(
            order__purchase=purchase_id
        )
    )
    off_sale = Hold.objects.filter(purchase=purchase_id, variant__is_active=False)
    gone = set(off_sale.values_list("line_id", flat=True))
    lowest = floors.of({line.variant_id for line in lines})
    for line in lines:
        variant = line.variant
        if line.id in gone or not (
            variant.is_active
            and variant.product.status == Product.Status.APPROVED
            and variant.merchant.is_active
        ):
            raise NotForSale(variant=str(variant.id))
        floor = lowest.get(variant.id)
        if floor and (floor.currency != line.currency or line.amount < floor.amount * line.quantity):
            raise PriceBelowFloor(price={"amount": line.unit_amount, "currency": line.currency})
