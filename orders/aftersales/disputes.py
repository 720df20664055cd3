"""Disputes: a buyer's bank takes a charge back. What the provider says of one is made true here, however
often and in whatever order its notices come.

What is taken is borne at once by merchant, host and platform, as a refund is, so that nobody is paid out
money that is contested; it is theirs again when it comes back. The provider's fee is booked with
its movement.
"""

from datetime import datetime
from uuid import UUID

import structlog
from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from commerce import errors, faults, gateway, ids, outbox
from commerce.money import Money
from orders import pricing, transactions
from orders.aftersales import endings, evidence
from orders.books import commissions, postings
from orders.models import Dispute, DisputeLine, Order, OrderLine, Payment, Purchase, ShippingBack
from orders.settling import discrepancies, refunds

log = structlog.get_logger(__name__)

CLOSED = frozenset({"won", "lost", "warning_closed"})


class UnknownDispute(errors.NotFound):
    message = "There is no such dispute."


class EvidenceSent(errors.Conflict):
    """The bank takes evidence once."""

    code = "EVIDENCE_SENT"
    message = "Evidence for this dispute was sent before."


class NotYoursAlone(errors.Conflict):
    """The bank takes one answer for all who have a part of the purchase."""

    code = "DISPUTE_SHARED"
    message = "Others sold a part of this purchase: Yellowcart answers the bank for all of you."


class NotOpen(errors.Conflict):
    """The dispute is decided."""

    code = "DISPUTE_CLOSED"
    message = "This dispute is over."


def take_in(*, told: gateway.Dispute, now: datetime) -> Dispute | None:
    """Make what the provider says of a dispute true; None when no payment of ours is over its currency.

    Safe to repeat and in any order: money is booked once each way, what is given back in one part or two, and
    an end stays. Raises Mismatch, noted as a discrepancy, when the bank takes more than it took, gives back
    more than that, or less though we have won, or moves another currency; what it took and gave back is
    booked all the same, but in its own currency only.
    """
    payment_id = _payment_of(told)
    if payment_id is None:
        log.warning("dispute.not_ours", dispute=told.id)
        return None
    row, difference = transactions.run(
        lambda: _take_in(payment_id, told, now), lock_timeout_ms=transactions.PATIENT_MS
    )
    faults.reach("dispute.committed")
    if difference is not None:
        discrepancies.note(difference, now=now)
        raise discrepancies.Mismatch(difference)
    return row


def submit(*, dispute_id: UUID, by_id: UUID | None, now: datetime) -> Dispute:
    """Send the provider the evidence for a dispute, and take in what it says; once.

    The bank takes it once: what may have arrived is looked for first, as when nobody heard the answer. Raises
    UnknownDispute, EvidenceSent, NotOpen, and what the gateway raises: nothing is sent then, or it is not
    known, and the next call finds out.
    """
    row = of(dispute_id=dispute_id)
    if row.status in CLOSED:
        raise NotOpen(status=row.status)
    if row.submitted_at is not None:
        raise EvidenceSent(submitted_at=row.submitted_at.isoformat())
    told = gateway.retrieve_dispute(row.provider_id)
    if not told.submissions:
        Dispute.objects.filter(pk=row.pk, submitted_at=None).update(submitted_by=by_id)
        try:
            told = _sent(row)
        except gateway.Refused:
            # Somebody else may have sent it a moment before.
            told = gateway.retrieve_dispute(row.provider_id)
            if not told.submissions:
                raise
            take_in(told=told, now=now)
            at = of(dispute_id=dispute_id).submitted_at or now
            raise EvidenceSent(submitted_at=at.isoformat()) from None
    take_in(told=told, now=now)
    return of(dispute_id=dispute_id)


