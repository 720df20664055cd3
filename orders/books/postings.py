"""What payments mean for the ledger, and what hosts earn by them. Called inside the transaction that moves
the money.

clearing:<purchase> stands between the provider and the parties: a capture fills it, a sale or a refund
empties it.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from django.db.models import Sum

from commerce import ledger
from commerce.money import Money
from orders import pricing
from orders.books import commissions
from orders.models import (
    Commission,
    Dispute,
    DisputeLine,
    OrderLine,
    Payment,
    Proceeds,
    Purchase,
    Refund,
    RefundLine,
    ShippingBack,
)


def capture(payments: Iterable[Payment]) -> None:
    """Book money that the provider took from buyers' cards."""
    ledger.post_all([_capture(payment) for payment in payments])


def _capture(payment: Payment) -> ledger.Booking:
    amount = Money(payment.amount, payment.currency)
    postings = [(ledger.PROVIDER, amount), (ledger.clearing(payment.purchase_id), amount * -1)]
    return ledger.Booking("capture", str(payment.id), postings)


def sale(purchases: Collection[Purchase], payments: Iterable[Payment] = ()) -> None:
    """Book paid purchases: who gets what of them, by the rates agreed at the sale; and what was captured of
    these payments, in the same statements.

    Shares are of what the goods cost without tax; tax and shipping are their merchant's alone.
    """
    bookings = [_capture(payment) for payment in payments]
    lines: dict[UUID, list[OrderLine]] = {purchase.id: [] for purchase in purchases}
    sold = OrderLine.objects.select_related("order").filter(order__purchase__in=purchases)
    for line in sold.order_by("id"):
        lines[line.order.purchase_id].append(line)
    # The shares in force when it was accepted, whenever it is paid.
    bought = [(line, purchase.created_at) for purchase in purchases for line in lines[purchase.id]]
    earned = commissions.of_sale(bought)
    for purchase in purchases:
        theirs = lines[purchase.id]
        bookings += [_sale(purchase, theirs, earned), *_charges(purchase, theirs)]
    booked = ledger.post_all(bookings)
    fresh = [
        each
        for line, _ in bought
        if (str(line.order.purchase_id), "sale") in booked
        for each in earned.get(line.id, ())
    ]
    if fresh:
        Commission.objects.bulk_create(fresh)


def _sale(
    purchase: Purchase, lines: Iterable[OrderLine], earned: Mapping[UUID, Sequence[Commission]]
) -> ledger.Booking:
    owed: Counter[str] = Counter()
    base = 0
    for line in lines:
        base += line.base
        shares = pricing.shares(line.base, host_bp=line.host_commission_bp, platform_bp=line.platform_fee_bp)
        owed[ledger.merchant(line.merchant_id)] += shares.merchant
        owed[ledger.PLATFORM_FEES] += shares.platform
        for commission in earned.get(line.id, ()):
            owed[ledger.host(commission.host_id)] += commission.amount
    postings = [(ledger.clearing(purchase.id), Money(base, purchase.currency))]
    postings += [(account, Money(-amount, purchase.currency)) for account, amount in sorted(owed.items())]
    return ledger.Booking("sale", str(purchase.id), postings)


def _charges(purchase: Purchase, lines: Sequence[OrderLine]) -> Iterator[ledger.Booking]:
    """Yield what a paid purchase's merchants charged beside the goods: shipping, and tax.

    The lines are read with their orders.
    """
    shipping: Counter[str] = Counter()
    tax: Counter[str] = Counter()
    for order in {line.order_id: line.order for line in lines}.values():
        merchant = ledger.merchant(order.merchant_id)
        shipping[merchant] += order.shipping_paid - order.shipping_tax_amount
        tax[merchant] += order.shipping_tax_amount
    for line in lines:
        tax[ledger.merchant(line.merchant_id)] += line.tax_amount
    for kind, charged in (("sale.shipping", +shipping), ("sale.tax", +tax)):
        if charged:
            total = Money(sum(charged.values()), purchase.currency)
            theirs = [(each, Money(-amount, purchase.currency)) for each, amount in sorted(charged.items())]
            yield ledger.Booking(kind, str(purchase.id), [(ledger.clearing(purchase.id), total), *theirs])


def shares_left(lines: Iterable[OrderLine]) -> dict[UUID, pricing.Shares]:
    """Return what merchant, host and platform still have of each line, after its refunds and what banks took;
    its tax is the merchant's.
    """
    rows = list(lines)
    back: dict[UUID, Counter[str]] = {line.id: Counter() for line in rows}
    given = RefundLine.objects.filter(line__in=rows)
    lost = DisputeLine.objects.filter(line__in=rows, dispute__reinstated_at=None)
    for parts in (given, lost):
        sums = parts.values_list("line_id").annotate(
            Sum("amount"), Sum("host_amount"), Sum("platform_amount")
        )
        for line_id, paid, host, platform in sums:
            back[line_id].update(paid=paid, host=host, platform=platform)
    left = {}
    for line in rows:
        sold = pricing.shares(line.base, host_bp=line.host_commission_bp, platform_bp=line.platform_fee_bp)
        gone = back[line.id]
        host, platform = sold.host - gone["host"], sold.platform - gone["platform"]
        left[line.id] = pricing.Shares(line.paid - gone["paid"] - host - platform, host, platform)
    return left


