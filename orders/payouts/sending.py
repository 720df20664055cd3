"""Sending a payout's legs: written down as sent, asked for without a lock held, taken in.

As refunds are, they are looked for before they are ever sent again: the provider forgets a key after a day.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import F, Q

from commerce import faults, gateway, ledger, payees
from commerce.money import Money
from orders import states, transactions
from orders.models import Commission, Payment, Payout, PayoutLeg, Proceeds
from orders.payouts import paying, planning
from orders.settling import discrepancies

log = structlog.get_logger(__name__)
Status = PayoutLeg.Status

# One call asks the provider twice at most; before that, somebody may still be waiting for an answer.
ASKED_AGAIN_AFTER = timedelta(seconds=2 * settings.STRIPE_TIMEOUT_SECONDS)
SENT_WITHIN = timedelta(seconds=60)  # A leg that no task took up by then was lost on the way.
WAITS_FOR = timedelta(hours=1)  # For money to become available at the provider.
# Refusals that pass: nothing was done, and it is tried again later under another key.
PASSING = frozenset({"balance_insufficient", "insufficient_capabilities_for_transfer"})


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the provider is asked, read under the lock and used without it."""

    leg_id: UUID
    key: str
    amount: Money
    destination: str
    charge_id: str
    first: bool  # Nobody asked before, or whoever did was refused for certain.


def send_all(*, payout_id: UUID, now: datetime) -> None:
    """Send a payout's legs, one after another; a provider who is away leaves the rest for the sweep."""
    legs = PayoutLeg.objects.filter(payout=payout_id, status__in=states.LEG_OPEN).order_by("id")
    for leg_id in legs.values_list("id", flat=True):
        try:
            send(leg_id=leg_id, now=now)
        except gateway.UnknownOutcome:
            continue


def send(*, leg_id: UUID, now: datetime) -> None:
    """Have the provider send a leg, or find out what became of it, and take in the answer.

    Does nothing when it has come to an end, or when somebody asked within ASKED_AGAIN_AFTER. Raises
    Unavailable, UnknownOutcome: the next call goes on. Raises Refused, Mismatch: a human has to look.
    """
    attempt = transactions.run(lambda: _take_up(leg_id, now), lock_timeout_ms=transactions.PATIENT_MS)
    if attempt is None:
        return
    faults.reach("payout.leg_before_send")
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
        _refused(attempt, error, now)
        return
    faults.reach("payout.leg_after_send")
    apply(answer=answer, leg_id=leg_id, now=now)
    faults.reach("payout.leg_after_take_in")


def due(*, now: datetime, limit: int, without: Collection[str] = ()) -> list[UUID]:
    """Return legs that nobody is sending, and those that the provider was not asked about for a while."""
    lost = Q(status=Status.CREATED, created_at__lt=now - SENT_WITHIN)
    unheard = Q(status__in=(Status.SENT, Status.UNKNOWN), checked_at__lt=now - ASKED_AGAIN_AFTER)
    waiting = Q(status=Status.WAITING, checked_at__lt=now - WAITS_FOR)
    rows = PayoutLeg.objects.filter(lost | unheard | waiting).exclude(pk__in=without)
    return list(rows.order_by("created_at").values_list("id", flat=True)[:limit])


def _take_up(leg_id: UUID, now: datetime) -> Attempt | None:
    leg = PayoutLeg.objects.select_for_update(of=("self",)).select_related("payment", "payout__account")
    row = leg.filter(pk=leg_id).first()
    if row is None or row.status not in states.LEG_OPEN:
        return None
    first = row.status in (Status.CREATED, Status.WAITING)
    if not first and row.checked_at is not None and now - row.checked_at < ASKED_AGAIN_AFTER:
        return None
    if row.status == Status.WAITING and row.checked_at is not None and now - row.checked_at < WAITS_FOR:
        return None
    if first:
        row.status, row.sent_at, row.attempts = Status.SENT, row.sent_at or now, row.attempts + 1
    row.checked_at = now
    row.save(update_fields=["status", "sent_at", "checked_at", "attempts"])
    return Attempt(
        leg_id=row.id,
        key=f"{row.id}-{row.refusals}" if row.refusals else str(row.id),
        amount=Money(row.amount, row.currency),
        destination=row.payout.account.provider_id or "",
        charge_id=row.payment.charge_id,
        first=first,
    )


def _ask(attempt: Attempt) -> gateway.Transfer:
    if not attempt.first:
        found = gateway.find_transfer(charge_id=attempt.charge_id, leg_id=attempt.leg_id)
        if found is not None:
            return found
        PayoutLeg.objects.filter(pk=attempt.leg_id).update(attempts=F("attempts") + 1)
    return gateway.transfer(
        key=attempt.key,
        amount=attempt.amount,
        destination=attempt.destination,
        charge_id=attempt.charge_id,
        leg_id=attempt.leg_id,
    )


