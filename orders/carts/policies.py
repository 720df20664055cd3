"""Whether a merchant holds goods for carts, for how long, and for whom not.

Without a policy the first to pay is the first served. A change counts for what is held from then on: nothing
that runs is cut short or made longer, because its end was told to the shopper.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from commerce import errors
from commerce.models import Merchant
from orders.models import CartHolder, CartPolicy, Hoarder

LEAST_SECONDS, MOST_SECONDS = 60, 3600
MAX_REASON = 200


class BadHoldTime(errors.Invalid):
    code = "BAD_HOLD_TIME"
    message = f"A cart is held for {LEAST_SECONDS} to {MOST_SECONDS} seconds."


class NoPolicy(errors.NotFound):
    message = "Nothing is held for carts: the first to pay is the first served."


class UnknownShopper(errors.NotFound):
    """Also somebody for whose carts this merchant never held anything."""

    message = "There is no such shopper with goods of yours held."


def read(*, merchant_id: UUID) -> CartPolicy:
    """Return a merchant's policy; raises NoPolicy."""
    found = CartPolicy.objects.filter(pk=merchant_id).first()
    if found is None:
        raise NoPolicy
    return found


def set_policy(*, merchant_id: UUID, hold_seconds: int, now: datetime) -> CartPolicy:
    """Hold this merchant's goods for carts from now on; raises BadHoldTime."""
    if not LEAST_SECONDS <= hold_seconds <= MOST_SECONDS:
        raise BadHoldTime(seconds=hold_seconds)
    with transaction.atomic():
        lock(merchant_id)
        policy, _ = CartPolicy.objects.update_or_create(
            merchant_id=merchant_id, defaults={"hold_seconds": hold_seconds, "updated_at": now}
        )
    return policy


def drop_policy(*, merchant_id: UUID) -> None:
    """Hold nothing more for carts; what is held runs to its end."""
    with transaction.atomic():
        lock(merchant_id)
        CartPolicy.objects.filter(pk=merchant_id).delete()


def lock(merchant_id: UUID) -> None:
    """Keep others from changing a merchant's policy, there or not, while the transaction lasts."""
    Merchant.objects.select_for_update(no_key=True).filter(pk=merchant_id).values_list("pk").first()


def bar(*, merchant_id: UUID, buyer_id: UUID, reason: str, by_id: UUID | None, now: datetime) -> Hoarder:
    """Hold nothing more for a shopper's carts; what is held runs to its end. Raises UnknownShopper.

    Only somebody for whom the merchant has held goods can be named, so nobody can try out who exists.
    """
    if not CartHolder.objects.filter(merchant_id=merchant_id, buyer_id=buyer_id).exists():
        raise UnknownShopper
    row, _ = Hoarder.objects.update_or_create(
        merchant_id=merchant_id,
        buyer_id=buyer_id,
        defaults={"reason": reason[:MAX_REASON], "by_id": by_id},
        create_defaults={"reason": reason[:MAX_REASON], "by_id": by_id, "at": now},
    )
    return row


def pardon(*, merchant_id: UUID, buyer_id: UUID) -> None:
    """Hold for a shopper's carts again; nothing happens when that was so."""
    Hoarder.objects.filter(merchant_id=merchant_id, buyer_id=buyer_id).delete()
