"""Refunds: money that goes back to a buyer, owed when it is decided and carried out afterwards."""

from datetime import datetime
from uuid import UUID

import structlog
from django.db.models import F

from commerce import gateway, ids, outbox
from commerce.money import Money
from orders import books, transactions
from orders.models import Payment, Refund

log = structlog.get_logger(__name__)


def owe(*, payment: Payment, amount: int, reason: str, now: datetime) -> Refund:
    """Decide a refund (minor units) in the caller's transaction; more than was captured is refused."""
    Payment.objects.filter(pk=payment.pk).update(refunded_amount=F("refunded_amount") + amount)
    refund = Refund.objects.create(
        id=ids.new(), payment=payment, amount=amount, currency=payment.currency, reason=reason, created_at=now
    )
    books.refund_owed(refund)
    outbox.record(name="refund.owed", payload={"refund": str(refund.id)}, key=f"refund.owed:{refund.id}")
    return refund


def send(*, refund_id: UUID, now: datetime) -> None:
    """Have the provider carry out a refund, or ask what became of it; safe to repeat.

    The refund's id is the key, so that asking again refunds once. Raises what the gateway raises.
    """
    refund = (
        Refund.objects.select_related("payment").filter(pk=refund_id, status=Refund.Status.CREATED).first()
    )
    if refund is None:
        return
    if refund.provider_id is not None:
        answer = gateway.retrieve_refund(refund.provider_id)
    else:
        answer = gateway.refund(
            key=str(refund.id),
            intent_id=refund.payment.provider_id or "",
            amount=Money(refund.amount, refund.currency),
            refund_id=refund.id,
        )

    def take_in() -> None:
        row = Refund.objects.select_for_update().select_related("payment").get(pk=refund_id)
        if row.status != Refund.Status.CREATED:
            return
        row.provider_id = answer.id
        if answer.status == "succeeded":
            row.status = Refund.Status.SUCCEEDED
            books.refund_paid(row)
        elif answer.status == "failed":
            # The money is still owed: the account shows it, and a human has to find another way.
            row.status = Refund.Status.FAILED
            log.error("refund.failed", refund=str(refund_id), provider_id=answer.id)
        row.save(update_fields=["provider_id", "status"])

    transactions.run(take_in, lock_timeout_ms=transactions.PATIENT_MS)