def _refused(attempt: Attempt, error: gateway.Refused, now: datetime) -> None:
    """Nothing was sent: wait where that passes, else owe it again. Raises what may hide an earlier one."""
    if not attempt.first and (error.code not in PASSING or error.code == "idempotency_mismatch"):
        _note(attempt, Status.UNKNOWN)
        raise error
    log.error("payout.leg_refused", leg=str(attempt.leg_id), code=error.code, error=str(error))
    if error.code in PASSING:
        PayoutLeg.objects.filter(
            pk=attempt.leg_id, status__in=states.sources_of(states.LEG, "waiting")
        ).update(status=Status.WAITING, failure=(error.code or "")[:120], refusals=F("refusals") + 1)
        return
    if isinstance(error, gateway.Missing):
        # The notice of it may be lost, and nothing more is begun for an account that is gone.
        payees.refresh(provider_id=attempt.destination, now=now)
    transactions.run(lambda: _fail(attempt.leg_id, str(error.code or "refused"), now))


def _note(attempt: Attempt, new: str) -> None:
    PayoutLeg.objects.filter(pk=attempt.leg_id, status=Status.SENT).update(status=new)


# --- taken in ---


def apply(*, answer: gateway.Transfer, leg_id: UUID, now: datetime) -> None:
    """Make true that the provider has sent a leg; safe to repeat. Raises Mismatch, noted as a discrepancy."""
    try:
        transactions.run(lambda: _take_in(leg_id, answer, now), lock_timeout_ms=transactions.PATIENT_MS)
    except discrepancies.Mismatch as mismatch:
        discrepancies.note(mismatch.difference, now=now)
        raise


def _take_in(leg_id: UUID, answer: gateway.Transfer, now: datetime) -> None:
    row = _locked(leg_id)
    _check(row, answer)
    if row.status == Status.PAID:
        return
    row.status, row.provider_id, row.failure, row.checked_at = Status.PAID, answer.id, "", now
    row.save(update_fields=["status", "provider_id", "failure", "checked_at"])
    paying.book("transfer.paid", row, ledger.TRANSFERS, ledger.PROVIDER)
    _finish(row.payout, now)


def _fail(leg_id: UUID, code: str, now: datetime) -> None:
    """Owe the payee again what a leg could not bring."""
    row = _locked(leg_id)
    if row.status not in states.LEG_OPEN:
        return
    account, payout = row.payout.account, row.payout
    row.status, row.failure, row.checked_at = Status.FAILED, code[:120], now
    row.save(update_fields=["status", "failure", "checked_at"])
    Payment.objects.filter(pk=row.payment_id).update(transferred_amount=F("transferred_amount") - row.amount)
    paying.book("transfer.failed", row, ledger.TRANSFERS, ledger.payable(planning.payee_of(account)))
    # What the leg was of is earned and not paid, once more.
    purchase = row.payment.purchase_id
    Proceeds.objects.filter(payout=payout, order__purchase=purchase).update(payout=None)
    Commission.objects.filter(payout=payout, line__order__purchase=purchase).update(payout=None)
    _finish(payout, now)


def _locked(leg_id: UUID) -> PayoutLeg:
    """Return a leg with its payout locked, so that of the last two legs one sees the other's end."""
    Payout.objects.select_for_update(no_key=True).get(legs=leg_id)
    rows = PayoutLeg.objects.select_for_update(of=("self",)).select_related("payment", "payout__account")
    return rows.get(pk=leg_id)


def _check(row: PayoutLeg, answer: gateway.Transfer) -> None:
    ours = Money(row.amount, row.currency)
    if row.provider_id not in (None, answer.id):
        what = f"leg {row.id} was sent a second time, besides {row.provider_id}"
    elif row.status == Status.FAILED:
        what = f"leg {row.id} was sent, and had been given up"
    elif answer.amount != ours:
        what = f"leg {row.id} is over another amount"
    elif answer.destination != row.payout.account.provider_id:
        what = f"leg {row.id} went to {answer.destination}"
    else:
        return
    raise discrepancies.Mismatch(
        discrepancies.Difference(
            kind=discrepancies.Kind.TRANSFER,
            provider_id=answer.id,
            what=what,
            ours=ours,
            theirs=answer.amount,
            payment_id=row.payment_id,
        )
    )


def _finish(payout: Payout, now: datetime) -> None:
    """End a locked payout of which no leg is open: what it was of is paid."""
    ends = set(payout.legs.values_list("status", flat=True))
    if ends & states.LEG_OPEN:
        return
    whole = {frozenset({"paid"}): Payout.Status.PAID, frozenset({"failed"}): Payout.Status.FAILED}
    payout.status = whole.get(frozenset(ends), Payout.Status.PARTLY)
    payout.finished_at = now
    payout.save(update_fields=["status", "finished_at"])
    if payout.status == Payout.Status.FAILED:
        # Also what was netted in it waits for the next one.
        Proceeds.objects.filter(payout=payout).update(payout=None)
        Commission.objects.filter(payout=payout).update(payout=None)
    Commission.objects.filter(payout=payout, status=Commission.Status.EARNED).update(
        status=Commission.Status.PAID
    )
