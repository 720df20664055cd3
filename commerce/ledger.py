"""The ledger: append-only double entry in minor units. Debit positive, credit negative.

The database refuses a transaction that does not sum to zero per currency (deferred trigger) and any UPDATE or
DELETE of what was posted. The chart of accounts is in docs/architecture.md.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from commerce.models import LedgerTransaction, Posting
from commerce.money import Money

PROVIDER = "provider"  # Money at the payment provider (an asset).
PLATFORM_FEES = "platform:fees"  # What the platform earned.
REFUNDS = "refunds"  # Owed to buyers until the provider has paid it back.


class Unbalanced(ValueError):
    """Postings that do not sum to zero in each currency; a programming error."""


def clearing(purchase_id: UUID) -> str:
    """Return the clearing account of a purchase; it goes back to zero when the purchase is settled."""
    return f"clearing:{purchase_id}"


def merchant(merchant_id: UUID) -> str:
    """Return the account of what is owed to a merchant."""
    return f"merchant:{merchant_id}"


def host(host_id: UUID) -> str:
    """Return the account of commission owed to a host."""
    return f"host:{host_id}"


def post(*, kind: str, ref: str, postings: Sequence[tuple[str, Money]]) -> LedgerTransaction | None:
    """Book postings (account, amount) once per (ref, kind); returns None when they were booked before.

    Zero amounts are left out. Raises Unbalanced when a currency does not sum to zero.
    """
    lines = [(account, money) for account, money in postings if money.amount]
    sums: dict[str, int] = {}
    for _, money in lines:
        sums[money.currency] = sums.get(money.currency, 0) + money.amount
    if not lines or any(sums.values()):
        raise Unbalanced(f"{kind} {ref}: {sums}")
    with transaction.atomic():
        fresh = LedgerTransaction(kind=kind, ref=ref)
        # ON CONFLICT DO NOTHING waits for a concurrent booking of the same ref, then leaves it alone.
        LedgerTransaction.objects.bulk_create([fresh], ignore_conflicts=True)
        if not LedgerTransaction.objects.filter(id=fresh.id).exists():
            return None
        Posting.objects.bulk_create(
            Posting(transaction=fresh, account=account, amount=money.amount, currency=money.currency)
            for account, money in lines
        )
    return fresh


def balance(account: str, currency: str, *, at: datetime | None = None) -> Money:
    """Return what stands on an account in one currency, now or as of a moment."""
    postings = Posting.objects.filter(account=account, currency=currency)
    if at is not None:
        postings = postings.filter(transaction__posted_at__lte=at)
    return Money(postings.aggregate(total=Sum("amount"))["total"] or 0, currency)
