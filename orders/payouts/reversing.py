"""Taking back from payees what they owe: transfers reversed, leg by leg, out of payments of which they were
sent more than they still have.

What is given back to a buyer is first netted with what its payees earn next. An operator may take it back
at any time; what nothing has netted for `TAKE_BACK_AFTER_DAYS` is taken back by itself. While a reversal is
under way the payee owes nothing; one that fails, as when the account is empty, is owed again, netted
meanwhile, and tried anew some days later.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db.models import F, QuerySet

from commerce import errors, faults, gateway, ids, ledger, outbox
from commerce.models import ConnectedAccount
from commerce.money import Money
from orders import states, transactions
from orders.models import Payment, Payout, PayoutLeg, Reversal
from orders.payouts import planning
from orders.settling import discrepancies, errands, refunds

log = structlog.get_logger(__name__)
Status = Reversal.Status


class NothingOwed(errors.Conflict):
    """The payee owes nothing that was sent to it, or its last payout is under way."""

    code = "NOTHING_OWED"
    message = "There is nothing to take back now."


def begin(*, account_id: UUID, currency: str, by_id: UUID | None, now: datetime) -> list[Reversal]:
    """Write down what a payee owes in a currency to be taken back, leg by leg, and have it sent; `by_id` is
    the operator, if any. Raises NothingOwed.
    """
    return transactions.run(
        lambda: _begin(account_id, currency, by_id, now), lock_timeout_ms=transactions.PATIENT_MS
    )


def send(*, reversal_id: UUID, now: datetime) -> None:
    """Have the provider take money back, or find out what became of it; as `errands.Errand.send`."""
    ERRAND.send(reversal_id, now=now)


def due(*, now: datetime, limit: int, without: Collection[str] = ()) -> list[UUID]:
    """Return reversals that nobody is sending, and those not asked about for a while."""
    return ERRAND.due(now=now, limit=limit, without=without)


def _begin(account_id: UUID, currency: str, by_id: UUID | None, now: datetime) -> list[Reversal]:
    account = ConnectedAccount.objects.select_for_update().get(pk=account_id)
    payable = ledger.payable(planning.payee_of(account))
    sending = Payout.objects.filter(account=account, currency=currency, status=Payout.Status.SENDING)
    debt = 0 if sending.exists() else ledger.balance(payable, currency).amount
    debt = planning.whole(max(debt, 0), currency)
    legs = PayoutLeg.objects.filter(payout__account=account, currency=currency, status="paid")
    owing = legs.filter(payment__receivable_amount__gt=0).values_list("payment", flat=True)
    payments = sorted(set(owing)) if debt else []
    if payments:
        list(Payment.objects.select_for_update(no_key=True).filter(pk__in=payments).order_by("id"))
    begun = []
    over = planning.over(account, payments)
    for leg in _legs(account, currency, over):
        left = leg.amount - leg.reversed_amount
        part = planning.whole(min(left, over[leg.payment_id], debt), currency)
        if part <= 0:
            continue
        over[leg.payment_id] -= part
        debt -= part
        row = Reversal.objects.create(
            id=ids.new(), leg=leg, amount=part, currency=currency, decided_by_id=by_id, created_at=now
        )
        _book("reversal.owed", row, ledger.TRANSFERS, payable)
        outbox.record(
            name="reversal.begun", payload={"reversal": str(row.id)}, key=f"reversal.begun:{row.id}"
        )
        begun.append(row)
    if not begun:
        raise NothingOwed
    log.info("reversal.begun", payee=payable, currency=currency, amount=sum(each.amount for each in begun))
    return begun


def _legs(account: ConnectedAccount, currency: str, over: Collection[UUID]) -> list[PayoutLeg]:
    """Return legs of these payments that can be reversed; the newest payment first."""
    legs = PayoutLeg.objects.filter(
        payout__account=account, currency=currency, status="paid", reversed_amount__lt=F("amount")
    ).exclude(reversals__status__in=states.REVERSAL_OPEN)
    return list(legs.filter(payment__in=over).order_by("-payment__created_at", "-id"))


def _book(kind: str, row: Reversal, debit: str, credit: str) -> None:
    amount = Money(row.amount, row.currency)
    ledger.post(kind=kind, ref=str(row.id), postings=[(debit, amount), (credit, amount * -1)])


class _Errand(errands.Errand[Reversal, gateway.Reversal]):
    before_send = staticmethod(lambda: faults.reach("reversal.before_send"))
    after_send = staticmethod(lambda: faults.reach("reversal.after_send"))
    after_take_in = staticmethod(lambda: faults.reach("reversal.after_take_in"))
    name, kind = "reversal", discrepancies.Kind.TRANSFER
    open, within = states.REVERSAL_OPEN, timedelta(seconds=60)

    def rows(self) -> QuerySet[Reversal]:
        return Reversal.objects.select_related("leg__payment", "leg__payout__account")

    def locked(self, pk: UUID) -> Reversal:
        Payment.objects.select_for_update(no_key=True).get(payout_legs__reversals=pk)
        return self.rows().select_for_update(of=("self", "leg")).get(pk=pk)

    def find(self, row: Reversal) -> gateway.Reversal | None:
        return gateway.find_reversal(transfer_id=row.leg.provider_id or "", reversal_id=row.id)

    def ask(self, row: Reversal) -> gateway.Reversal:
        return gateway.reverse(
            key=str(row.id),
            transfer_id=row.leg.provider_id or "",
            amount=Money(row.amount, row.currency),
            reversal_id=row.id,
        )

    def hides(self, row: Reversal, error: gateway.Refused, *, first: bool) -> bool:
        # It was looked for, and what an empty account refuses is not done later.
        return error.code != "balance_insufficient" and super().hides(row, error, first=first)

    def strange(self, row: Reversal, answer: gateway.Reversal) -> str:
        if row.status == Status.FAILED:
            return "was carried out, and had been given up"
        return "" if answer.transfer_id == row.leg.provider_id else f"is of {answer.transfer_id}"

    def take_in(self, row: Reversal, answer: gateway.Reversal, now: datetime) -> None:
        if row.status == Status.DONE:
            return
        row.status, row.provider_id, row.failure, row.checked_at = Status.DONE, answer.id, "", now
        row.save(update_fields=["status", "provider_id", "failure", "checked_at"])
        PayoutLeg.objects.filter(pk=row.leg_id).update(reversed_amount=F("reversed_amount") + row.amount)
        Payment.objects.filter(pk=row.payment_id).update(
            transferred_amount=F("transferred_amount") - row.amount
        )
        refunds.owed_back(row.leg.payment)
        _book("reversal.paid", row, ledger.PROVIDER, ledger.TRANSFERS)

    def failed(self, row: Reversal, now: datetime) -> None:
        payable = ledger.payable(planning.payee_of(row.leg.payout.account))
        _book("reversal.failed", row, payable, ledger.TRANSFERS)


ERRAND = _Errand()
