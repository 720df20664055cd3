"""The provider's notices (webhook events): recorded once, read later. A notice is a hint, not the truth."""

from datetime import datetime

import structlog
from django.db import transaction

from commerce import gateway, outbox
from commerce.models import Notice
from orders import payments, refunds
from orders.models import Refund

log = structlog.get_logger(__name__)


def record(*, notice: gateway.Notice) -> bool:
    """Keep a verified notice and have it read; False when it was kept before."""
    row = Notice(
        provider_id=notice.id,
        type=notice.type,
        object_id=notice.object_id,
        payload=notice.payload,
        livemode=notice.livemode,
    )
    with transaction.atomic():
        Notice.objects.bulk_create([row], ignore_conflicts=True)
        kept = Notice.objects.get(provider_id=notice.id)
        # Also for a repetition: the key makes it once, and a notice recorded without its event would never be
        # read.
        outbox.record(name="notice.received", payload={"notice": kept.pk}, key=f"notice.received:{kept.pk}")
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
        refund = Refund.objects.filter(provider_id=notice.object_id).first()
        if refund is not None:
            refunds.send(refund_id=refund.id, now=now)
    Notice.objects.filter(pk=notice_id).update(processed_at=now)
