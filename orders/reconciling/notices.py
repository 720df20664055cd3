"""The provider's notices (webhook events): recorded once, read later. A notice is a hint, not the truth.

They come by webhook or are read from the provider's log (`reconciler`). One that cannot be read time and
again is put into quarantine, where operators see it, so that it keeps no other from being read.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from commerce import cards, errors, faults, gateway, outbox, payees
from commerce.models import Card, ConnectedAccount, Customer, Notice
from commerce.money import Money
from orders.aftersales import disputes
from orders.models import Payment
from orders.reconciling import kinds
from orders.settling import discrepancies, payments, repaying

log = structlog.get_logger(__name__)

MOST_ATTEMPTS = 10
READ_WITHIN = timedelta(seconds=15)  # A notice that no task took up by then was lost on the way.

KNOWN_WITHIN = timedelta(minutes=1)  # A new account is told of before its id is written down here.

# What is told of accounts that are connected to ours. Anything else of theirs is not ours to act upon.
READ_OF_CONNECTED = ("account.updated", "account.application.deauthorized")
OF_CONNECTED = ("account.", "capability.", "person.", "payout.", "balance.")
ASKED = ("needs_response", "warning_needs_response")  # Of disputes: somebody has to answer.


class UnknownAccount(Exception):
    """Something is told of a connected account that is nobody's here."""


def record(*, notice: gateway.Notice, now: datetime) -> bool:
    """Keep a verified notice and have it read if it says anything to us; False when it was read before."""
    return _keep(notice, source="webhook", now=now)


def record_all(*, found: Iterable[gateway.Notice], now: datetime) -> int:
    """Keep those that no webhook has brought, and have them read; returns how many these are."""
    batch = list(found)
    known = Notice.objects.filter(provider_id__in=[each.id for each in batch])
    brought = set(known.values_list("provider_id", flat=True))
    missing = [each for each in batch if each.id not in brought]
    for each in missing:
        _keep(each, source="log", now=now)
    return len(missing)


def _keep(notice: gateway.Notice, *, source: str, now: datetime) -> bool:
    strange = bool(notice.account) and not notice.type.startswith(OF_CONNECTED)
    if notice.account:
        # Of an account that is not ours every kind is read: that finds it out.
        ours = ConnectedAccount.objects.filter(provider_id=notice.account).exists()
        unread = not strange and (notice.type in READ_OF_CONNECTED or not ours)
    else:
        unread = notice.type in kinds.READ
    if notice.livemode != gateway.is_live():
        strange = unread = False  # Test and live do not mix: it is kept, and nothing comes of it.
    row = Notice(
        provider_id=notice.id,
        type=notice.type[:80],
        object_id=notice.object_id,
        payload=notice.payload,
        livemode=notice.livemode,
        account=notice.account or "",
        api_version=notice.api_version[:40],
        source=source,
        created_at=notice.created,
        processed_at=None if unread or strange else now,
        quarantined_at=now if strange else None,
        error=f"of the connected account {notice.account}, which pays nothing here" if strange else "",
    )
    with transaction.atomic():
        Notice.objects.bulk_create([row], ignore_conflicts=True)
        kept = Notice.objects.get(provider_id=notice.id)
        if unread:
            # Also for a repetition: the key makes it once, and a notice kept without its event would never
            # be read.
            outbox.record(
                name="notice.received", payload={"notice": kept.pk}, key=f"notice.received:{kept.pk}"
            )
    faults.reach("notice.recorded")
    if strange:
        log.error("notice.quarantined", notice=notice.id, type=notice.type, error=row.error)
    return kept.processed_at is None


def read(*, notice_id: int, now: datetime) -> None:
    """Take in what a notice is about, as the provider reports it now; safe to repeat.

    Raises what goes wrong, so that it is tried again; after MOST_ATTEMPTS, and at once when the provider's
    numbers are not ours, it is put into quarantine instead. That somebody is away is no fault of the notice.
    """
    notice = Notice.objects.filter(pk=notice_id, processed_at=None, quarantined_at=None).first()
    if notice is None:
        return
    try:
        faults.reach("notice.read_before_apply")
        _reader(notice)(notice, now)
        faults.reach("notice.read_after_apply")
    except gateway.Missing:
        # Tried again it would stay missing.
        log.warning("notice.of_nothing", notice=notice.provider_id, object=notice.object_id)
    except discrepancies.Mismatch as mismatch:
        _fail(notice, mismatch, now, last=True)
        return
    except errors.Unavailable:
        raise
    except UnknownAccount as error:
        if not _fail(notice, error, now, last=now - notice.received_at > KNOWN_WITHIN):
            raise
        return
    except Exception as error:
        if not _fail(notice, error, now, last=notice.attempts + 1 >= MOST_ATTEMPTS):
            raise
        return
    Notice.objects.filter(pk=notice_id).update(processed_at=now, error="")


def release(*, notice_id: int, now: datetime) -> bool:
    """Take a notice out of quarantine and have it read anew; False when it was not there."""
    with transaction.atomic():
        there = Notice.objects.filter(pk=notice_id, processed_at=None).exclude(quarantined_at=None)
        if not there.update(quarantined_at=None, attempts=0):
            return False
        outbox.record(
            name="notice.received",
            payload={"notice": notice_id},
            key=f"notice.received:{notice_id}:{now.timestamp()}",
        )
    return True


