"""Refunds that were owed when the buyer's bank took the money: she has it from there, or gets it from us.

While the bank asks nothing is sent: it would be refused, or paid twice. When the bank has won, she has what
she was owed by it; when it has lost, what was refused meanwhile is sent anew.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import structlog
from django.db.models import Exists, OuterRef, Q

from commerce import errors
from commerce.money import Money
from orders import moves, states, transactions
from orders.books import postings
from orders.models import Dispute, Refund
from orders.settling import banks, discrepancies, repaying

log = structlog.get_logger(__name__)
Status = Refund.Status


class NotByBank(errors.Conflict):
    """No lost dispute holds money that this refund is owed of, or it was sent."""

    code = "NOT_PAID_BY_BANK"
    message = "The buyer's bank has not paid this refund."


def pay(*, refund_id: UUID, now: datetime) -> Refund:
    """Record that the buyer has a refund by the dispute that her bank has won; what the bank did not pay of
    it is sent anew. The same again changes nothing. Raises NotByBank.
    """

    def work() -> Refund:
        purchase = repaying.purchase_of(refund_id)
        row = Refund.objects.select_for_update(of=("self",)).get(pk=refund_id)
        if row.status == Status.BY_BANK:
            return row
        over = Status.BY_BANK not in states.REFUND[row.status] or Refund.objects.filter(again_of=row).exists()
        loss = 0 if over or banks.ask_for(row.payment_id) else banks.loss(row.payment_id)
        if loss <= 0:
            raise NotByBank(status=row.status)
        row.status, row.bank_amount = Status.BY_BANK, min(row.amount, loss)
        row.save(update_fields=["status", "bank_amount"])
        postings.refund_by_bank(row)
        if row.bank_amount < row.amount:
            repaying.anew(row, amount=row.amount - row.bank_amount, now=now)
        repaying.told(row)
        log.info("refund.by_bank", refund=str(row.id), amount=row.bank_amount)
        moves.note(purchase, reason="refunded by the bank", now=now)
        return row

    return transactions.run(work, lock_timeout_ms=transactions.PATIENT_MS)


def undo(*, payment_id: UUID, now: datetime) -> None:
    """Owe buyers again what a bank had paid and gave back after all. The purchase is locked."""
    paid = Refund.objects.select_for_update(of=("self",)).filter(payment=payment_id, bank_amount__gt=0)
    for row in paid.order_by("-id"):
        if banks.loss(payment_id) >= 0:
            return
        if Refund.objects.filter(again_of=row).exists():
            _for_a_human(row, now)
            continue
        postings.refund_owed_again(row)
        amount, row.bank_amount = row.bank_amount, 0
        row.save(update_fields=["bank_amount"])
        repaying.anew(row, amount=amount, now=now)


def decided(*, refund_id: UUID, now: datetime) -> None:
    """Go on with a refund that waited for a bank: paid by it, else sent anew."""
    row = Refund.objects.get(pk=refund_id)
    try:
        pay(refund_id=refund_id, now=now)
    except NotByBank:
        if row.status == Status.FAILED:
            repaying.try_again(refund_id=refund_id, now=now)


def due(*, now: datetime, limit: int, without: Collection[str] = ()) -> list[UUID]:
    """Return refunds that are owed, and of which a bank has decided."""
    owed = Refund.objects.filter(status__in=(Status.CREATED, Status.FAILED), again=None).exclude(
        pk__in=without
    )
    lost = owed.filter(banks.LOST).exclude(banks.DECIDE).order_by("created_at")
    found = [pk for pk, payment_id in lost.values_list("id", "payment_id") if banks.loss(payment_id) > 0]
    # Refused while the bank had it, and not since.
    given_back = Dispute.objects.filter(
        Q(reinstated_at__gt=OuterRef("checked_at"))
        | Q(status="lost", reinstated_amount__gt=0, updated_at__gt=OuterRef("checked_at")),
        payment=OuterRef("payment"),
    )
    refused = owed.filter(Exists(given_back), status=Status.FAILED, failure=repaying.DISPUTED)
    found += refused.exclude(banks.DECIDE).values_list("id", flat=True)
    return found[:limit]


def _for_a_human(row: Refund, now: datetime) -> None:
    discrepancies.note(
        discrepancies.Difference(
            kind=discrepancies.Kind.REFUND,
            provider_id=row.provider_id or str(row.id),
            what=f"the bank gave back what it had paid of refund {row.id}: it is owed to the buyer again",
            ours=Money(row.bank_amount, row.currency),
            payment_id=row.payment_id,
        ),
        now=now,
    )
