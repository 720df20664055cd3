"""What merchants are written about their endpoints."""

from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import send_mail

from commerce.models import MerchantMember, WebhookEndpoint
from commerce.scopes import ROLES, may

log = structlog.get_logger(__name__)

_TEXT = """Yellowcart has turned off a webhook endpoint of {merchant}.

Endpoint: {endpoint}{description}
Why:      {reason}
Since:    {since}

What happens meanwhile waits for it, {days} days at most. Once your system takes messages again, turn the
endpoint on: PATCH {base}/api/v1/webhook-endpoints/{endpoint} with {{"enabled": true}}.
"""


def endpoint_off(*, endpoint_id: UUID) -> int:
    """Write to members who may mend it that an endpoint was turned off; returns how many letters went out.

    None is sent for one that is on again or removed. Raises OSError when the mail server cannot be reached.
    """
    row = WebhookEndpoint.objects.select_related("merchant").filter(pk=endpoint_id, removed_at=None).first()
    if row is None or row.enabled or row.off_at is None:
        return 0
    able = [role for role, granted in ROLES.items() if may(granted, "webhooks")]
    members = MerchantMember.objects.filter(merchant=row.merchant, role__in=able, user__is_active=True)
    to = sorted(members.values_list("user__email", flat=True))
    if not to:
        log.warning("webhook.nobody_to_tell", endpoint=str(row.id), merchant=str(row.merchant_id))
        return 0
    text = _TEXT.format(
        merchant=row.merchant.name,
        endpoint=row.id,
        description=f" ({row.description})" if row.description else "",
        reason=row.get_off_reason_display(),
        since=row.off_at.isoformat(timespec="seconds"),
        days=settings.WEBHOOK_KEEP_DAYS,
        base=settings.BASE_URL,
    )
    # One letter each: members need not know each other's addresses.
    return sum(send_mail("A webhook endpoint was turned off", text, None, [each]) for each in to)
