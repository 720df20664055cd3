"""What buyers' banks want back: how much of it is the merchant's, what speaks for it, and the answer."""

from uuid import UUID

import structlog
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from commerce import errors, gateway
from commerce.leafing import leaf
from commerce.merchantsite import Waiting, desk, member_of
from orders import queries
from orders.aftersales import disputes, endings
from orders.desk import doing
from orders.models import Dispute, parcels_of

log = structlog.get_logger(__name__)

TO_ANSWER = ("needs_response", "warning_needs_response")
COLOURS = {
    **dict.fromkeys(TO_ANSWER, "bad"),
    "under_review": "scheduled",
    "warning_under_review": "scheduled",
    "won": "good",
    "warning_closed": "good",
    "lost": "bad",
}


@desk.screen("disputes/", name="disputes", see="orders:read")
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """List disputes of what the merchant sold, newest first."""
    rows = disputes.of_merchant(merchant_id=member_of(request).merchant_id)
    is_open = request.GET.get("open") == "yes"
    if is_open:
        rows = rows.filter(status__in=Dispute.OPEN)
    found = leaf(request, rows)
    return desk.render(
        request,
        "orders_desk/disputes.html",
        title="Disputes",
        leaf=found,
        rows=[
            (
                row,
                _state(row),
                doing.sum_of(row.amount, row.currency),
                doing.sum_of(_yours(row), row.currency),
            )
            for row in found.rows
        ],
        is_open=is_open,
    )


@desk.screen("disputes/<uuid:dispute_id>/", name="dispute", see="orders:read")
@require_safe
def one(request: HttpRequest, dispute_id: UUID) -> HttpResponse:
    """Show a dispute with what speaks for the merchant."""
    merchant_id = member_of(request).merchant_id
    row = disputes.one_of_merchant(merchant_id=merchant_id, dispute_id=dispute_id)
    order = queries.orders_of(merchant_id=merchant_id).filter(purchase__payments=row.payment_id).first()
    parcels = parcels_of(order) if order else []
    return desk.render(
        request,
        "orders_desk/dispute.html",
        title="Dispute",
        dispute=row,
        state=_state(row),
        reason=row.reason.replace("_", " "),
        amount=doing.sum_of(row.amount, row.currency),
        yours=doing.sum_of(_yours(row), row.currency),
        order=order,
        total=order and doing.sum_of(order.amount, order.currency),
        parcels=parcels,
        is_own=disputes.is_own(row, merchant_id=merchant_id),
        is_over=row.status in disputes.CLOSED,
        untracked=not any(parcel.tracking_number for parcel, _ in parcels),
    )


@desk.screen(
    "disputes/<uuid:dispute_id>/evidence/", name="dispute_evidence", see="orders:read", change="orders:write"
)
@require_POST
def send_evidence(request: HttpRequest, dispute_id: UUID) -> HttpResponse:
    """Answer the bank, once, with all that was kept; outside of any transaction, as the provider is asked."""
    member = member_of(request)
    try:
        disputes.submit_own(
            merchant_id=member.merchant_id,
            dispute_id=dispute_id,
            by_id=member.user_id,
            now=timezone.now(),
        )
    except errors.NotFound:
        raise
    except errors.Refusal as refusal:
        messages.error(request, refusal.text)
    except gateway.Refused as refused:
        log.warning("dispute.evidence_refused", dispute=str(dispute_id), error=str(refused))
        messages.error(request, "The payment provider does not take it. Ask Yellowcart to answer the bank.")
    else:
        messages.success(request, "The evidence was sent. Now the bank decides.")
    return HttpResponseRedirect(reverse("desk:dispute", args=[dispute_id]))


def unanswered(merchant_id: UUID) -> Waiting | None:
    """Return how many disputes of the merchant's wait for evidence."""
    rows = disputes.of_merchant(merchant_id=merchant_id)
    count = rows.filter(status__in=TO_ANSWER, submitted_at=None).count()
    text = "dispute to be answered" if count == 1 else "disputes to be answered"
    return Waiting(count, text, f"{reverse('desk:disputes')}?open=yes", is_bad=True)


def _state(row: Dispute) -> tuple[str, str]:
    words = endings.words(row)
    return (words[:1].upper() + words[1:].replace("_", " "), COLOURS.get(row.status, ""))


def _yours(row: Dispute) -> int:
    return int(row.yours)  # type: ignore[attr-defined]  # Read by disputes.of_merchant.
