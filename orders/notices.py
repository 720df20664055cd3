"""The provider's notices (webhook events): recorded once, read later. A notice is a hint, not the truth."""

from datetime import datetime

import structlog
from django.db import transaction

from commerce import gateway, outbox
from commerce.models import Notice
from orders import payments, repaying

log = structlog.get_logger(__name__)


# Of what kinds something is read. An endpoint need not be sent others (`enabled_events`); those that come all
# the same are kept, and nobody is woken for them.
READ = ("payment_intent.", "refund.")


def record(*, notice: gateway.Notice, now: datetime) -> bool:
    """Keep a verified notice and have it read if it says anything to us; False when it was read before."""
    unread = notice.type.startswith(READ)
    row = Notice(
        provider_id=notice.id,
        type=notice.type,
        object_id=notice.object_id,
        payload=notice.payload,
        livemode=notice.livemode,
        processed_at=None if unread else now,
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
    return kept.processed_at is None


def read(*, notice_id: int, now: datetime) -> None:
    """Take in what a notice is about, as the provider reports it now; safe to repeat."""
    notice = Notice.objects.filter(pk=notice_id, processed_at=None).first()
    if notice is None:
        return
    if notice.type.startswith("payment_intent.") and notice.object_id:
        try:
            payments.apply(intent=gateway.retrieve(notice.object_id), now=now)
        except gateway.Missing:
            # Tried again it would stay missing, and fifty of its kind would stop every sweep's reading.
            log.warning("notice.of_nothing", notice=notice.provider_id, object=notice.object_id)
    elif notice.type.startswith("refund."):
        try:
            repaying.apply(answer=gateway.retrieve_refund(notice.object_id), now=now)
        except gateway.Missing:
            log.warning("notice.of_nothing", notice=notice.provider_id, object=notice.object_id)
    Notice.objects.filter(pk=notice_id).update(processed_at=now)
