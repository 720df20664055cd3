"""Sending a charge's money on to connected accounts, and taking it back: separate charges and transfers
(https://docs.stripe.com/connect/separate-charges-and-transfers).
"""

from uuid import UUID

import stripe
from stripe import params

from commerce.gateway import connection, values
from commerce.gateway.answers import Reversal, Transfer
from commerce.gateway.failures import Missing, Refused, Unavailable, UnknownOutcome, translate, translated
from commerce.money import Money


def transfer(*, key: str, amount: Money, destination: str, charge_id: str, leg_id: UUID) -> Transfer:
    """Send money of a charge to a connected account, also before it is available.

    The same key has one effect for 24 hours. Asked later it is a transfer of its own: whoever asks again
    looks with `find_transfer` first. Raises Unavailable, UnknownOutcome, Refused: of the code
    `balance_insufficient` when the money is not there yet, Missing when the account is not connected.
    """
    wanted: params.TransferCreateParams = {
        "amount": amount.amount,
        "currency": amount.currency.lower(),
        "destination": destination,
        "source_transaction": charge_id,
        "metadata": {"leg_id": str(leg_id)},
    }
    try:
        return _transfer(connection.client().transfers.create(wanted, {"idempotency_key": key}))
    except stripe.StripeError as error:
        told = error.error.code if error.error is not None else None
        if isinstance(error, stripe.PermissionError) and told == "account_invalid":
            raise Missing(str(error), code=told) from error
        failure = translate(error)
        if isinstance(failure, UnknownOutcome) and (error.http_status or 0) >= 500:
            # The key answers with this error from now on, though it may have been carried out.
            return _made_after_all(charge_id, leg_id, error)
        raise failure from error


def find_transfer(*, charge_id: str, leg_id: UUID) -> Transfer | None:
    """Return the transfer of a charge that carries our leg's id; None when there is none.

    What comes out of a charge has its `transfer_group`, which the provider gives it with the first one. None
    is no promise that a request still under way will not make one. Raises Unavailable, Refused.
    """
    with translated(reading=True):
        group = connection.client().charges.retrieve(charge_id).transfer_group
        if not group:
            return None
        wanted: params.TransferListParams = {"transfer_group": group, "limit": 100}
        for one in connection.client().transfers.list(wanted).auto_paging_iter():
            if values.ours(one.metadata, "leg_id") == leg_id:
                return _transfer(one)
    return None


def reverse(*, key: str, transfer_id: str, amount: Money, reversal_id: UUID) -> Reversal:
    """Take money of a transfer back from the connected account that it went to.

    The same key has one effect for 24 hours; whoever asks again looks with `find_reversal` first. Raises
    Unavailable, UnknownOutcome, Refused: of the code `balance_insufficient` when the account has spent it.
    """
    wanted: params.TransferReversalCreateParams = {
        "amount": amount.amount,
        "metadata": {"reversal_id": str(reversal_id)},
    }
    reversals = connection.client().transfers.reversals
    try:
        return _reversal(reversals.create(transfer_id, wanted, {"idempotency_key": key}))
    except stripe.StripeError as error:
        failure = translate(error)
        if isinstance(failure, UnknownOutcome) and (error.http_status or 0) >= 500:
            # The key answers with this error from now on, though it may have been carried out.
            try:
                found = find_reversal(transfer_id=transfer_id, reversal_id=reversal_id)
            except (Unavailable, Refused):
                found = None
            if found is not None:
                return found
        raise failure from error


def find_reversal(*, transfer_id: str, reversal_id: UUID) -> Reversal | None:
    """Return the reversal of a transfer that carries our id; None when there is none. Raises Unavailable,
    Refused.
    """
    with translated(reading=True):
        listed = connection.client().transfers.reversals.list(transfer_id, {"limit": 100})
        for one in listed.auto_paging_iter():
            if values.ours(one.metadata, "reversal_id") == reversal_id:
                return _reversal(one)
    return None


def _reversal(one: stripe.TransferReversal) -> Reversal:
    return Reversal(
        id=one.id,
        amount=Money(one.amount, one.currency.upper()),
        transfer_id=values.id_of(one.transfer) or "",
        reversal_id=values.ours(one.metadata, "reversal_id"),
    )


def _made_after_all(charge_id: str, leg_id: UUID, error: stripe.StripeError) -> Transfer:
    try:
        found = find_transfer(charge_id=charge_id, leg_id=leg_id)
    except (Unavailable, Refused):
        found = None
    if found is None:
        raise UnknownOutcome from error
    return found


def _transfer(one: stripe.Transfer) -> Transfer:
    return Transfer(
        id=one.id,
        amount=Money(one.amount, one.currency.upper()),
        reversed=one.amount_reversed,
        destination=values.id_of(one.destination) or "",
        charge_id=values.id_of(one.source_transaction),
        leg_id=values.ours(one.metadata, "leg_id"),
    )
