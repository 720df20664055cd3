"""Charges whose buyers' banks took the money back."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import stripe

from commerce.gateway import connection, values
from commerce.gateway.answers import Dispute
from commerce.gateway.failures import translated
from commerce.money import Money


def retrieve_dispute(provider_id: str) -> Dispute:
    """Return a dispute as it is now. Raises Unavailable, Refused (Missing)."""
    with translated(reading=True):
        return _dispute(connection.client().disputes.retrieve(provider_id))


def submit_evidence(*, provider_id: str, evidence: Mapping[str, str]) -> Dispute:
    """Send the bank what speaks for the merchant; it can be done once. Raises Unavailable, UnknownOutcome,
    Refused (Missing).
    """
    with translated(reading=False):
        return _dispute(
            connection.client().disputes.update(
                provider_id, {"evidence": cast("Any", dict(evidence)), "submit": True}
            )
        )


def _dispute(one: stripe.Dispute) -> Dispute:
    due = one.evidence_details.due_by
    # Movements are in the currency that we are settled in, which is not always the charge's.
    moved = [each.amount for each in one.balance_transactions if each.currency == one.currency]
    others = {each.currency for each in one.balance_transactions} - {one.currency}
    return Dispute(
        id=one.id,
        status=one.status,
        reason=one.reason,
        amount=Money(one.amount, one.currency.upper()),
        charge_id=values.id_of(one.charge) or "",
        intent_id=values.id_of(one.payment_intent),
        due_at=datetime.fromtimestamp(due, UTC) if due else None,
        withdrawn=-sum(amount for amount in moved if amount < 0),
        reinstated=sum(amount for amount in moved if amount > 0),
        settled_in=min(others, default="").upper(),
        submissions=one.evidence_details.submission_count,
    )