def submit_own(*, merchant_id: UUID, dispute_id: UUID, by_id: UUID | None, now: datetime) -> Dispute:
    """Have a merchant answer the bank where the whole purchase is its own; as `submit`.

    Raises NotYoursAlone besides.
    """
    row = one_of_merchant(merchant_id=merchant_id, dispute_id=dispute_id)
    if not is_own(row, merchant_id=merchant_id):
        raise NotYoursAlone
    return submit(dispute_id=row.pk, by_id=by_id, now=now)


def is_own(row: Dispute, *, merchant_id: UUID) -> bool:
    """Tell whether a merchant sold all of the purchase that a dispute is about."""
    orders = Order.objects.filter(purchase__payments=row.payment_id)
    return not orders.exclude(merchant_id=merchant_id).exists()


def one_of_merchant(*, merchant_id: UUID, dispute_id: UUID) -> Dispute:
    """Return a dispute as `of_merchant` does; raises UnknownDispute."""
    found = of_merchant(merchant_id=merchant_id).filter(pk=dispute_id).first()
    if found is None:
        raise UnknownDispute
    return found


def _sent(row: Dispute) -> gateway.Dispute:
    words = evidence.for_provider(evidence.bundle(row))
    try:
        return gateway.submit_evidence(provider_id=row.provider_id, evidence=words)
    except gateway.UnknownOutcome:
        told = gateway.retrieve_dispute(row.provider_id)
        if not told.submissions:
            raise
        return told


def of(*, dispute_id: UUID) -> Dispute:
    """Return a dispute; raises UnknownDispute."""
    found = Dispute.objects.select_related("payment__purchase").filter(pk=dispute_id).first()
    if found is None:
        raise UnknownDispute
    return found


def of_merchant(*, merchant_id: UUID) -> QuerySet[Dispute]:
    """Return the disputes of purchases of which a merchant has a part, with its `order_id` and its share."""
    order = Order.objects.filter(purchase=OuterRef("payment__purchase"), merchant=merchant_id).values("pk")
    part = (
        DisputeLine.objects.filter(dispute=OuterRef("pk"), line__merchant=merchant_id)
        .values("dispute")
        .annotate(sum=Sum(F("amount") - F("host_amount") - F("platform_amount")))
        .values("sum")
    )
    shipping = ShippingBack.objects.filter(dispute=OuterRef("pk"), order__merchant=merchant_id)
    rows = Dispute.objects.filter(payment__purchase__orders__merchant=merchant_id)
    yours = Coalesce(Subquery(part), 0) + Coalesce(Subquery(shipping.values("amount")[:1]), 0)
    return rows.annotate(order_id=Subquery(order), yours=yours)


def _payment_of(told: gateway.Dispute) -> UUID | None:
    rows = Payment.objects.filter(currency=told.amount.currency)
    if told.intent_id:
        return rows.filter(provider_id=told.intent_id).values_list("id", flat=True).first()
    return rows.filter(charge_id=told.charge_id).exclude(charge_id="").values_list("id", flat=True).first()


def _take_in(
    payment_id: UUID, told: gateway.Dispute, now: datetime
) -> tuple[Dispute, discrepancies.Difference | None]:
    purchase = Purchase.objects.select_for_update(of=("self",), no_key=True).filter(payments=payment_id).get()
    payment = Payment.objects.select_for_update(no_key=True).get(pk=payment_id)
    row, fresh = Dispute.objects.get_or_create(
        provider_id=told.id,
        defaults={
            "id": ids.new(),
            "payment": payment,
            "amount": told.amount.amount,
            "currency": told.amount.currency,
            "status": told.status,
            "created_at": now,
        },
    )
    stood = "" if fresh else _stands(row)
    if told.withdrawn and row.withdrawn_at is None:
        _withdraw(row, purchase, payment, told.withdrawn, now)
    if told.submissions and row.submitted_at is None:
        row.submitted_at = now
    before = row.status
    if before not in CLOSED:
        if before != told.status:
            log.info("dispute.moved", dispute=row.provider_id, old=before, new=told.status)
        row.status, row.amount = told.status, told.amount.amount
        row.reason, row.due_at = told.reason[:60], told.due_at
    row.updated_at = now
    row.save()
    returned = told.reinstated > row.reinstated_amount and told.reinstated <= row.withdrawn_amount
    if returned and not told.settled_in:
        returned = endings.reinstate(row, total=told.reinstated, now=now)
    if row.reinstated_amount and (returned or row.status != before):
        endings.owe_again(row, purchase=purchase, now=now)
    # What payees were sent of it and a bank has now, they owe back as after a refund.
    refunds.owed_back(payment)
    if (stands := _stands(row)) != stood:
        payload = {"dispute": str(row.id), "stood": stands}
        outbox.record(name="dispute.moved", payload=payload, key=f"dispute.moved:{row.id}:{stands}")
    faults.reach("dispute.written")
    difference = _difference(row, told)
    return row, difference


