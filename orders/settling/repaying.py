"""Carrying refunds out, once each however often asked, and following them until they have come to an end.

As charges are, they are written down as sent before the provider is asked, and no lock is held meanwhile. The
provider forgets a key after a day and carries the same refund out a second time. So what may have arrived is
looked for before it is ever sent again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import F, Q

from commerce import errors, faults, gateway, ids, ledger, outbox
from commerce.money import Money
from orders import moves, states, transactions
from orders.books import postings
from orders.models import Purchase, Refund, Return
from orders.settling import banks, discrepancies

log = structlog.get_logger(__name__)
Status = Refund.Status

# One call asks the provider twice at most; before that, somebody may still be waiting for an answer.
ASKED_AGAIN_AFTER = timedelta(seconds=2 * settings.STRIPE_TIMEOUT_SECONDS)
SENT_WITHIN = timedelta(seconds=15)  # A refund that no task took up by then was lost on the way.
DISPUTED = "charge_disputed"  # How the provider refuses while the buyer's bank has the money.
LOOKED_AT_EVERY = timedelta(hours=1)  # The bank takes days over some; the provider tells when it is done.


class NotFailed(errors.Conflict):
    """Only what has failed is tried again."""

    code = "NOT_FAILED"
    message = "This refund has not failed."


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the provider is asked, read under the lock and used without it."""

    refund_id: UUID
    provider_id: str | None
    intent_id: str
    amount: Money
    first: bool  # This call moved it to `sent`, so nobody asked before.


def send(*, refund_id: UUID, now: datetime) -> None:
    """Have the provider carry a refund out, or ask what became of it, and apply the answer.

    Does nothing when it has come to an end, or when somebody asked within ASKED_AGAIN_AFTER. Raises
    Unavailable, UnknownOutcome: the next call goes on. Raises Refused, Mismatch: a human has to look.
    """
    attempt = transactions.run(lambda: _begin(refund_id, now), lock_timeout_ms=transactions.PATIENT_MS)
    if attempt is None:
        return
    faults.reach("refund.before_send")
    try:
        answer = _ask(attempt)
    except gateway.UnknownOutcome:
        _note(attempt, Status.UNKNOWN)
        raise
    except gateway.Unavailable:
        if attempt.first:
            _note(attempt, Status.CREATED)
        raise
    except gateway.Refused as error:
        if not attempt.first or error.code == "idempotency_mismatch":
            # An earlier request under this key may still be carried out.
            _note(attempt, Status.UNKNOWN)
            raise
        log.error("refund.refused", refund=str(refund_id), code=error.code, error=str(error))
        _fail(attempt, str(error.code or "refused"))
        return
    faults.reach("refund.after_send")
    apply(answer=answer, now=now)
    faults.reach("refund.after_take_in")


def apply(*, answer: gateway.RefundResult, now: datetime) -> Refund | None:
    """Make what the provider says of a refund true; returns it, None when it is not ours.

    Safe to repeat and in any order: only a failure follows success. Raises Mismatch, noted as a discrepancy,
    when the provider's numbers are not ours.
    """
    rows = Refund.objects.filter(Q(provider_id=answer.id) | Q(pk=answer.refund_id))
    refund_id = rows.values_list("id", flat=True).first()
    if refund_id is None:
        return None
    try:
        return transactions.run(
            lambda: _take_in(refund_id, answer, now), lock_timeout_ms=transactions.PATIENT_MS
        )
    except discrepancies.Mismatch as mismatch:
        discrepancies.note(mismatch.difference, now=now)
        raise


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


def due(*, now: datetime, limit: int, without: Collection[str] = ()) -> list[UUID]:
    """Return refunds that nobody is sending, and those that the provider was not asked about for a while."""
    lost = Q(status=Status.CREATED, created_at__lt=now - SENT_WITHIN) & ~banks.DECIDE
    unheard = Q(status__in=(Status.SENT, Status.UNKNOWN), checked_at__lt=now - ASKED_AGAIN_AFTER)
    pending = Q(status=Status.PENDING, checked_at__lt=now - LOOKED_AT_EVERY)
    rows = Refund.objects.filter(lost | unheard | pending).exclude(pk__in=without)
    return list(rows.order_by("created_at").values_list("id", flat=True)[:limit])


