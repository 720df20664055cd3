"""Price floors: what a variant is never sold below. Alone writes PriceFloor.

A floor is in the currency of the list price and never above it, nor above the price that comes back at the
end of an announced one; the variant's row is the lock for all of them.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from catalog import queries
from catalog.models import Price, PriceFloor, PriceSchedule, Variant
from commerce import errors, outbox
from commerce.money import Money


class PriceBelowFloor(errors.Conflict):
    """The price and the floor do not go together."""

    code = "PRICE_BELOW_FLOOR"
    message = "A price may not be below the merchant's floor."


class NoListPrice(errors.Conflict):
    """There is no price that the floor could be below."""

    code = "NO_LIST_PRICE"
    message = "Give this variant a price first."


class OtherCurrency(errors.Conflict):
    """The floor is not in the currency of the price."""

    code = "CURRENCY_MISMATCH"
    message = "A floor is in the currency of the price."


def set_floor(
    *, merchant_id: UUID, variant_id: UUID, amount: int, currency: str | None, now: datetime
) -> PriceFloor:
    """Set what a variant is never sold below, in minor units of its price's currency, and have it told.

    Raises queries.UnknownVariant, NoListPrice, OtherCurrency, PriceBelowFloor (the list price would
    be, or the one that comes back).
    """
    with transaction.atomic():
        _lock(merchant_id, variant_id)
        price = Price.objects.filter(variant_id=variant_id, valid_to=None).first()
        if price is None:
            raise NoListPrice
        if currency not in (None, price.currency):
            raise OtherCurrency(currency=price.currency)
        if amount > price.amount:
            raise PriceBelowFloor(
                "A floor may not be above the list price.",
                price=Money(price.amount, price.currency).as_dict(),
            )
        _check_what_comes_back(variant_id, Money(amount, price.currency))
        floor, _ = PriceFloor.objects.update_or_create(
            variant_id=variant_id,
            defaults={
                "merchant_id": merchant_id,
                "amount": amount,
                "currency": price.currency,
                "updated_at": now,
            },
        )
        outbox.record(name="floor.moved", payload={"variants": [str(variant_id)]})
    return floor


def clear_floor(*, merchant_id: UUID, variant_id: UUID) -> None:
    """Take a variant's floor away, if it has one; raises queries.UnknownVariant."""
    with transaction.atomic():
        _lock(merchant_id, variant_id)
        PriceFloor.objects.filter(merchant_id=merchant_id, variant_id=variant_id).delete()


def of(variant_ids: Iterable[UUID]) -> dict[UUID, PriceFloor]:
    """Return the floors of those of the variants that have one."""
    return PriceFloor.objects.in_bulk(list(variant_ids))


def _check_what_comes_back(variant_id: UUID, floor: Money) -> None:
    running = PriceSchedule.objects.filter(variant_id=variant_id, status=PriceSchedule.Status.RUNNING).first()
    if running is None:
        return
    back = Money(running.before_amount or 0, running.before_currency)
    if back.currency != floor.currency:
        raise OtherCurrency(
            "A floor is in the currency of the price that comes back when the announced one ends.",
            currency=back.currency,
        )
    if floor.amount > back.amount:
        raise PriceBelowFloor(
            "A floor may not be above the price that comes back when the announced one ends.",
            price=back.as_dict(),
        )


def _lock(merchant_id: UUID, variant_id: UUID) -> None:
    mine = Variant.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id, pk=variant_id)
    if not mine.values_list("pk"):
        raise queries.UnknownVariant
