"""The provider's bookkeeping against ours: every movement of money there is found here, and its fee booked.

What is not found is a discrepancy: at once where nothing here could have caused it, else after GRACE, as our
own answer may still be on its way.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Sum

from commerce import gateway, ledger
from commerce.money import Money
from orders import states
from orders.models import Dispute, Movement, Payment, PayoutLeg, Refund, Reversal
from orders.settling import discrepancies

GRACE = timedelta(minutes=5)
LOOKED_FOR = timedelta(days=7)  # After that only the discrepancy tells of it.
NOT_THERE_AFTER = timedelta(minutes=15)
LOOKED_BACK = timedelta(days=1)  # What has moved by then is not looked for again.
ASKED_JUST_NOW = timedelta(minutes=1)
BATCH = 1_000

PROVIDER_FEES = "provider:fees"  # What the provider kept: an expense of the platform.
BANK = "bank"  # What the provider has paid out to the platform's bank account.

CAPTURED = (Payment.Status.SUCCEEDED, Payment.Status.RETURNED)
OPEN = (Refund.Status.CREATED, Refund.Status.SENT, Refund.Status.UNKNOWN, Refund.Status.PENDING)


def record_all(*, found: Iterable[gateway.Movement], now: datetime) -> int:
    """Keep the movements that are not known yet; returns how many were told."""
    rows = [
        Movement(
            provider_id=each.id,
            kind=each.kind[:60],
            source=each.source,
            amount=each.amount.amount,
            fee=each.fee.amount,
            currency=each.amount.currency,
            made_at=each.made_at,
            seen_at=now,
        )
        for each in found
    ]
    Movement.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def match(*, now: datetime) -> int:
    """Find in our books what moved at the provider; returns how much of it was found."""
    waiting = Movement.objects.filter(matched_at=None, seen_at__gt=now - LOOKED_FOR).order_by("seen_at")
    known = list(waiting.values_list("pk", flat=True))
    # All of them: those that are never found would stand in the way of the others.
    return sum(
        _match(row, now)
        for start in range(0, len(known), BATCH)
        for row in Movement.objects.filter(pk__in=known[start : start + BATCH]).order_by("seen_at")
    )


def look_for_ours(*, now: datetime) -> int:
    """Note what we booked, or sent payees, and the provider has not moved; returns how much that is."""
    return _payments_not_there(now) + _legs_not_there(now)


def _payments_not_there(now: datetime) -> int:
    since, until = now - LOOKED_BACK, now - NOT_THERE_AFTER
    moved = Movement.objects.filter(source=OuterRef("charge_id"))
    taken = Payment.objects.filter(
        ~Exists(moved), status__in=CAPTURED, finished_at__gt=since, finished_at__lt=until
    )
    count = 0
    for payment in taken[:BATCH]:
        count += 1
        discrepancies.note(
            discrepancies.Difference(
                kind=discrepancies.Kind.NOT_THERE,
                provider_id=payment.charge_id or str(payment.id),
                what=f"payment {payment.id} is booked, and nothing came in at the provider",
                ours=Money(payment.amount, payment.currency),
                payment_id=payment.id,
            ),
            now=now,
        )
    return count


def _legs_not_there(now: datetime) -> int:
    """Legs that are paid here and moved nothing there, and those whose sending does not come to an end."""
    until = now - NOT_THERE_AFTER
    moved = Movement.objects.filter(source=OuterRef("provider_id"))
    paid = Q(
        ~Exists(moved), status=PayoutLeg.Status.PAID, checked_at__gt=now - LOOKED_BACK, checked_at__lt=until
    )
    # Whoever asks just now is not stuck, however long ago it was sent first.
    stuck = Q(status__in=(PayoutLeg.Status.SENT, PayoutLeg.Status.UNKNOWN), sent_at__lt=until)
    stuck &= Q(checked_at__lt=now - ASKED_JUST_NOW)
    legs = PayoutLeg.objects.filter(paid | stuck).order_by("created_at")[:BATCH]
    for leg in legs:
        how = "is paid" if leg.provider_id else "was sent"
        discrepancies.note(
            discrepancies.Difference(
                kind=discrepancies.Kind.NOT_THERE,
                provider_id=leg.provider_id or str(leg.id),
                what=f"leg {leg.id} of payout {leg.payout_id} {how}, and nothing went out at the provider",
                ours=Money(leg.amount, leg.currency),
                payment_id=leg.payment_id,
            ),
            now=now,
        )
    shown = {
        "payment__discrepancies__kind": discrepancies.Kind.NOT_THERE,
        "payment__discrepancies__resolved_at": None,
    }
    for leg in PayoutLeg.objects.filter(**shown).exclude(status__in=states.LEG_OPEN).distinct():
        discrepancies.gone(kind=discrepancies.Kind.NOT_THERE, provider_id=str(leg.id), now=now)
    return len(legs)


def _match(row: Movement, now: datetime) -> bool:
    ours = _ours(row)
    if ours is None:
        return False
    if not ours:
        if row.kind not in WAITED_FOR or row.seen_at < now - GRACE:
            _differ(row, now)
        return False
    with transaction.atomic():
        if not Movement.objects.filter(pk=row.pk, matched_at=None).update(matched_at=now):
            return False
        if row.fee:
            fee = Money(row.fee, row.currency)
            ledger.post(
                kind="fee", ref=row.provider_id, postings=[(PROVIDER_FEES, fee), (ledger.PROVIDER, fee * -1)]
            )
        if row.kind == "payout":
            out = Money(row.amount, row.currency)
            ledger.post(
                kind="payout", ref=row.provider_id, postings=[(ledger.PROVIDER, out), (BANK, out * -1)]
            )
    for kind in (discrepancies.Kind.MOVEMENT, discrepancies.Kind.NOT_THERE):
        discrepancies.gone(kind=kind, provider_id=row.source or row.provider_id, now=now)
    return True


# What a task of ours may just be about to book.
REFUNDS = ("refund", "payment_refund", "refund_failure", "payment_failure_refund")
WAITED_FOR = ("charge", "payment", "adjustment", "transfer", "transfer_refund", *REFUNDS)


def _ours(row: Movement) -> bool | None:
    """Say whether our books have a movement; None while it is under way here."""
    if row.kind in ("charge", "payment"):
        paid = Payment.objects.filter(charge_id=row.source, status__in=CAPTURED).first()
        return paid is not None and (paid.amount, paid.currency) == (row.amount, row.currency)
    if row.kind in REFUNDS:
        refund = Refund.objects.filter(provider_id=row.source).first()
        if refund is None or (refund.amount, refund.currency) != (abs(row.amount), row.currency):
            return False
        if refund.status in OPEN:
            return None
        return row.amount < 0 or refund.status == Refund.Status.FAILED
    if row.kind == "adjustment":
        dispute = Dispute.objects.filter(provider_id=row.source, currency=row.currency).first()
        if dispute is None or row.amount < 0:
            return dispute is not None and dispute.withdrawn_amount == -row.amount
        returned = Movement.objects.filter(kind=row.kind, source=row.source, amount__gt=0)
        return bool(returned.aggregate(sum=Sum("amount"))["sum"] == dispute.reinstated_amount)
    if row.kind == "transfer":
        leg = PayoutLeg.objects.filter(provider_id=row.source, status=PayoutLeg.Status.PAID).first()
        return leg is not None and (-leg.amount, leg.currency) == (row.amount, row.currency)
    if row.kind == "transfer_refund":
        back = Reversal.objects.filter(provider_id=row.source, status=Reversal.Status.DONE).first()
        return back is not None and (back.amount, back.currency) == (row.amount, row.currency)
    # Everything that is at the provider may be paid out: nothing else has to be known of it.
    return row.kind == "payout"


def _differ(row: Movement, now: datetime) -> None:
    payment = Payment.objects.filter(charge_id=row.source).first() if row.source else None
    discrepancies.note(
        discrepancies.Difference(
            kind=discrepancies.Kind.MOVEMENT,
            provider_id=row.source or row.provider_id,
            what=f"{row.kind} {row.provider_id}, fee {row.fee}, {_missing(row, payment)}",
            theirs=Money(row.amount, row.currency),
            payment_id=payment.id if payment else None,
        ),
        now=now,
    )


def _missing(row: Movement, payment: Payment | None) -> str:
    if payment is not None and payment.currency != row.currency:
        return f"was settled in {row.currency}, and our books have it in {payment.currency}"
    return "is not in our books"
