"""Intents without the SDK's objects: the SDK makes the request and judges the answer, and what that says is
read from the JSON that came. Building objects of all of it costs four times as much as the rest of a call
(docs/decisions/0022-charges-are-read-plainly.md).
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

import stripe
from stripe import params

from commerce.gateway import connection, values
from commerce.gateway.answers import Intent, IntentStatus
from commerce.money import Money

_PATH = "/v1/payment_intents"
_STATUSES: dict[str, IntentStatus] = {
    "requires_payment_method": "declined",
    "requires_confirmation": "processing",
    "processing": "processing",
    "requires_action": "requires_action",
    "requires_capture": "held",
    "succeeded": "succeeded",
    "canceled": "cancelled",
}


def create(wanted: params.PaymentIntentCreateParams, *, key: str) -> Intent:
    """Make an intent under a key. Raises what the SDK raises."""
    return intent(_asked("post", _PATH, {**wanted, "idempotency_key": key}))


def retrieve(intent_id: str) -> Intent:
    """Return an intent as it is now. Raises what the SDK raises."""
    return intent(_asked("get", f"{_PATH}/{quote_plus(intent_id)}", {}))


def of_error(error: stripe.StripeError) -> Intent | None:
    """Return the intent that an error is about; None when it does not say. Raises stripe.APIError."""
    body = error.json_body
    told = body.get("error") if isinstance(body, Mapping) else None
    about = told.get("payment_intent") if isinstance(told, Mapping) else None
    return None if about is None else intent(about)


def of_object(one: stripe.PaymentIntent) -> Intent:
    """Return what an object of the SDK says. Raises stripe.APIError."""
    return intent(one.to_dict())


def intent(told: object) -> Intent:
    """Read an intent as it came; raises stripe.APIError, an answer that cannot be read, when it is none."""
    try:
        return _read(told)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise stripe.APIError(f"not an intent: {type(error).__name__}: {error}", http_status=200) from error


def _asked(method: str, path: str, wanted: Mapping[str, Any]) -> object:
    answer: stripe.StripeResponse = connection.bare().raw_request(method, path, **wanted)
    return answer.data


def _read(told: Any) -> Intent:
    if told["object"] != "payment_intent":
        raise ValueError(told["object"])
    currency = told["currency"].upper()
    metadata, secret = told.get("metadata"), told.get("client_secret")
    status = _STATUSES.get(told["status"], "processing")
    error = told.get("last_payment_error") if status == "declined" else None
    why = error or {}
    return Intent(
        id=_text(told["id"]),
        status=status,
        amount=Money(_whole(told["amount"]), currency),
        received=Money(_whole(told["amount_received"]), currency),
        payment_id=values.ours(metadata, "payment_id"),
        purchase_id=values.ours(metadata, "purchase_id"),
        charge_id=values.id_of(told.get("latest_charge")),
        decline_code=why.get("decline_code") or why.get("code"),
        message=why.get("message"),
        livemode=told["livemode"] is True,
        client_secret=secret,
        sheet_url=connection.sheet_url("3ds", secret) if status == "requires_action" else None,
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{value!r} is no text")
    return value


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} is no amount")
    return value
