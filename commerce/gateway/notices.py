"""The provider's events: as webhooks, which must prove where they come from, and read from its log."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe
from django.conf import settings
from stripe import params

from commerce.gateway import connection
from commerce.gateway.answers import Notice
from commerce.gateway.failures import translated

TOLERANCE = timedelta(minutes=5)  # https://docs.stripe.com/webhooks#replay-attacks


class BadSignature(Exception):
    """What came is no event that the provider signed for us, lately and in our mode (test or live)."""


def read_notice(body: bytes, signature: str, *, now: datetime) -> Notice:
    """Return a webhook's event; `body` as it came, to the byte. Raises BadSignature.

    What is of a connected account must be signed for the endpoint of these, everything else for ours.
    """
    ours = _signed(body, signature, settings.STRIPE_WEBHOOK_SECRETS)
    of_accounts = _signed(body, signature, settings.STRIPE_CONNECT_WEBHOOK_SECRETS)
    if not ours and not of_accounts:
        raise BadSignature("No secret of ours made this signature.")
    # The library refuses what is too old by the machine's clock, and takes anything from the future.
    at = next(int(part[2:]) for part in signature.split(",") if part.startswith("t="))
    if abs(now.timestamp() - at) > TOLERANCE.total_seconds():
        raise BadSignature("The signature is not of this time.")
    try:
        notice = _notice(json.loads(body))
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        ArithmeticError,
        OSError,
        RecursionError,
    ) as error:
        raise BadSignature("This is signed, but it is no event.") from error
    if not (of_accounts if notice.account else ours):
        raise BadSignature("It is signed for the other endpoint.")
    # Endpoints of connected accounts are told of both modes (https://docs.stripe.com/connect/webhooks).
    if notice.livemode != connection.is_live() and not notice.account:
        raise BadSignature("The event is of the other mode: test and live do not mix.")
    return notice


def _signed(body: bytes, signature: str, secrets: Sequence[str]) -> bool:
    for secret in secrets:
        try:
            stripe.WebhookSignature.verify_header(body, signature, secret)
            return True
        except (stripe.SignatureVerificationError, UnicodeError, TypeError):  # TypeError: it is not ASCII.
            continue
    return False


def events_since(since: datetime, *, types: Sequence[str] = ()) -> Iterator[Notice]:
    """Yield the events since a time, newest first, page by page; the provider keeps them for 30 days.

    Raises Unavailable, Refused, also in the middle.
    """
    wanted: params.EventListParams = {"created": {"gte": int(since.timestamp())}, "limit": 100}
    if types:
        wanted["types"] = list(types)
    with translated(reading=True):
        for event in connection.client().events.list(wanted).auto_paging_iter():
            yield _notice(event.to_dict())


def _notice(event: dict[str, Any]) -> Notice:
    payload = _without_secrets(event)
    thing = payload["data"]["object"]
    return Notice(
        id=_text(event["id"]),
        type=_text(event["type"]),
        created=datetime.fromtimestamp(event["created"], UTC),
        livemode=event["livemode"] is True,
        account=_text(event["account"]) if event.get("account") else None,
        api_version=str(event.get("api_version") or ""),
        object_kind=str(thing.get("object") or ""),
        object_id=_text(thing["id"]) if thing.get("id") else "",
        payload=payload,
    )


def _without_secrets(value: Any) -> Any:
    """Return what was told without what opens a payment: client secrets, and the bank's page that has one."""
    match value:
        case dict():
            return {
                name: _without_secrets(inner)
                for name, inner in value.items()
                if name not in ("client_secret", "next_action")
            }
        case list():
            return [_without_secrets(inner) for inner in value]
    return value


def _text(value: object) -> str:
    # Neither a NUL nor half of a surrogate pair, which no database keeps.
    if not isinstance(value, str) or not value or not value.isprintable():
        raise TypeError("text expected")
    return value
