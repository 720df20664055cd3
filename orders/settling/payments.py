"""What the provider says became of a payment, made true here: the same for task, webhook and sweep.

Answers come late, twice and in any order. So everything is judged under the purchase's lock by what is
already true (`answers`).
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import structlog
from django.db import connection

from commerce import faults, gateway
from commerce.money import Money
from orders import holds, states, transactions
from orders.models import Payment, Purchase
from orders.settling import answers, discrepancies
from orders.settling.outcomes import ALONE, Outcome

log = structlog.get_logger(__name__)
Status = Payment.Status

REFUSED = "The payment could not be made. Your card was not charged."


def apply(*, intent: gateway.Intent, now: datetime) -> Purchase | None:
    """Make what the provider says of a payment true; returns the purchase, None when the payment is not ours:
    money that it took is a discrepancy then.

    Safe to repeat and in any order. Raises Mismatch, noted as a discrepancy, when the provider's numbers are
    not ours.
    """
    (outcome,) = apply_all([(intent, now)], alone=True)
    if isinstance(outcome, Exception):
        raise outcome
    assert outcome is not ALONE, "alone is alone"
    return outcome


def apply_all(
    said: Sequence[tuple[gateway.Intent, datetime]], *, alone: bool = False
) -> list[Outcome[Purchase | None]]:
    """Make true what the provider says of many payments, in one transaction; returns for each what `apply`
    returns or raises, or that it has to be applied alone.

    To be applied alone is what another one has locked, what may have to wait for others' locks, and a
    purchase's second answer: in company nothing is waited for long.
    """
    known = _known([intent for intent, _ in said])
    found = [known.get(_named(intent)) for intent, _ in said]
    ours = [(n, *ids) for n, ids in enumerate(found) if ids is not None]
    settled: dict[int, Outcome[Purchase | None]] = {}
    if ours:
        patience = transactions.PATIENT_MS if alone else transactions.LOCK_TIMEOUT_MS
        settled = transactions.run(lambda: _apply_all(said, ours, alone), lock_timeout_ms=patience)
    for n, (intent, now) in enumerate(said):
        outcome = settled.get(n)
        if found[n] is None:
            _not_ours(intent, now)
        elif isinstance(outcome, discrepancies.Mismatch):
            discrepancies.note(outcome.difference, now=now)
    return [settled.get(n) for n in range(len(said))]


def refuse(*, payment_id: UUID, code: str, now: datetime) -> Purchase:
    """End a payment whose request the provider would not take; the buyer may try another card."""

    def judge(purchase: Purchase, payment: Payment) -> None:
        answers.decline(purchase, payment, now, decline_code=code[:80], message=REFUSED)
        if answers.is_over(purchase):
            holds.release(purchase=purchase, now=now)

    return _judged(payment_id, judge)


def give_up(*, payment_id: UUID, now: datetime) -> Purchase:
    """End a payment that was sent and that the provider does not know."""

    def judge(purchase: Purchase, payment: Payment) -> None:
        if payment.provider_id is None:
            answers.cancelled(purchase, payment, now)

    return _judged(payment_id, judge)


def gone(*, payment_id: UUID, now: datetime) -> Purchase:
    """End a payment that the provider has lost: nothing can be taken any more. A human hears of it."""
    payment = Payment.objects.get(pk=payment_id)
    discrepancies.note(
        discrepancies.Difference(
            kind=discrepancies.Kind.PAYMENT,
            provider_id=payment.provider_id or str(payment.id),
            what="the provider does not know this payment any more",
            ours=Money(payment.amount, payment.currency),
            payment_id=payment.id,
        ),
        now=now,
    )
    return _judged(payment_id, lambda purchase, row: answers.cancelled(purchase, row, now))


def _judged(payment_id: UUID, judge: Callable[[Purchase, Payment], None]) -> Purchase:
    def work() -> Purchase:
        purchase = (
            Purchase.objects.select_for_update(of=("self",), no_key=True).filter(payments=payment_id).get()
        )
        judge(purchase, Payment.objects.select_for_update(no_key=True).get(pk=payment_id))
        return purchase

    return transactions.run(work, lock_timeout_ms=transactions.PATIENT_MS)


def _named(intent: gateway.Intent) -> UUID | str:
    # By our own id first: a webhook may come before the call that made the intent has returned.
    return intent.payment_id or intent.id


def _known(intents: Sequence[gateway.Intent]) -> dict[UUID | str | None, tuple[UUID, UUID]]:
    """Return payment and purchase of what intents name."""
    names = {_named(intent) for intent in intents}
    ids = [name for name in names if isinstance(name, UUID)]
    known: dict[UUID | str | None, tuple[UUID, UUID]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id, provider_id, purchase_id FROM orders_payment
             WHERE id = ANY(%s::uuid[]) OR provider_id = ANY(%s::text[])
            """,
            [ids, list(names.difference(ids))],
        )
        for id_, provider_id, purchase_id in cursor.fetchall():
            known[id_] = known[provider_id] = (id_, purchase_id)
    return known


