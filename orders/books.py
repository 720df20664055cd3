"""What payments mean for the ledger, and what hosts earn by them. Called inside the transaction that moves
the money.

clearing:<purchase> stands between the provider and the parties: a capture fills it, a sale or a refund
empties it.
"""

from collections import Counter
from uuid import UUID

from commerce import ledger
from commerce.money import Money
from orders import pricing
from orders.models import Commission, OrderLine, Payment, Purchase, Refund


def capture(payment: Payment) -> None:
    """Book money that the provider took from the buyer's card."""
    amount = Money(payment.amount, payment.currency)
    ledger.post(
        kind="capture",
        ref=str(payment.id),
        postings=[(ledger.PROVIDER, amount), (ledger.clearing(payment.purchase_id), amount * -1)],
    )


def sale(purchase: Purchase) -> None:
    """Book a paid purchase: who gets what of it, by the rates agreed at the sale."""
    owed: Counter[str] = Counter()
    earned: list[Commission] = []
    lines = OrderLine.objects.filter(order__purchase=purchase).order_by("id")
    for line in lines:
        shares = pricing.shares(
            line.amount, host_bp=line.host_commission_bp, platform_bp=line.platform_fee_bp
        )
        owed[ledger.merchant(line.merchant_id)] += shares.merchant
        owed[ledger.PLATFORM_FEES] += shares.platform
        if line.host_id is None or line.stream_id is None:
            continue
        owed[ledger.host(line.host_id)] += shares.host
        earned.append(_commission(line, line.host_id, line.stream_id, shares.host))
    total = Money(purchase.amount, purchase.currency)
    postings = [(ledger.clearing(purchase.id), total)]
    postings += [(account, Money(-amount, purchase.currency)) for account, amount in sorted(owed.items())]
    if ledger.post(kind="sale", ref=str(purchase.id), postings=postings) is not None:
        Commission.objects.bulk_create(earned)


def refund_owed(refund: Refund) -> None:
    """Book money that goes back to the buyer: it leaves the purchase and is owed to her."""
    amount = Money(refund.amount, refund.currency)
    ledger.post(
        kind="refund.owed",
        ref=str(refund.id),
        postings=[(ledger.clearing(refund.payment.purchase_id), amount), (ledger.REFUNDS, amount * -1)],
    )


def refund_paid(refund: Refund) -> None:
    """Book a refund that the provider has carried out."""
    amount = Money(refund.amount, refund.currency)
    ledger.post(
        kind="refund.paid",
        ref=str(refund.id),
        postings=[(ledger.REFUNDS, amount), (ledger.PROVIDER, amount * -1)],
    )


def _commission(line: OrderLine, host_id: UUID, stream_id: UUID, amount: int) -> Commission:
    return Commission(
        line=line,
        host_id=host_id,
        stream_id=stream_id,
        rate_bp=line.host_commission_bp,
        base_amount=line.amount,
        amount=amount,
        currency=line.currency,
    )
