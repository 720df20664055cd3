"""Paying merchants and hosts out: written down, asked for without a lock held, taken in.

All that may be paid out in a currency is one payout: what was earned since the last one, less what was given
back meanwhile. It has a leg for each payment that its money comes out of; a leg is one transfer, which can
never send more than that payment brought and what is left of it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import F, Q

from commerce import faults, gateway, ids, ledger, outbox, payees
from commerce.models import ConnectedAccount
from commerce.money import Money
from orders import states, transactions
from orders.models import Commission, Payment, Payout, PayoutLeg, Proceeds
from orders.payouts import planning
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


# --- written down ---


def begin_all(*, now: datetime) -> list[Payout]:
    """Write down a payout for everybody who can be paid; returns them."""
    begun = []
    for due in planning.of_all():
        if due.why == "ready" and due.account is not None:
            payout = begin(account_id=due.account.id, currency=due.currency, now=now)
            begun += [payout] if payout else []
    return begun


def begin(*, account_id: UUID, currency: str, now: datetime) -> Payout | None:
    """Write down a payout of all that a payee may be paid in a currency, and have its legs sent.

    None when there is nothing to pay, when the account cannot be paid, or while another payout is under way.
    """
    return transactions.run(
        lambda: _begin(account_id, currency, now), lock_timeout_ms=transactions.PATIENT_MS
    )


def _begin(account_id: UUID, currency: str, now: datetime) -> Payout | None:
    account = ConnectedAccount.objects.select_for_update().get(pk=account_id)
    if account.state != ConnectedAccount.State.ENABLED or not account.provider_id:
        return None
    if Payout.objects.filter(account=account, currency=currency, status=Payout.Status.SENDING).exists():
        return None
    fresh = planning.earned_payments(account, currency, everything=False)
    _lock(fresh)
    payable = ledger.payable(planning.payee_of(account))
    due = planning.whole(max(-ledger.balance(payable, currency).amount, 0), currency)
    parts = _parts(account, currency, fresh, due)
    if not parts:
        return None
    payout = Payout.objects.create(
        account=account, amount=sum(parts.values()), currency=currency, created_at=now
    )
    for payment_id, amount in parts.items():
        leg = PayoutLeg.objects.create(
            id=ids.new(),
            payout=payout,
            payment_id=payment_id,
            amount=amount,
            currency=currency,
            created_at=now,
        )
        Payment.objects.filter(pk=payment_id).update(transferred_amount=F("transferred_amount") + amount)
        _book("transfer.owed", leg, payable, ledger.TRANSFERS)
    _settle(payout, fresh)
    outbox.record(name="payout.begun", payload={"payout": str(payout.id)}, key=f"payout.begun:{payout.id}")
    log.info("payout.begun", payout=str(payout.id), amount=payout.amount, currency=currency, legs=len(parts))
    return payout


def _lock(payment_ids: list[UUID]) -> None:
    """Lock payments, so that none is given back, to the buyer or her bank, while it is counted."""
    rows = Payment.objects.select_for_update(no_key=True).filter(pk__in=payment_ids).order_by("id")
    list(rows.values_list("id", flat=True))


def _parts(account: ConnectedAccount, currency: str, fresh: list[UUID], due: int) -> dict[UUID, int]:
    """Divide what is due over payments, the oldest first: new ones, then those that were paid in part."""
    parts: dict[UUID, int] = {}
    for everything in (False, True):
        if due <= 0:
            break
        payments = fresh
        if everything:
            payments = planning.earned_payments(account, currency, everything=True)
            _lock(payments)
        for room in planning.rooms(account, [each for each in payments if each not in parts]):
            part = planning.whole(min(room.amount, due), currency)
            if part > 0:
                parts[room.payment_id] = part
                due -= part
    return parts


def _settle(payout: Payout, fresh: list[UUID]) -> None:
    """Take up what the payee has earned by these payments, so that no other payout does."""
    account, currency = payout.account, payout.currency
    if account.merchant_id is not None:
        proceeds = Proceeds.objects.filter(merchant=account.merchant_id, currency=currency, payout=None)
        proceeds.filter(order__purchase__payments__in=fresh).update(payout=payout)
        return
    earned = Commission.objects.filter(
        host=account.host_id, currency=currency, payout=None, earned_at__isnull=False
    )
    earned.filter(line__order__purchase__payments__in=fresh).update(payout=payout)


# --- asked for ---


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
    _book("transfer.paid", row, ledger.TRANSFERS, ledger.PROVIDER)
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
    _book("transfer.failed", row, ledger.TRANSFERS, ledger.payable(planning.payee_of(account)))
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


def _book(kind: str, leg: PayoutLeg, debit: str, credit: str) -> None:
    amount = Money(leg.amount, leg.currency)
    ledger.post(kind=kind, ref=str(leg.id), postings=[(debit, amount), (credit, amount * -1)])
