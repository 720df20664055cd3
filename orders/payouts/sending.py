"""Sending a payout's legs: an errand each (`errands`), and what becomes of it."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db.models import F, Q, QuerySet

from commerce import faults, gateway, ledger, payees
from commerce.money import Money
from orders import states
from orders.models import Commission, Payment, Payout, PayoutLeg, Proceeds
from orders.payouts import paying, planning
from orders.settling import discrepancies, errands

log = structlog.get_logger(__name__)
Status = PayoutLeg.Status

WAITS_FOR = timedelta(hours=1)  # For money to become available at the provider.
# Refusals that pass: nothing was done, and it is tried again later under another key.
PASSING = frozenset({"balance_insufficient", "insufficient_capabilities_for_transfer"})


def send_all(*, payout_id: UUID, now: datetime) -> None:
    """Send a payout's legs, one after another; a provider who is away leaves the rest for the sweep."""
    legs = PayoutLeg.objects.filter(payout=payout_id, status__in=states.LEG_OPEN).order_by("id")
    for leg_id in legs.values_list("id", flat=True):
        try:
            send(leg_id=leg_id, now=now)
        except gateway.UnknownOutcome:
            continue


def send(*, leg_id: UUID, now: datetime) -> None:
    """Have the provider send a leg, or find out what became of it; as `errands.Errand.send`."""
    ERRAND.send(leg_id, now=now)


def due(*, now: datetime, limit: int, without: Collection[str] = ()) -> list[UUID]:
    """Return legs that nobody is sending, and those that the provider was not asked about for a while."""
    waiting = Q(status=Status.WAITING, checked_at__lt=now - WAITS_FOR)
    return ERRAND.due(now=now, limit=limit, without=without, more=waiting)


def apply(*, answer: gateway.Transfer, leg_id: UUID, now: datetime) -> None:
    """Make true that the provider has sent a leg; as `errands.Errand.apply`."""
    ERRAND.apply(leg_id, answer, now)


class _Errand(errands.Errand[PayoutLeg, gateway.Transfer]):
    before_send = staticmethod(lambda: faults.reach("payout.leg_before_send"))
    after_send = staticmethod(lambda: faults.reach("payout.leg_after_send"))
    after_take_in = staticmethod(lambda: faults.reach("payout.leg_after_take_in"))
    name, kind = "leg", discrepancies.Kind.TRANSFER
    open, begins, within = states.LEG_OPEN, ("created", "waiting"), timedelta(seconds=60)

    def rows(self) -> QuerySet[PayoutLeg]:
        return PayoutLeg.objects.select_related("payment", "payout__account")

    def locked(self, pk: UUID) -> PayoutLeg:
        # With its payout, so that of the last two legs one sees the other's end.
        Payout.objects.select_for_update(no_key=True).get(legs=pk)
        return self.rows().select_for_update(of=("self",)).get(pk=pk)

    def may(self, row: PayoutLeg, now: datetime) -> bool:
        waits = row.status == Status.WAITING and row.checked_at is not None
        return not (waits and row.checked_at and now - row.checked_at < WAITS_FOR)

    def find(self, row: PayoutLeg) -> gateway.Transfer | None:
        return gateway.find_transfer(charge_id=row.payment.charge_id, leg_id=row.id)

    def ask(self, row: PayoutLeg) -> gateway.Transfer:
        return gateway.transfer(
            key=f"{row.id}-{row.refusals}" if row.refusals else str(row.id),
            amount=Money(row.amount, row.currency),
            destination=row.payout.account.provider_id or "",
            charge_id=row.payment.charge_id,
            leg_id=row.id,
        )

    def hides(self, row: PayoutLeg, error: gateway.Refused, *, first: bool) -> bool:
        return error.code not in PASSING and super().hides(row, error, first=first)

    def strange(self, row: PayoutLeg, answer: gateway.Transfer) -> str:
        if row.status == Status.FAILED:
            return "was sent, and had been given up"
        there = answer.destination == row.payout.account.provider_id
        return "" if there else f"went to {answer.destination}"

    def take_in(self, row: PayoutLeg, answer: gateway.Transfer, now: datetime) -> None:
        if row.status == Status.PAID:
            return
        row.status, row.provider_id, row.failure, row.checked_at = Status.PAID, answer.id, "", now
        row.save(update_fields=["status", "provider_id", "failure", "checked_at"])
        paying.book("transfer.paid", row, ledger.TRANSFERS, ledger.PROVIDER)
        _finish(row.payout, now)

    def refused(self, row: PayoutLeg, error: gateway.Refused, now: datetime) -> None:
        """Wait where that passes, else owe it again."""
        if error.code in PASSING:
            log.warning("payout.leg_waits", leg=str(row.id), code=error.code)
            open_ones = PayoutLeg.objects.filter(
                pk=row.id, status__in=states.sources_of(states.LEG, "waiting")
            )
            open_ones.update(status=Status.WAITING, failure=error.code, refusals=F("refusals") + 1)
            return
        if isinstance(error, gateway.Missing):
            # The notice of it may be lost, and nothing more is begun for an account that is gone.
            payees.refresh(provider_id=row.payout.account.provider_id or "", now=now)
        super().refused(row, error, now)

    def failed(self, row: PayoutLeg, now: datetime) -> None:
        payout, of_payment = row.payout, Payment.objects.filter(pk=row.payment_id)
        of_payment.update(transferred_amount=F("transferred_amount") - row.amount)
        payable = ledger.payable(planning.payee_of(payout.account))
        paying.book("transfer.failed", row, ledger.TRANSFERS, payable)
        # What the leg was of is earned and not paid, once more.
        purchase = row.payment.purchase_id
        Proceeds.objects.filter(payout=payout, order__purchase=purchase).update(payout=None)
        Commission.objects.filter(payout=payout, line__order__purchase=purchase).update(payout=None)
        _finish(payout, now)


ERRAND = _Errand()


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