def _begin(refund_id: UUID, now: datetime) -> Attempt | None:
    row = (
        Refund.objects.select_for_update(of=("self",)).select_related("payment").filter(pk=refund_id).first()
    )
    if row is None or row.status not in states.REFUND_OPEN:
        return None
    first = row.status == Status.CREATED
    if first and (banks.ask_for(row.payment_id) or banks.loss(row.payment_id)):
        return None  # The bank may have paid it, or has: `banked`.
    asked = row.checked_at is not None and now - row.checked_at < ASKED_AGAIN_AFTER
    if asked and not first and row.provider_id is None:
        return None
    if first:
        row.status, row.sent_at, row.attempts = Status.SENT, row.sent_at or now, row.attempts + 1
    row.checked_at = now
    row.save(update_fields=["status", "sent_at", "checked_at", "attempts"])
    return Attempt(
        refund_id=row.id,
        provider_id=row.provider_id,
        intent_id=row.payment.provider_id or "",
        amount=Money(row.amount, row.currency),
        first=first,
    )


def _ask(attempt: Attempt) -> gateway.RefundResult:
    if attempt.provider_id is not None:
        return gateway.retrieve_refund(attempt.provider_id)
    if not attempt.first:
        found = gateway.find_refund(intent_id=attempt.intent_id, refund_id=attempt.refund_id)
        if found is not None:
            return found
        Refund.objects.filter(pk=attempt.refund_id).update(attempts=F("attempts") + 1)
    return gateway.refund(
        key=str(attempt.refund_id),
        intent_id=attempt.intent_id,
        amount=attempt.amount,
        refund_id=attempt.refund_id,
    )


def _take_in(refund_id: UUID, answer: gateway.RefundResult, now: datetime) -> Refund:
    purchase = purchase_of(refund_id)
    row = Refund.objects.select_for_update(of=("self",)).select_related("payment").get(pk=refund_id)
    _check(row, answer)
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
        moves.note(purchase, reason=f"refund {row.status}", now=now)
    return row


def purchase_of(refund_id: UUID) -> Purchase:
    """Lock what the money was paid for, before the refund: whoever gives money back holds it first."""
    rows = Purchase.objects.select_for_update(of=("self",), no_key=True)
    return rows.get(payments__refunds=refund_id)


def _check(row: Refund, answer: gateway.RefundResult) -> None:
    ours = Money(row.amount, row.currency)
    if row.provider_id not in (None, answer.id):
        what = f"refund {row.id} was carried out a second time, besides {row.provider_id}"
    elif row.status == Status.BY_BANK and answer.status != "failed":
        what = f"refund {row.id} was carried out, and the buyer's bank had paid it"
    elif answer.amount != ours:
        what = f"refund {row.id} is over another amount"
    elif answer.intent_id is not None and answer.intent_id != row.payment.provider_id:
        what = f"refund {row.id} is of another payment than {row.payment.provider_id}"
    else:
        return
    raise discrepancies.Mismatch(
        discrepancies.Difference(
            kind=discrepancies.Kind.REFUND,
            provider_id=answer.id,
            what=what,
            ours=ours,
            theirs=answer.amount,
            payment_id=row.payment_id,
        )
    )


def _note(attempt: Attempt, new: str) -> None:
    Refund.objects.filter(pk=attempt.refund_id, status=Status.SENT).update(status=new)


def _fail(attempt: Attempt, code: str) -> None:
    Refund.objects.filter(pk=attempt.refund_id, status=Status.SENT).update(
        status=Status.FAILED, failure=code[:80]
    )
