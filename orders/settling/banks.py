"""What buyers' banks have of a payment that is to be given back: they may pay the buyer themselves."""

from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, Sum

from orders.models import Dispute, DisputeLine, Refund, ShippingBack

_TAKEN = {"withdrawn_at__isnull": False, "reinstated_at": None}
_ASKED = ("needs_response", "under_review")

# Refunds whose payment a bank holds until it is decided whose it is.
DECIDE = Q(Exists(Dispute.objects.filter(payment=OuterRef("payment"), status__in=_ASKED, **_TAKEN)))
# Refunds of payments that a bank has won.
LOST = Q(Exists(Dispute.objects.filter(payment=OuterRef("payment"), status="lost", **_TAKEN)))


def ask_for(payment_id: UUID) -> bool:
    """Say whether a bank has money of a payment, and it is not decided whose it is."""
    return Dispute.objects.filter(payment=payment_id, status__in=_ASKED, **_TAKEN).exists()


def loss(payment_id: UUID) -> int:
    """Return what lost disputes took of a payment that nobody had any more, in minor units, less the refunds
    that were paid by it. Below zero where a bank gave back what had paid some.
    """
    rows = Dispute.objects.filter(payment=payment_id, status="lost", **_TAKEN)
    taken = rows.aggregate(sum=Sum(F("withdrawn_amount") - F("reinstated_amount")))["sum"] or 0
    for parts in (DisputeLine, ShippingBack):
        taken -= parts.objects.filter(dispute__in=rows).aggregate(sum=Sum("amount"))["sum"] or 0
    paid = Refund.objects.filter(payment=payment_id).aggregate(sum=Sum("bank_amount"))["sum"] or 0
    return int(taken - paid)
