"""Giving money of a captured intent back, and what became of it."""

from collections.abc import Iterator
from uuid import UUID

import stripe
from stripe import params

from commerce.gateway import connection, values
from commerce.gateway.answers import RefundResult, RefundStatus
from commerce.gateway.failures import Refused, Unavailable, UnknownOutcome, translate, translated
from commerce.money import Money

_REFUNDS: dict[str, RefundStatus] = {"succeeded": "succeeded", "failed": "failed", "canceled": "failed"}


def refund(*, key: str, intent_id: str, amount: Money, refund_id: UUID) -> RefundResult:
    """Give money of a captured intent back; the provider refuses more than was captured.

    The same key has one effect for 24 hours. Asked later it is a refund of its own: whoever asks again looks
    with `find_refund` first. Raises Unavailable, UnknownOutcome, Refused.
    """
    wanted: params.RefundCreateParams = {
        "payment_intent": intent_id,
        "amount": amount.amount,
        "metadata": {"refund_id": str(refund_id)},
    }
    try:
        made = _refund(connection.client().refunds.create(wanted, {"idempotency_key": key}))
    except stripe.StripeError as error:
        failure = translate(error)
        if isinstance(failure, UnknownOutcome) and (error.http_status or 0) >= 500:
            # The key answers with this error from now on, though it may have been carried out.
            return _made_after_all(intent_id, refund_id, error)
        raise failure from error
    if made.amount.currency != amount.currency:
        raise Refused(
            f"{intent_id} is in {made.amount.currency}, not {amount.currency}", code="currency_mismatch"
        )
    return made


def find_refund(*, intent_id: str, refund_id: UUID) -> RefundResult | None:
    """Return the refund of an intent that carries our refund id; None when there is none.

    None is no promise that a request still under way will not make one. Raises Unavailable, Refused.
    """
    wanted: params.RefundListParams = {"payment_intent": intent_id, "limit": 100}
    with translated(reading=True):
        for one in connection.client().refunds.list(wanted).auto_paging_iter():
            if values.ours(one.metadata, "refund_id") == refund_id:
                return _refund(one)
    return None


def retrieve_refund(provider_id: str) -> RefundResult:
    """Return a refund as it is now. Raises Unavailable, Refused (Missing)."""
    with translated(reading=True):
        return _refund(connection.client().refunds.retrieve(provider_id))


def refunds_of(*, charge_id: str) -> Iterator[RefundResult]:
    """Yield the refunds of a charge, newest first. Raises Unavailable, Refused, also in the middle."""
    wanted: params.RefundListParams = {"charge": charge_id, "limit": 100}
    with translated(reading=True):
        for one in connection.client().refunds.list(wanted).auto_paging_iter():
            yield _refund(one)


def _made_after_all(intent_id: str, refund_id: UUID, error: stripe.StripeError) -> RefundResult:
    try:
        found = find_refund(intent_id=intent_id, refund_id=refund_id)
    except (Unavailable, Refused):
        found = None
    if found is None:
        raise UnknownOutcome from error
    return found


def _refund(one: stripe.Refund) -> RefundResult:
    return RefundResult(
        id=one.id,
        status=_REFUNDS.get(one.status or "", "pending"),
        amount=Money(one.amount, one.currency.upper()),
        intent_id=values.id_of(one.payment_intent),
        charge_id=values.id_of(one.charge),
        failure=(getattr(one, "failure_reason", None) or one.status)
        if one.status in ("failed", "canceled")
        else None,
        refund_id=values.ours(one.metadata, "refund_id"),
    )