def _stands(row: Dispute) -> str:
    """Name what of a dispute its merchants are told, in a few characters."""
    money = "there" if row.withdrawn_at is None else "taken"
    if row.reinstated_amount:
        money = f"back {row.reinstated_amount}"
    return f"{row.status}:{money}:{'sent' if row.submitted_at else 'open'}"


def _difference(row: Dispute, told: gateway.Dispute) -> discrepancies.Difference | None:
    """Hold what the bank moved against what was booked."""
    ours = row.withdrawn_amount
    if told.settled_in:
        what = (
            f"the bank's money moved in {told.settled_in}, the charge was in {row.currency}: book it by hand"
        )
        theirs = told.amount.amount
    elif told.withdrawn > ours:
        what, theirs = "the bank took more than it had taken", told.withdrawn
    elif told.reinstated > row.reinstated_amount:
        what, theirs = "the bank gave back what it had not taken, or in more parts than two", told.reinstated
        ours = row.reinstated_amount
    elif told.status == "won" and row.reinstated_amount < ours:
        what, theirs = "the bank has decided for us, and gave back a part only", row.reinstated_amount
    else:
        return None
    return discrepancies.Difference(
        kind=discrepancies.Kind.DISPUTE,
        provider_id=row.provider_id,
        what=what,
        ours=Money(ours, row.currency),
        theirs=Money(theirs, row.currency),
        payment_id=row.payment_id,
    )


def _withdraw(row: Dispute, purchase: Purchase, payment: Payment, amount: int, now: datetime) -> None:
    row.withdrawn_amount, row.withdrawn_at = amount, now
    row.save(update_fields=["withdrawn_amount", "withdrawn_at"])
    parts: list[refunds.Part] = []
    lines: dict[UUID, OrderLine] = {}
    if payment.status == Payment.Status.SUCCEEDED:
        found = OrderLine.objects.select_for_update(no_key=True, of=("self",)).filter(
            order__purchase=purchase
        )
        lines = {line.id: line for line in found.order_by("id")}
        orders = Order.objects.select_for_update(no_key=True).filter(purchase=purchase).order_by("id")
        its = {order.id: order for order in orders}
        lost = refunds.lost_to_banks(purchase.id)
        parts, shipping = refunds.spread_all(list(lines.values()), list(its.values()), amount, lost)
        for order_id, part_of_it in shipping.items():
            parcel = refunds.shipping_back(its[order_id], part_of_it)
            parcel.dispute = row
            parcel.save()
    left_of = postings.shares_left(lines.values())
    rows = []
    for part in parts:
        back = pricing.taken_back(part.amount, of=left_of[part.line_id])
        rows.append(
            DisputeLine(
                dispute=row,
                line=lines[part.line_id],
                amount=part.amount,
                host_amount=back.host,
                platform_amount=back.platform,
            )
        )
    DisputeLine.objects.bulk_create(rows)
    commissions.take_back(rows)
    postings.dispute_withdrawn(row)
