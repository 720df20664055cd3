"""What the provider says became of a payment, made true here: the same for task, webhook and sweep.

Answers come late, twice and in any order. So everything is judged under the purchase's lock by what is
already true: an end is never undone, except that captured money always finds its place, on the purchase or
back to the buyer.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q

from commerce import errors, faults, gateway, outbox
from commerce.money import Money
from orders import holds, moves, states, transactions
from orders.books import postings
from orders.models import Order, OrderLine, Payment, Purchase, Shipment
from orders.settling import discrepancies, refunds, together

log = structlog.get_logger(__name__)
Status = Payment.Status

MAX_ATTEMPTS = 5  # Cards tried for one purchase.
RETURNED_LATE = "The payment came too late for this purchase and was given back in full."
REFUSED = "The payment could not be made. Your card was not charged."


def apply(*, intent: gateway.Intent, now: datetime) -> Purchase | None:
    """Make what the provider says of a payment true; returns the purchase, None when the payment is not ours:
    money that it took is a discrepancy then.

    Safe to repeat and in any order. Raises Mismatch, noted as a discrepancy, when the provider's numbers are
    not ours.
    """
    (outcome,) = apply_all([(intent, now)])
    if isinstance(outcome, Exception):
        raise outcome
    assert outcome is not together.ALONE, "alone is alone"
    return outcome


def apply_all(said: Sequence[tuple[gateway.Intent, datetime]]) -> list[together.Outcome[Purchase | None]]:
    """Make true what the provider says of many payments, in one transaction; returns for each what `apply`
    returns or raises, or that it has to be applied alone.

    Alone is what another one has locked, what may have to wait for others' locks, and a purchase's second
    answer: in company nothing is waited for long.
    """
    known = _known([intent for intent, _ in said])
    found = [known.get(_named(intent)) for intent, _ in said]
    ours = [(n, *ids) for n, ids in enumerate(found) if ids is not None]
    settled: dict[int, together.Outcome[Purchase | None]] = {}
    if ours:
        patience = transactions.PATIENT_MS if len(said) == 1 else transactions.LOCK_TIMEOUT_MS
        settled = transactions.run(lambda: _apply_all(said, ours), lock_timeout_ms=patience)
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
        _declined(purchase, payment, now, decline_code=code[:80], message=REFUSED)
        if _is_over(purchase):
            holds.release(purchase=purchase, now=now)

    return _judged(payment_id, judge)


def give_up(*, payment_id: UUID, now: datetime) -> Purchase:
    """End a payment that was sent and that the provider does not know."""

    def judge(purchase: Purchase, payment: Payment) -> None:
        if payment.provider_id is None:
            cancelled(purchase, payment, now)

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
    return _judged(payment_id, lambda purchase, row: cancelled(purchase, row, now))


def cancelled(purchase: Purchase, payment: Payment, now: datetime) -> None:
    """End an unfinished payment and its purchase, and give the units back. The purchase is locked."""
    if payment.status not in states.ALIVE or payment.status == Status.SUCCEEDED:
        return
    moves.payment(payment, new=Status.CANCELLED, now=now)
    close(purchase, now=now)


def close(purchase: Purchase, *, now: datetime) -> None:
    """End a locked, unpaid purchase without a payment under way, and give its units back."""
    promised = purchase.status == Purchase.Status.AUTHORIZED
    if purchase.status not in states.UNPAID and not promised:
        return
    in_time = promised or now < purchase.hold_until
    over = "authorisation ended" if promised else "payment cancelled"
    moves.purchase(
        purchase,
        new=Purchase.Status.CANCELLED if in_time else Purchase.Status.EXPIRED,
        reason=over if in_time else "not paid in time",
        now=now,
    )
    holds.release(purchase=purchase, now=now)
    for order in _orders(purchase):
        # A parcel that waited for the money does not go out.
        Shipment.objects.filter(order=order).delete()
        moves.order(order, new=Order.Status.CANCELLED, now=now)


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
    asked = Q(pk__in=ids)
    if len(ids) < len(names):
        asked |= Q(provider_id__in=names.difference(ids))
    known: dict[UUID | str | None, tuple[UUID, UUID]] = {}
    for id_, provider_id, purchase_id in Payment.objects.filter(asked).values_list(
        "id", "provider_id", "purchase_id"
    ):
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
    said: Sequence[tuple[gateway.Intent, datetime]], ours: Sequence[tuple[int, UUID, UUID]]
) -> dict[int, together.Outcome[Purchase | None]]:
    """Apply answers (which, payment, purchase) inside the caller's transaction."""
    in_company = len(said) > 1
    purchases, payments = _locked(ours, in_company=in_company)
    outcomes: dict[int, together.Outcome[Purchase | None]] = {}
    paid: list[tuple[Purchase, Payment, gateway.Intent]] = []
    given_back: list[Purchase] = []
    latest = max(now for _, now in said)
    for n, payment_id, purchase_id in ours:
        intent, now = said[n]
        purchase, payment = purchases.pop(purchase_id, None), payments.get(payment_id)
        if purchase is None or payment is None or (in_company and not _is_plain(purchase, payment, intent)):
            outcomes[n] = together.ALONE
            continue
        outcomes[n] = purchase
        try:
            _check(payment, intent)
        except discrepancies.Mismatch as mismatch:
            outcomes[n] = mismatch
        else:
            if _apply(purchase, payment, intent, now):
                paid.append((purchase, payment, intent))
            elif intent.status == "declined" and _is_over(purchase):
                given_back.append(purchase)
    if paid:
        _pay(paid, latest)
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