def _not_ours(intent: gateway.Intent, now: datetime) -> None:
    log.warning("payment.not_ours", intent=intent.id)
    if intent.received.amount:
        discrepancies.note(
            discrepancies.Difference(
                kind=discrepancies.Kind.FOREIGN_CHARGE,
                provider_id=intent.id,
                what="money was taken that we did not ask for",
                theirs=intent.received,
            ),
            now=now,
        )


def _apply_all(
    said: Sequence[tuple[gateway.Intent, datetime]], ours: Sequence[tuple[int, UUID, UUID]], alone: bool
) -> dict[int, Outcome[Purchase | None]]:
    """Apply answers (which, payment, purchase) inside the caller's transaction."""
    in_company = not alone
    purchases, payments = _locked(ours, in_company=in_company)
    outcomes: dict[int, Outcome[Purchase | None]] = {}
    paid: list[tuple[Purchase, Payment, gateway.Intent]] = []
    given_back: list[Purchase] = []
    latest = max(now for _, now in said)
    for n, payment_id, purchase_id in ours:
        intent, now = said[n]
        purchase, payment = purchases.pop(purchase_id, None), payments.get(payment_id)
        if purchase is None or payment is None or (in_company and not _is_plain(purchase, payment, intent)):
            outcomes[n] = ALONE
            continue
        outcomes[n] = purchase
        try:
            answers.check(payment, intent)
        except discrepancies.Mismatch as mismatch:
            outcomes[n] = mismatch
        else:
            if answers.take_in(purchase, payment, intent, now):
                paid.append((purchase, payment, intent))
            elif intent.status == "declined" and answers.is_over(purchase):
                given_back.append(purchase)
    if paid:
        answers.pay(paid, latest)
    # Last: what everybody wants is locked in it.
    if given_back:
        holds.release_all(purchases=given_back, now=latest)
    faults.reach("settle.applied")
    return outcomes


def _is_plain(purchase: Purchase, payment: Payment, intent: gateway.Intent) -> bool:
    """Say whether an answer is what one waits for, which locks no more than the purchase until the end."""
    waited_for = intent.status in ("succeeded", "declined", "requires_action", "held", "processing")
    return waited_for and payment.status in states.IN_FLIGHT and purchase.status in states.UNPAID


def _locked(
    ours: Sequence[tuple[int, UUID, UUID]], *, in_company: bool
) -> tuple[dict[UUID, Purchase], dict[UUID, Payment]]:
    """Return purchases and payments locked, the purchases first and by id; in company without those that
    somebody else has locked.
    """
    bought = Purchase.objects.select_for_update(no_key=True, skip_locked=in_company)
    purchases = {row.pk: row for row in bought.filter(pk__in=[ids[2] for ids in ours]).order_by("id")}
    asked = Payment.objects.select_for_update(no_key=True, skip_locked=in_company)
    theirs = asked.filter(purchase__in=list(purchases))
    return purchases, theirs.in_bulk([ids[1] for ids in ours])
