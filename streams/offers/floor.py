"""Offers and the merchant's floor: none runs below it, also when it is raised meanwhile."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from catalog.models import PriceFloor, Variant
from commerce.money import Money
from streams import goods, sweeping
from streams.models import Offer
from streams.offers import rows, rules


def check(*, product_id: UUID, variant_id: UUID | None, price: Money) -> None:
    """Check that an offer on a product, or one variant of it, may cost so little; raises PriceBelowFloor."""
    floor = goods.floor(product_id=product_id, variant_id=variant_id, currency=price.currency)
    if floor is not None and price.amount < floor.amount:
        raise rules.PriceBelowFloor(floor=floor.as_dict())


def forbids(offer: Offer) -> bool:
    """Say whether an offer's price is below the floor that is in force."""
    return _below().filter(pk=offer.pk).exists()


def end_below(*, now: datetime, variant_ids: Collection[UUID] | None = None) -> int:
    """End the offers that run or are announced below a floor (of these variants), and tell their rooms.

    Returns how many there were.
    """
    concerned = _concerned(now)
    if variant_ids is not None:
        products = Variant.objects.filter(pk__in=variant_ids).values("product")
        concerned = concerned.filter(item__product__in=products)
    due = list(concerned.order_by("pk").values_list("pk", flat=True))
    return sweeping.each("offers.floor", due, lambda pk: _end(pk, now))


def _end(offer_id: UUID, now: datetime) -> bool:
    with transaction.atomic():
        # One that somebody has in hand is found by the next sweep.
        free = _concerned(now).select_for_update(of=("self",), no_key=True, skip_locked=True)
        offer = free.filter(pk=offer_id).first()
        if offer is None:
            return False
        rows.end(offer, reason=Offer.Reason.FLOOR, at=now)
    return True


def _concerned(now: datetime) -> QuerySet[Offer]:
    """Offers below a floor that have not ended; those whose time is over end by the clock."""
    return _below().filter(status__in=(Offer.Status.OPEN, Offer.Status.ANNOUNCED), closes_at__gt=now)


def _below() -> QuerySet[Offer]:
    """Offers that a host could not open now: below the floor of their variant, or of any of the product's."""
    higher = PriceFloor.objects.filter(
        variant__product=OuterRef("item__product"),
        variant__is_active=True,
        currency=OuterRef("currency"),
        amount__gt=OuterRef("amount"),
    )
    one = Q(variant__isnull=False) & Exists(higher.filter(variant=OuterRef("variant")))
    return Offer.objects.filter(one | Q(variant__isnull=True) & Exists(higher))
