"""The struck-through price of an offer: only what recorded prices prove.

"The lowest price applied by the trader during a period of time not shorter than 30 days prior to the
application of the price reduction" (Directive 98/6/EC, article 6a). Applied were list prices, and the prices
of other offers while they ran, in whichever show. docs/pricing.md says what follows from it.
"""

from datetime import datetime
from uuid import UUID

from django.db.models import F, Min, Q
from django.db.models.functions import Coalesce

from catalog import queries as catalog
from catalog.models import Variant
from catalog.pricing import prices
from commerce.money import Money
from streams import goods, queries
from streams.models import Offer


def lowest(*, product_id: UUID, variant_id: UUID | None, currency: str, at: datetime) -> int | None:
    """Return the lowest price of the 30 days before `at` (minor units), for a variant or all of a product.

    None where the prices of one of them are not recorded for the whole time in this currency.
    """
    for_sale = Variant.objects.filter(product_id=product_id, is_active=True, prices__valid_to=None)
    if variant_id is not None:
        for_sale = for_sale.filter(pk=variant_id)
    variants = set(for_sale.values_list("id", flat=True))
    listed = prices.proven(variants, currency=currency, at=at)
    if not variants or listed.keys() != variants:
        return None
    ran = Offer.objects.annotate(over=Coalesce("ended_at", "closes_at")).filter(
        Q(variant=None) | Q(variant__in=variants),
        item__product_id=product_id,
        currency=currency,
        opens_at__lt=at,
        over__gt=F("opens_at"),
    )
    offered: int | None = ran.filter(over__gt=catalog.reduction_window(at)).aggregate(least=Min("amount"))[
        "least"
    ]
    return min([*listed.values(), *([offered] if offered else [])])


def outlook(
    *, stream_id: UUID, item_id: UUID, variant_id: UUID | None, now: datetime
) -> dict[str, dict[str, int | str] | None]:
    """Return between which prices an offer on an item may be, and which it may strike through.

    Raises UnknownItem, NotForSale, NotOfProduct.
    """
    product_id = queries.item(stream_id=stream_id, item_id=item_id).product_id
    listed = goods.list_price(product_id=product_id, variant_id=variant_id)
    floor = goods.floor(product_id=product_id, variant_id=variant_id, currency=listed.currency)
    proven = lowest(product_id=product_id, variant_id=variant_id, currency=listed.currency, at=now)
    return {
        "list_price": listed.as_dict(),
        "floor": floor.as_dict() if floor else None,
        "reference": Money(proven, listed.currency).as_dict() if proven else None,
    }


def of(offer: Offer, *, at: datetime) -> int | None:
    """Return what may be struck through beside an offer's price when it applies from `at`, or None."""
    found = lowest(
        product_id=offer.item.product_id, variant_id=offer.variant_id, currency=offer.currency, at=at
    )
    return found if found is not None and found > offer.amount else None