def _is_over(purchase: Purchase) -> bool:
    """Say whether a purchase was declined and keeps nothing for another card."""
    return purchase.status == Purchase.Status.DECLINED and purchase.grace_until is None


def _apply(purchase: Purchase, payment: Payment, intent: gateway.Intent, now: datetime) -> bool:
    """Apply a checked answer; says whether it pays the purchase, which is left to `_pay`."""
    if payment.provider_id is None and intent.status != "succeeded":
        Payment.objects.filter(pk=payment.pk).update(provider_id=intent.id)
        payment.provider_id = intent.id
    match intent.status:
        case "succeeded":
            return _captured(purchase, payment, intent, now)
        case "requires_action":
            _action_required(purchase, payment, now)
        case "declined":
            _declined(
                purchase, payment, now, decline_code=intent.decline_code or "", message=intent.message or ""
            )
        case "cancelled":
            cancelled(purchase, payment, now)
        case "held":
            _authorized(purchase, payment, now)
        case "processing":
            pass
    return False


def _check(payment: Payment, intent: gateway.Intent) -> None:
    """Hold an answer against what was asked; raises Mismatch."""
    ours, kind, theirs = Money(payment.amount, payment.currency), discrepancies.Kind.PAYMENT, intent.amount
    if payment.provider_id not in (None, intent.id):
        what = f"payment {payment.id} has another intent than {payment.provider_id}"
        if intent.received.amount:
            kind, theirs = discrepancies.Kind.SECOND_CHARGE, intent.received
    elif intent.amount != ours:
        what = f"payment {payment.id} is over another amount"
    elif intent.status == "succeeded" and intent.received != ours:
        what, theirs = f"of payment {payment.id} another amount was taken", intent.received
    else:
        return
    raise discrepancies.Mismatch(
        discrepancies.Difference(
            kind=kind, provider_id=intent.id, what=what, ours=ours, theirs=theirs, payment_id=payment.id
        )
    )


def _authorized(purchase: Purchase, payment: Payment, now: datetime) -> None:
    """The card has promised the money of a pre-order: the units stay held, and the merchant may ship."""
    if payment.status in (Status.AUTHORIZED, Status.SUCCEEDED, Status.RETURNED):
        return
    if payment.status not in states.ALIVE or purchase.status not in states.UNPAID:
        # Too late: the promise is given back, so that it blocks nothing on the buyer's card.
        _let_go("authorization.unwanted", payment)
        return
    moves.payment(payment, new=Status.AUTHORIZED, now=now, checked_at=now)
    moves.purchase(purchase, new=Purchase.Status.AUTHORIZED, now=now)
    for order in _orders(purchase):
        moves.order(order, new=Order.Status.OPEN, now=now)


def _captured(purchase: Purchase, payment: Payment, intent: gateway.Intent, now: datetime) -> bool:
    """Say whether captured money pays its purchase; if not it is given back."""
    if payment.status in (Status.SUCCEEDED, Status.RETURNED):
        return False
    if _units_for(purchase, payment, now):
        return True
    facts = {"provider_id": intent.id, "charge_id": intent.charge_id or "", "decline_code": ""}
    moves.payment(payment, new=Status.RETURNED, now=now, **facts, message=RETURNED_LATE)
    postings.capture([payment])
    refunds.owe(payment=payment, amount=payment.amount, reason="captured too late", now=now)
    moves.note(purchase, reason="payment returned", now=now)
    return False