def unread(*, now: datetime, limit: int, without: Collection[str] = ()) -> list[int]:
    """Return notices that no task has read, oldest first."""
    rows = Notice.objects.filter(processed_at=None, quarantined_at=None, received_at__lt=now - READ_WITHIN)
    return list(rows.exclude(pk__in=without).order_by("id").values_list("id", flat=True)[:limit])


def prune(*, before: datetime, limit: int) -> int:
    """Delete notices that came before that and were read, oldest first; returns how many."""
    oldest = Notice.objects.order_by("id").values_list("id", flat=True)[:limit]
    read_ones = Notice.objects.filter(pk__in=list(oldest), received_at__lt=before, processed_at__lt=before)
    return read_ones.delete()[0]


def _fail(notice: Notice, error: Exception, now: datetime, *, last: bool) -> bool:
    """Count a failure; returns `last`, with which the notice is put into quarantine."""
    Notice.objects.filter(pk=notice.pk).update(
        attempts=notice.attempts + 1,
        error=f"{type(error).__name__}: {error}"[:2000],
        quarantined_at=now if last else None,
    )
    if last:
        log.error("notice.quarantined", notice=notice.provider_id, type=notice.type, error=str(error))
    return last


# --- what each kind is about ---


def _reader(notice: Notice) -> Callable[[Notice, datetime], None]:
    kind = notice.type
    if notice.account:
        return _account
    if kind.startswith("payment_intent."):
        return _intent
    if kind.startswith(("refund.", "charge.refund.")):
        return _refund
    if kind == "charge.refunded":
        return _refunds
    if kind.startswith("charge.dispute."):
        return _dispute
    if kind == "setup_intent.succeeded":
        return _new_card
    if kind.startswith("payment_method."):
        return _card
    return lambda notice, now: None  # Kept unread by an earlier version that read more.


def _intent(notice: Notice, now: datetime) -> None:
    payments.apply(intent=gateway.retrieve(notice.object_id), now=now)


def _refund(notice: Notice, now: datetime) -> None:
    take_in_refund(gateway.retrieve_refund(notice.object_id), now=now)


def _refunds(notice: Notice, now: datetime) -> None:
    for answer in gateway.refunds_of(charge_id=notice.object_id):
        take_in_refund(answer, now=now)


def take_in_refund(answer: gateway.RefundResult, *, now: datetime) -> None:
    """Apply what the provider says of a refund; one that we did not ask for is a discrepancy."""
    if repaying.apply(answer=answer, now=now) is not None:
        return
    _differ(
        discrepancies.Kind.FOREIGN_REFUND,
        answer.id,
        f"a refund of {answer.intent_id or answer.charge_id} that we did not ask for ({answer.status})",
        answer.amount,
        answer.intent_id,
        now,
    )


def _dispute(notice: Notice, now: datetime) -> None:
    told = gateway.retrieve_dispute(notice.object_id)
    ours = disputes.take_in(told=told, now=now)
    if ours is not None and told.status not in ASKED:
        discrepancies.gone(kind=discrepancies.Kind.DISPUTE, provider_id=told.id, now=now)
        return
    due = f", evidence until {told.due_at:%Y-%m-%d %H:%M} UTC" if told.due_at else ""
    what = f"{told.charge_id} is disputed as {told.reason}: {told.status}{due}"
    _differ(discrepancies.Kind.DISPUTE, told.id, what, told.amount, told.intent_id, now)


def _differ(
    kind: str, provider_id: str, what: str, theirs: Money, intent_id: str | None, now: datetime
) -> None:
    payment = Payment.objects.filter(provider_id=intent_id).first() if intent_id else None
    discrepancies.note(
        discrepancies.Difference(
            kind=kind,
            provider_id=provider_id,
            what=what,
            theirs=theirs,
            payment_id=payment.id if payment else None,
        ),
        now=now,
    )


def _new_card(notice: Notice, now: datetime) -> None:
    """A card whose form was finished, though its page may have been closed before it told us."""
    customer = gateway.retrieve_setup(notice.object_id).customer
    owner = Customer.objects.filter(provider_id=customer).first() if customer else None
    if owner is not None:
        cards.sync(user_id=owner.user_id, now=now)


def _account(notice: Notice, now: datetime) -> None:
    """A payee's account, of which more is known, or which was cut off: it is asked for as it is now."""
    if not ConnectedAccount.objects.filter(provider_id=notice.account).exists():
        raise UnknownAccount(f"{notice.account} is connected at the provider, and nobody's here")
    if notice.type in READ_OF_CONNECTED:
        payees.refresh(provider_id=notice.account, now=now)


def _card(notice: Notice, now: datetime) -> None:
    """A card that was detached at the provider, or renewed by its bank."""
    known = Card.objects.filter(provider_id=notice.object_id, removed_at=None).first()
    if known is not None:
        cards.sync(user_id=known.user_id, now=now)
