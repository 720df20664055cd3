"""Accounts of merchants and hosts, connected to ours, and the links with which their owners finish them.

Express accounts: the provider asks their owners what it has to know, and pays them out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import stripe
from stripe import params

from commerce.gateway import connection, values
from commerce.gateway.answers import Account
from commerce.gateway.failures import Missing, UnknownOutcome, translate, translated

_NEWEST = 100


def create_account(*, key: str, account_id: UUID, country: str, email: str) -> Account:
    """Create a connected account that can be sent money once its owner has given what is asked.

    Asked again within 24 hours with the same values it is the same one. Raises Unavailable, UnknownOutcome,
    Refused.
    """
    wanted: params.AccountCreateParams = {
        "type": "express",
        "country": country,
        "capabilities": {"transfers": {"requested": True}},
        "metadata": {"account_id": str(account_id)},
    }
    if email:
        wanted["email"] = email
    try:
        return _account(connection.client().accounts.create(wanted, {"idempotency_key": key}))
    except stripe.StripeError as error:
        failure = translate(error)
        if isinstance(failure, UnknownOutcome) and (error.http_status or 0) >= 500:
            # The key answers with this error from now on, though it may have been made.
            found = find_account(account_id=account_id)
            if found is not None:
                return found
        raise failure from error


def find_account(*, account_id: UUID) -> Account | None:
    """Return the account that carries our id, of those made last. Raises Unavailable, Refused."""
    with translated(reading=True):
        for one in connection.client().accounts.list({"limit": _NEWEST}).data:
            if values.ours(one.metadata, "account_id") == account_id:
                return _account(one)
    return None


def retrieve_account(provider_id: str) -> Account:
    """Return a connected account as it is now. Raises Missing when it is not ours any more, Unavailable,
    Refused.
    """
    with translated(reading=True), _connected():
        return _account(connection.client().accounts.retrieve(provider_id))


def account_link(*, provider_id: str, refresh_url: str, return_url: str) -> str:
    """Return the address of the provider's page on which an account's owner goes on; it is good once and for
    minutes. Raises Missing, Unavailable, Refused.
    """
    wanted: params.AccountLinkCreateParams = {
        "account": provider_id,
        "type": "account_onboarding",
        "refresh_url": refresh_url,
        "return_url": return_url,
    }
    # Another link does no harm, so that no key is needed.
    with translated(reading=True), _connected():
        return connection.client().account_links.create(wanted).url


@contextmanager
def _connected() -> Iterator[None]:
    """Tell an account that is not connected any more from a key of ours that may not do this."""
    try:
        yield
    except stripe.PermissionError as error:
        if error.error is None or error.error.code != "account_invalid":
            raise
        raise Missing(str(error), code="account_invalid") from error


def _account(one: stripe.Account) -> Account:
    needs: dict[str, Any] = one.requirements.to_dict() if one.requirements is not None else {}
    due = [*(needs.get("past_due") or []), *(needs.get("currently_due") or [])]
    capabilities: dict[str, Any] = one.capabilities.to_dict() if one.capabilities is not None else {}
    return Account(
        id=one.id,
        charges_enabled=bool(one.charges_enabled),
        payouts_enabled=bool(one.payouts_enabled),
        transfers_enabled=capabilities.get("transfers") == "active",
        details_submitted=bool(one.details_submitted),
        due=sorted(set(due)),
        pending=sorted(set(needs.get("pending_verification") or [])),
        disabled_reason=str(needs.get("disabled_reason") or ""),
        account_id=values.ours(one.metadata, "account_id"),
    )
