"""Errands: what the provider is asked to do once. Written down as sent, asked with no lock held, looked for
before it is ever asked again, and taken in.

The provider forgets a key after a day and does the same a second time. So what may have been done is looked
for first, however long ago it was asked.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import ClassVar, Generic, TypeVar
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import F, Q, QuerySet

from commerce import gateway
from commerce.money import Money
from orders import transactions
from orders.models import PayoutLeg, Refund, Reversal
from orders.settling import discrepancies

log = structlog.get_logger(__name__)

# One call asks the provider twice at most; before that, somebody may still be waiting for an answer.
ASKED_AGAIN_AFTER = timedelta(seconds=2 * settings.STRIPE_TIMEOUT_SECONDS)

R = TypeVar("R", Refund, PayoutLeg, Reversal)
A = TypeVar("A", gateway.RefundResult, gateway.Transfer, gateway.Reversal)


class Errand(ABC, Generic[R, A]):
    """One kind of errand; its rows are `created`, `sent` or `unknown` until the provider has said more."""

    # Where a test kills: written down, answered, taken in.
    before_send: Callable[[], None]
    after_send: Callable[[], None]
    after_take_in: Callable[[], None]

    name: ClassVar[str]
    kind: ClassVar[discrepancies.Kind]  # As what it is noted that the provider did something else.
    open: ClassVar[Collection[str]]
    begins: ClassVar[Collection[str]] = ("created",)  # Nobody asked, or whoever did was refused for certain.
    lost: ClassVar[Q] = Q(status="created")
    within: ClassVar[timedelta]  # What of these no task took up by then was lost on the way.

    @abstractmethod
    def rows(self) -> QuerySet[R]:
        """Return the rows with what asking needs."""

    @abstractmethod
    def locked(self, pk: UUID) -> R:
        """Return a row locked, after what is locked before it."""

    def may(self, row: R, now: datetime) -> bool:
        """Say whether a locked row may be taken up now."""
        return True

    @abstractmethod
    def find(self, row: R) -> A | None:
        """Look for what may have been done."""

    @abstractmethod
    def ask(self, row: R) -> A:
        """Have it done."""

    @abstractmethod
    def strange(self, row: R, answer: A) -> str:
        """Say what of an answer was not asked for, beside its amount; empty when all of it was."""

    @abstractmethod
    def take_in(self, row: R, answer: A, now: datetime) -> None:
        """Take in the answer for a locked row, with no harm when it was before."""

    def refused(self, row: R, error: gateway.Refused, now: datetime) -> None:
        """Take in that nothing was done."""
        log.error("errand.refused", what=self.name, id=str(row.pk), code=error.code, error=str(error))
        transactions.run(lambda: self._fail(row.pk, error, now), lock_timeout_ms=transactions.PATIENT_MS)

    def failed(self, row: R, now: datetime) -> None:
        """Have a locked row, which nobody will ask for any more, owed again."""

    def hides(self, row: R, error: gateway.Refused, *, first: bool) -> bool:
        """Say whether an earlier request may still be carried out behind a refusal."""
        return not first or error.code == "idempotency_mismatch"

    def send(self, pk: UUID, *, now: datetime) -> None:
        """Have a row's errand done, or find out what became of it, and take in the answer.

        Does nothing when it has come to an end, or when somebody asked within ASKED_AGAIN_AFTER. Raises
        Unavailable, UnknownOutcome: the next call goes on. Raises Refused, Mismatch: a human has to look.
        """
        taken = transactions.run(lambda: self._take_up(pk, now), lock_timeout_ms=transactions.PATIENT_MS)
        if taken is None:
            return
        row, first = taken
        self.before_send()
        try:
            answer = self._ask(row, first=first)
        except gateway.UnknownOutcome:
            self._note(row, "unknown")
            raise
        except gateway.Unavailable:
            if first:
                self._note(row, "created")
            raise
        except gateway.Refused as error:
            if self.hides(row, error, first=first):
                self._note(row, "unknown")
                raise
            self.refused(row, error, now)
            return
        self.after_send()
        self.apply(row.pk, answer, now)
        self.after_take_in()

    def apply(self, pk: UUID, answer: A, now: datetime) -> R:
        """Make what the provider says of a row true; safe to repeat. Raises Mismatch, noted as a discrepancy,
        when it is not what was asked for.
        """

        def work() -> R:
            row = self.locked(pk)
            self._compare(row, answer)
            self.take_in(row, answer, now)
            return row

        try:
            return transactions.run(work, lock_timeout_ms=transactions.PATIENT_MS)
        except discrepancies.Mismatch as mismatch:
            discrepancies.note(mismatch.difference, now=now)
            raise

    def due(
        self, *, now: datetime, limit: int, without: Collection[str] = (), more: Q | None = None
    ) -> list[UUID]:
        """Return rows that nobody is sending, those not asked about for a while, and `more`."""
        lost = self.lost & Q(created_at__lt=now - self.within)
        unheard = Q(status__in=("sent", "unknown"), checked_at__lt=now - ASKED_AGAIN_AFTER)
        rows = self.rows().filter(lost | unheard | (more or Q(pk=None))).exclude(pk__in=without)
        return list(rows.order_by("created_at").values_list("id", flat=True)[:limit])

    def _take_up(self, pk: UUID, now: datetime) -> tuple[R, bool] | None:
        row = self.rows().select_for_update(of=("self",)).filter(pk=pk).first()
        if row is None or row.status not in self.open or not self.may(row, now):
            return None
        first = row.status in self.begins
        asked = row.checked_at is not None and now - row.checked_at < ASKED_AGAIN_AFTER
        if asked and not first and row.provider_id is None:
            return None
        if first:
            row.status, row.sent_at, row.attempts = "sent", row.sent_at or now, row.attempts + 1
        row.checked_at = now
        row.save(update_fields=["status", "sent_at", "checked_at", "attempts"])
        return row, first

    def _ask(self, row: R, *, first: bool) -> A:
        if not first:
            found = self.find(row)
            if found is not None:
                return found
            self.rows().filter(pk=row.pk).update(attempts=F("attempts") + 1)
        return self.ask(row)

    def _note(self, row: R, new: str) -> None:
        self.rows().filter(pk=row.pk, status="sent").update(status=new)

    def _compare(self, row: R, answer: A) -> None:
        ours = Money(row.amount, row.currency)
        if row.provider_id not in (None, answer.id):
            what = f"was done a second time, besides {row.provider_id}"
        elif answer.amount != ours:
            what = "is over another amount"
        else:
            what = self.strange(row, answer)
        if what:
            raise discrepancies.Mismatch(
                discrepancies.Difference(
                    kind=self.kind,
                    provider_id=answer.id,
                    what=f"{self.name} {row.pk} {what}",
                    ours=ours,
                    theirs=answer.amount,
                    payment_id=row.payment_id,
                )
            )

    def _fail(self, pk: UUID, error: gateway.Refused, now: datetime) -> None:
        row = self.locked(pk)
        if row.status in self.open and row.provider_id is None:
            row.status, row.failure, row.checked_at = "failed", str(error.code or "refused")[:80], now
            row.save(update_fields=["status", "failure", "checked_at"])
            self.failed(row, now)
