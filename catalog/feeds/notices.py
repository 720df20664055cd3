"""What merchants are written about their feeds."""

from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import send_mail

from catalog.models import FeedSource
from commerce.models import MerchantMember

log = structlog.get_logger(__name__)

_TEXT = """Yellowcart fetches a feed of {merchant} no more.

Feed: {feed}
Why:  {reason}

{next}
GET {base}/api/v1/catalog/feeds/{feed}/fetches says what came of each time.
"""
_TURN_ON = (
    'Once it can be had again, turn it on: PATCH {base}/api/v1/catalog/feeds/{feed} with {{"enabled": true}}.'
)
_ASK = "Only we can turn it on again: ask us."


def feed_off(*, feed_id: UUID) -> int:
    """Write to a merchant's members that a feed was turned off; returns how many letters went out.

    None is sent for one that is on again or removed. Raises OSError when the mail server cannot be reached.
    """
    row = FeedSource.objects.select_related("merchant").filter(pk=feed_id, enabled=False).first()
    if row is None:
        return 0
    members = MerchantMember.objects.filter(merchant=row.merchant, user__is_active=True)
    to = sorted(members.values_list("user__email", flat=True))
    if not to:
        log.warning("feed.nobody_to_tell", feed=str(row.pk), merchant=str(row.merchant_id))
    ours = row.off_reason == FeedSource.Off.OPERATOR
    text = _TEXT.format(
        merchant=row.merchant.name,
        feed=row.pk,
        reason=row.get_off_reason_display(),
        base=settings.BASE_URL,
        next=_ASK if ours else _TURN_ON.format(base=settings.BASE_URL, feed=row.pk),
    )
    # One letter each: members need not know each other's addresses.
    return sum(send_mail("A feed is fetched no more", text, None, [each]) for each in to)