def refund_owed(refund: Refund) -> None:
    """Book money that goes back to the buyer: owed to her, by those who had it.

    After a sale these are merchant, host and platform, as the refund's lines say; before one, as when the
    money came too late, it still stands on the purchase's clearing account.
    """
    amount, currency = refund.amount, refund.currency
    borne = _borne(refund.lines.select_related("line").order_by("line_id"))
    borne.update(_shipping_borne(refund.shipping.select_related("order")))
    if not borne:
        borne[ledger.clearing(refund.payment.purchase_id)] = amount
    ledger.post(
        kind="refund.owed",
        ref=str(refund.id),
        postings=[
            *((account, Money(each, currency)) for account, each in sorted(borne.items())),
            (ledger.REFUNDS, Money(-amount, currency)),
        ],
    )


def refund_paid(refund: Refund) -> None:
    """Book a refund that the provider has carried out."""
    amount = Money(refund.amount, refund.currency)
    ledger.post(
        kind="refund.paid",
        ref=str(refund.id),
        postings=[(ledger.REFUNDS, amount), (ledger.PROVIDER, amount * -1)],
    )


def refund_failed(refund: Refund) -> None:
    """Book a refund that had left and came back to the provider: it is owed to the buyer again."""
    amount = Money(refund.amount, refund.currency)
    ledger.post(
        kind="refund.failed",
        ref=str(refund.id),
        postings=[(ledger.PROVIDER, amount), (ledger.REFUNDS, amount * -1)],
    )


def refund_by_bank(refund: Refund) -> None:
    """Book that the buyer has what she was owed, or a part of it, by what her bank took from us."""
    amount = Money(refund.bank_amount, refund.currency)
    ledger.post(
        kind="refund.by_bank",
        ref=str(refund.id),
        postings=[(ledger.REFUNDS, amount), (ledger.DISPUTES, amount * -1)],
    )


def refund_owed_again(refund: Refund) -> None:
    """Book that the bank gave back what a buyer had by it: she is owed it again."""
    amount = Money(refund.bank_amount, refund.currency)
    ledger.post(
        kind="refund.owed_again",
        ref=str(refund.id),
        postings=[(ledger.DISPUTES, amount), (ledger.REFUNDS, amount * -1)],
    )


def dispute_borne(dispute: Dispute) -> Counter[str]:
    """Return who bears what a bank has: who had it; what nobody has any more, the platform."""
    borne = _borne(dispute.lines.select_related("line").order_by("line_id"))
    borne.update(_shipping_borne(dispute.shipping.select_related("order")))
    borne[ledger.DISPUTES] += dispute.withdrawn_amount - dispute.reinstated_amount - sum(borne.values())
    return borne


def dispute_withdrawn(dispute: Dispute) -> None:
    """Book what the buyer's bank took."""
    _of_dispute("dispute.withdrawn", dispute, dispute_borne(dispute))


def dispute_partly_reinstated(dispute: Dispute, back: Mapping[str, int]) -> None:
    """Book that the bank gave these accounts back a part of what they bore."""
    _of_dispute("dispute.partly_reinstated", dispute, {name: -amount for name, amount in back.items()})


def dispute_reinstated(dispute: Dispute, back: Mapping[str, int]) -> None:
    """Book that the bank gave back all that these accounts still bore."""
    _of_dispute("dispute.reinstated", dispute, {name: -amount for name, amount in back.items()})


def _of_dispute(kind: str, dispute: Dispute, borne: Mapping[str, int]) -> None:
    postings = [(name, Money(amount, dispute.currency)) for name, amount in sorted(borne.items())]
    total = Money(-sum(borne.values()), dispute.currency)
    ledger.post(kind=kind, ref=dispute.provider_id, postings=[*postings, (ledger.PROVIDER, total)])


def proceeds_earned(proceeds: Proceeds) -> None:
    """Book that what an order brought its merchant may be paid out."""
    _earned("proceeds.earned", proceeds.order_id, ledger.merchant(proceeds.merchant_id), proceeds)


def commission_earned(commission: Commission) -> None:
    """Book that what is left of a commission may be paid out."""
    _earned("commission.earned", commission.pk, ledger.host(commission.host_id), commission)


def _earned(kind: str, ref: UUID, account: str, row: Proceeds | Commission) -> None:
    amount = row.amount - (row.reversed_amount if isinstance(row, Commission) else 0)
    if amount:
        due = Money(amount, row.currency)
        ledger.post(kind=kind, ref=str(ref), postings=[(account, due), (ledger.payable(account), due * -1)])


def _borne(parts: Iterable[RefundLine | DisputeLine]) -> Counter[str]:
    """Return what each account gives back for these parts: what was earned, of what may be paid out."""
    rows = list(parts)
    lines = [part.line_id for part in rows]
    # The caller has locked the purchase, and nothing becomes earned meanwhile.
    proceeds = set(Proceeds.objects.filter(order__lines__in=lines).values_list("order_id", flat=True))
    borne = commissions.borne(rows)
    for part in rows:
        line = part.line
        merchant = ledger.merchant(line.merchant_id)
        if line.order_id in proceeds:
            merchant = ledger.payable(merchant)
        borne[merchant] += part.amount - part.host_amount - part.platform_amount
        borne[ledger.PLATFORM_FEES] += part.platform_amount
    return borne


def _shipping_borne(parts: Iterable[ShippingBack]) -> Counter[str]:
    """Return what merchants give back of shipping: what was earned, of what may be paid out."""
    rows = list(parts)
    if not rows:
        return Counter()
    proceeds = set(
        Proceeds.objects.filter(order__in=[part.order_id for part in rows]).values_list("order_id", flat=True)
    )
    borne: Counter[str] = Counter()
    for part in rows:
        merchant = ledger.merchant(part.order.merchant_id)
        borne[ledger.payable(merchant) if part.order_id in proceeds else merchant] += part.amount
    return borne