def _units_for(purchase: Purchase, payment: Payment, now: datetime) -> bool:
    """Say whether the captured money can pay the purchase, taking released units again where it can."""
    # One is alive at most (payment_one_alive_per_purchase): if it is not this one, another may be.
    if payment.status not in states.ALIVE and purchase.payments.filter(status__in=states.ALIVE).exists():
        return False
    if purchase.status in states.UNPAID or purchase.status == Purchase.Status.AUTHORIZED:
        return True
    if purchase.grace_until is not None:
        return True  # Declined, and its units are still held.
    if purchase.status == Purchase.Status.PAID:
        return False
    try:
        with transaction.atomic():
            holds.retake(purchase=purchase, now=now)
    except errors.Refusal as refusal:
        log.warning("payment.too_late", purchase=str(purchase.id), code=refusal.code)
        return False
    return True


def _pay(paid: Sequence[tuple[Purchase, Payment, gateway.Intent]], now: datetime) -> None:
    """Make purchases paid by captured money, which their holds are still there for."""
    purchases = [purchase for purchase, _, _ in paid]
    moves.captured({payment: (intent.id, intent.charge_id or "") for _, payment, intent in paid}, now=now)
    moves.purchases(purchases, new=Purchase.Status.PAID, now=now, grace_until=None)
    holds.keep(purchases=purchases, now=now)
    orders = Order.objects.filter(purchase__in=purchases).exclude(status=Order.Status.OPEN).order_by("id")
    shipped: list[Order] = []
    opened: list[Order] = []
    for order in orders:
        (shipped if order.status == Order.Status.SHIPPING else opened).append(order)
    moves.orders(shipped, new=Order.Status.SHIPPED, now=now)
    moves.orders(opened, new=Order.Status.OPEN, now=now)
    postings.sale(purchases, [payment for _, payment, _ in paid])


def _action_required(purchase: Purchase, payment: Payment, now: datetime) -> None:
    if Status.ACTION_REQUIRED not in states.PAYMENT[payment.status]:
        return
    moves.payment(payment, new=Status.ACTION_REQUIRED, now=now, checked_at=now)
    # Once in an attempt, as the move cannot happen a second time, and never past the purchase's own end.
    longer = min(now + timedelta(seconds=settings.HOLD_SECONDS), held_at_most(purchase))
    moves.purchase(
        purchase,
        new=Purchase.Status.ACTION_REQUIRED,
        now=now,
        hold_until=max(purchase.hold_until, longer),
    )


def _declined(
    purchase: Purchase, payment: Payment, now: datetime, *, decline_code: str, message: str
) -> None:
    """End a declined payment; without a grace the caller releases what is held."""
    if Status.DECLINED not in states.PAYMENT[payment.status]:
        return
    moves.payment(
        payment, new=Status.DECLINED, now=now, decline_code=decline_code[:80], message=message[:300]
    )
    grace = _grace(purchase, payment, now)
    moves.purchase(purchase, new=Purchase.Status.DECLINED, reason=decline_code, now=now, grace_until=grace)
    if payment.provider_id is not None:
        # Another card is another intent. Left open, this one could be paid too by whoever has its secret.
        _let_go("intent.unwanted", payment)


def _grace(purchase: Purchase, payment: Payment, now: datetime) -> datetime | None:
    """Return until when a declined purchase keeps its units: the longest that its offers give, and never past
    its own end. None when there is none, or no other card may be tried.
    """
    if payment.number >= MAX_ATTEMPTS:
        return None
    offers = OrderLine.objects.filter(order__purchase=purchase, offer__isnull=False)
    seconds = offers.aggregate(longest=Max("offer__grace_seconds"))["longest"] or 0
    until = min(now + timedelta(seconds=seconds), held_at_most(purchase))
    return until if until > now else None


def _let_go(name: str, payment: Payment) -> None:
    outbox.record(name=name, payload={"payment": str(payment.id)}, key=f"{name}:{payment.id}")


def held_at_most(purchase: Purchase) -> datetime:
    """Return when a purchase's units go back at the latest, whatever its buyer and her bank still do."""
    return purchase.created_at + timedelta(seconds=settings.HOLD_MOST_SECONDS)


def _orders(purchase: Purchase) -> list[Order]:
    return list(Order.objects.filter(purchase=purchase).order_by("id"))
