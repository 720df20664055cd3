"""Carrying refunds out: an errand each (`errands`), followed until it has come to an end."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db.models import Q, QuerySet

from commerce import errors, faults, gateway, ids, ledger, outbox
from commerce.money import Money
from orders import moves, states, transactions
from orders.books import postings
from orders.models import Purchase, Refund, Return
from orders.settling import banks, discrepancies, errands

log = structlog.get_logger(__name__)
Status = Refund.Status

DISPUTED = "charge_disputed"  # How the provider refuses while the buyer's bank has the money.
LOOKED_AT_EVERY = timedelta(hours=1)  # The bank takes days over some; the provider tells when it is done.


class NotFailed(errors.Conflict):
    """Only what has failed is tried again."""

    code = "NOT_FAILED"
    message = "This refund has not failed."


def send(*, refund_id: UUID, now: datetime) -> None:
    """Have the provider carry a refund out, or ask what became of it; as `errands.Errand.send`."""
    ERRAND.send(refund_id, now=now)


def apply(*, answer: gateway.RefundResult, now: datetime) -> Refund | None:
    """Make what the provider says of a refund true; returns it, None when it is not ours. As
    `errands.Errand.apply`; only a failure follows success.
    """
    rows = Refund.objects.filter(Q(provider_id=answer.id) | Q(pk=answer.refund_id))
    refund_id = rows.values_list("id", flat=True).first()
    return None if refund_id is None else ERRAND.apply(refund_id, answer, now)


def try_again(*, refund_id: UUID, now: datetime) -> Refund:
    """Have money that is still owed after a failure sent anew, as a refund of its own; returns that one.

    Raises NotFailed. The debt goes from the failed refund to the new one, so the buyer is owed it once.
    """

    def work() -> Refund:
        purchase = purchase_of(refund_id)
        failed = Refund.objects.select_for_update().get(pk=refund_id)
        if failed.status != Status.FAILED:
            raise NotFailed(status=failed.status)
        fresh = Refund.objects.filter(again_of=failed).first()
        if fresh is None:
            fresh = anew(failed, amount=failed.amount, now=now)
            moves.note(purchase, reason="refund sent anew", now=now)
        return fresh

    return transactions.run(work)


def anew(row: Refund, *, amount: int, now: datetime) -> Refund:
    """Have so much (minor units) of a locked refund, which is still owed, sent as a refund of its own."""
    kept = ("payment_id", "currency", "reason", "kind", "order_id", "by", "decided_by_id")
    facts = {name: getattr(row, name) for name in kept}
    fresh = Refund.objects.create(id=ids.new(), again_of=row, amount=amount, created_at=now, **facts)
    money = Money(fresh.amount, fresh.currency)
    ledger.post(
        kind="refund.owed",
        ref=str(fresh.id),
        postings=[(ledger.REFUNDS, money), (ledger.REFUNDS, money * -1)],
    )
    Return.objects.filter(refund=row).update(refund=fresh)
    outbox.record(name="refund.owed", payload={"refund": str(fresh.id)}, key=f"refund.owed:{fresh.id}")
    return fresh


def told(row: Refund) -> None:
    """Record that a locked refund was paid, or is owed again, for its merchant."""
    key = f"refund.moved:{row.id}:{row.status}"
    outbox.record(name="refund.moved", payload={"refund": str(row.id)}, key=key)


def due(*, now: datetime, limit: int, without: Collection[str] = ()) -> list[UUID]:
    """Return refunds that nobody is sending, and those that the provider was not asked about for a while."""
    pending = Q(status=Status.PENDING, checked_at__lt=now - LOOKED_AT_EVERY)
    return ERRAND.due(now=now, limit=limit, without=without, more=pending)


def purchase_of(refund_id: UUID) -> Purchase:
    """Lock what the money was paid for, before the refund: whoever gives money back holds it first."""
    rows = Purchase.objects.select_for_update(of=("self",), no_key=True)
    return rows.get(payments__refunds=refund_id)


class _Errand(errands.Errand[Refund, gateway.RefundResult]):
    before_send = staticmethod(lambda: faults.reach("refund.before_send"))
    after_send = staticmethod(lambda: faults.reach("refund.after_send"))
    after_take_in = staticmethod(lambda: faults.reach("refund.after_take_in"))
    name, kind = "refund", discrepancies.Kind.REFUND
    open, within = states.REFUND_OPEN, timedelta(seconds=15)
    lost = Q(status=Status.CREATED) & ~banks.DECIDE

    def rows(self) -> QuerySet[Refund]:
        return Refund.objects.select_related("payment__purchase")

    def locked(self, pk: UUID) -> Refund:
        purchase_of(pk)
        return self.rows().select_for_update(of=("self",)).get(pk=pk)

    def may(self, row: Refund, now: datetime) -> bool:
        # The bank may have paid it, or has: `banked`.
        of_bank = row.status == Status.CREATED
        return not (of_bank and (banks.ask_for(row.payment_id) or banks.loss(row.payment_id)))

    def find(self, row: Refund) -> gateway.RefundResult | None:
        if row.provider_id is not None:
            return gateway.retrieve_refund(row.provider_id)
        return gateway.find_refund(intent_id=row.payment.provider_id or "", refund_id=row.id)

    def ask(self, row: Refund) -> gateway.RefundResult:
        return gateway.refund(
            key=str(row.id),
            intent_id=row.payment.provider_id or "",
            amount=Money(row.amount, row.currency),
            refund_id=row.id,
        )

    def strange(self, row: Refund, answer: gateway.RefundResult) -> str:
        if row.status == Status.BY_BANK and answer.status != "failed":
            return "was carried out, and the buyer's bank had paid it"
        same = answer.intent_id in (None, row.payment.provider_id)
        return "" if same else f"is of another payment than {row.payment.provider_id}"

    def take_in(self, row: Refund, answer: gateway.RefundResult, now: datetime) -> None:
        if row.provider_id is None:
            row.provider_id = answer.id
        row.checked_at = now
        before = row.status
        if answer.status in states.REFUND[row.status]:
            row.status = answer.status
            if answer.status == "succeeded":
                postings.refund_paid(row)
            elif answer.status == "failed":
                row.failure = (answer.failure or "failed")[:80]
                log.error("refund.failed", refund=str(row.id), provider_id=answer.id, failure=row.failure)
                if before == Status.SUCCEEDED:
                    postings.refund_failed(row)
        row.save(update_fields=["provider_id", "status", "failure", "checked_at"])
        if row.status != before and Status.SUCCEEDED in (before, row.status):
            told(row)
            moves.note(row.payment.purchase, reason=f"refund {row.status}", now=now)


ERRAND = _Errand()
