"""Payouts written down: all that a payee may be paid in a currency, divided over payments.

It is what was earned since the last one, less what was given back meanwhile. It has a leg for each payment
that its money comes out of; a leg is one transfer (`sending`), which can never send more than that payment
brought and what is left of it.
"""

from datetime import datetime
from uuid import UUID

import structlog
from django.db.models import F

from commerce import ids, ledger, outbox
from commerce.models import ConnectedAccount
from commerce.money import Money
from orders import transactions
from orders.models import Commission, Payment, Payout, PayoutLeg, Proceeds
from orders.payouts import planning

log = structlog.get_logger(__name__)


def begin_all(*, now: datetime) -> list[Payout]:
    """Write down a payout for everybody who can be paid; returns them. One that fails stops no other."""
    begun = []
    for due in planning.of_all():
        if due.why != "ready" or due.account is None:
            continue
        try:
            payout = begin(account_id=due.account.id, currency=due.currency, now=now)
        except Exception:
            log.exception("payout.put_off", payee=due.payee, currency=due.currency)
            continue
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
        book("transfer.owed", leg, payable, ledger.TRANSFERS)
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


def book(kind: str, leg: PayoutLeg, debit: str, credit: str) -> None:
    """Book a step of a leg, once."""
    amount = Money(leg.amount, leg.currency)
    ledger.post(kind=kind, ref=str(leg.id), postings=[(debit, amount), (credit, amount * -1)])
