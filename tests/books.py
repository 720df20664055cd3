"""Both sides' books held against each other: what the provider says moved, and what we wrote down."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Sum

from commerce import ledger
from commerce.models import LedgerTransaction, Posting
from orders.models import Payment, Refund
from orders.reconciling.movements import PROVIDER_FEES

CAPTURED = (Payment.Status.SUCCEEDED, Payment.Status.RETURNED)
OURS = ("charge", "refund", "refund_failure", "adjustment", "stripe_fee", "payout")
Money = tuple[int, str]  # Minor units and currency.


@dataclass(frozen=True)
class Books:
    """One side's: each part by the provider's own ids."""

    charges: dict[str, Money]  # By intent.
    refunds: dict[str, Money]  # Those that left and did not come back.
    fees: dict[str, Money]  # By movement.
    balance: dict[str, int]  # By currency, after fees.


def there(detail: dict[str, Any]) -> Books:
    """Read the simulator's books with every charge."""
    assert detail["consistent"], "the provider's books do not agree with themselves"
    return Books(
        charges={each["payment_intent"]: _money(each, "captured") for each in detail["intents"]},
        refunds={each["id"]: _money(each) for each in detail["refunds"] if each["status"] == "succeeded"},
        fees={each["id"]: _money(each, "fee") for each in detail["movements"] if each["fee"]},
        balance={
            currency.upper(): total["net"] for currency, total in detail["totals"].items() if total["net"]
        },
    )


def here() -> Books:
    """Read our payments, refunds and ledger. Fees are booked when the reconciler has matched them."""
    refunds = Refund.objects.filter(status=Refund.Status.SUCCEEDED)
    fees = LedgerTransaction.objects.filter(kind="fee", postings__account=PROVIDER_FEES)
    sums = Posting.objects.filter(account=ledger.PROVIDER).values("currency").annotate(net=Sum("amount"))
    paid = Payment.objects.filter(status__in=CAPTURED)
    return Books(
        charges={str(each.provider_id): (each.amount, each.currency) for each in paid},
        refunds={str(each.provider_id): (each.amount, each.currency) for each in refunds},
        fees={ref: (amount, currency) for ref, amount, currency in fees.values_list(*FEE)},
        balance={each["currency"]: each["net"] for each in sums if each["net"]},
    )


FEE = ("ref", "postings__amount", "postings__currency")


def differences(ours: Books, theirs: Books) -> list[str]:
    """Say what one side has and the other has not, or has otherwise."""
    found = []
    for part, mine in asdict(ours).items():
        other = asdict(theirs)[part]
        for key in sorted(mine.keys() | other.keys()):
            if mine.get(key) != other.get(key):
                found.append(f"{part} {key}: ours {mine.get(key)}, theirs {other.get(key)}")
    twice = Counter(Refund.objects.exclude(provider_id=None).values_list("provider_id", flat=True))
    return found + [f"refund {key} is {count} of ours" for key, count in twice.items() if count > 1]


def equal(detail: dict[str, Any]) -> None:
    """Fail unless charges, refunds, fees and the balance are the same on both sides."""
    assert differences(here(), there(detail)) == []


def _money(row: dict[str, Any], name: str = "amount") -> Money:
    return int(row[name]), str(row["currency"]).upper()
