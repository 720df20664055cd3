"""PaymentIntents: create, confirm, capture, cancel
(https://docs.stripe.com/payments/paymentintents/lifecycle).
"""

import secrets
from typing import Any, NoReturn

from commerce.stripe_simulator import amounts, cards, charging, customers, disputes, objects
from commerce.stripe_simulator.calls import Call, label
from commerce.stripe_simulator.refusals import Refused, Row
from commerce.stripe_simulator.store import public

_COPIED = (
    "description",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
_CANCELLABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action")
_EXCLUSIVE = ("excluded_payment_method_types", "automatic_payment_methods")


def create(call: Call) -> Row:
    """Create a PaymentIntent, and confirm it if asked to. Raises: Refused, the card's 402 included."""
    params = call.params
    amounts.check(params["amount"], params["currency"])
    confirm_now = bool(params.get("confirm"))
    if "off_session" in params and not confirm_now:
        raise Refused(
            "The parameter `off_session` cannot be passed when `confirm` is not true.", param="off_session"
        )
    customer = None
    if "customer" in params:
        customer = call.store.get("customer", params["customer"], "customer")["id"]
    row = call.new(
        "payment_intent",
        amount=params["amount"],
        currency=params["currency"],
        customer=customer,
        capture_method=params.get("capture_method", "automatic_async"),
        confirmation_method=params.get("confirmation_method", "automatic"),
        amount_details={"tip": {}},
        **payment_types(params),
    )
    row["payment_method_options"] = {
        "card": objects.blank(
            "payment_intent.payment_method_options.card", request_three_d_secure="automatic"
        )
    }
    row["client_secret"] = f"{row['id']}_secret_{secrets.token_hex(12)}"
    _copy(call, row)
    method = _method(call, row)
    if method is not None:
        row["payment_method"] = method["id"]
    row["status"] = "requires_confirmation" if method else "requires_payment_method"
    if confirm_now:
        _check_confirmable(call, row, method)
    if method is not None:
        call.store.save(method)
    call.store.save(row)
    call.emit("payment_intent.created", row)
    if confirm_now and method is not None:
        return _confirm(call, row, method)
    return row


def confirm(call: Call) -> Row:
    """Confirm a PaymentIntent with its own or another card. Raises: Refused, the card's 402 included."""
    row = call.the("payment_intent")
    if row["status"] not in _OPEN:
        _unexpected(row, "confirm", _OPEN)
    method = _method(call, row)
    _check_confirmable(call, row, method)
    assert method is not None
    _copy(call, row)
    return _confirm(call, row, method)


def retrieve(call: Call) -> Row:
    """Return a PaymentIntent."""
    return call.the("payment_intent")


def index(call: Call) -> Row:
    """List PaymentIntents, newest first."""
    return call.page("payment_intent", "/v1/payment_intents", where={"customer": call.params.get("customer")})


def update(call: Call) -> Row:
    """Change a PaymentIntent; money and card only until it is confirmed."""
    row = call.the("payment_intent")
    params = call.params
    if set(params) - {"metadata", "description", "expand"} and row["status"] not in _OPEN[:2]:
        _unexpected(row, "update", _OPEN[:2])
    if "amount" in params or "currency" in params:
        wanted = row | params
        amounts.check(wanted["amount"], wanted["currency"])
    if "customer" in params:
        call.store.get("customer", params["customer"], "customer")
    method = _method(call, row | params)
    row |= {name: params[name] for name in ("amount", "currency", "customer") if name in params}
    if method is not None:
        call.store.save(method)
        row |= {"payment_method": method["id"], "status": "requires_confirmation"}
    _copy(call, row)
    return call.store.save(row)


def capture(call: Call) -> Row:
    """Take the money of a hold, or a part of it; the rest is let go."""
    row = call.the("payment_intent")
    if row["status"] != "requires_capture":
        _unexpected(row, "capture", ("requires_capture",))
    amount: int = call.params.get("amount_to_capture") or row["amount_capturable"]
    if not 0 < amount <= row["amount_capturable"]:
        raise Refused(
            f"The amount_to_capture ({amount}) must be greater than zero and at most the capturable amount "
            f"({row['amount_capturable']}).",
            code="amount_too_large",
            param="amount_to_capture",
        )
    amounts.check_step(amount, row["currency"], "amount_to_capture")
    charge = call.store.get("charge", row["latest_charge"])
    label(row, call.params)
    charging.settle(call, row, charge, amount)
    call.emit("charge.captured", charge)
    disputes.open_if_claimed(call, charge)
    call.emit("payment_intent.succeeded", row)
    return row


def cancel(call: Call) -> Row:
    """Cancel a PaymentIntent which has not succeeded; a hold is let go. Raises: Refused with the intent as
    it is.
    """
    row = call.the("payment_intent")
    if row["status"] not in _CANCELLABLE:
        _unexpected(row, "cancel", _CANCELLABLE)
    held = row["status"] == "requires_capture"
    row |= {
        "status": "canceled",
        "canceled_at": call.now,
        "cancellation_reason": call.params.get("cancellation_reason"),
        "next_action": None,
        "amount_capturable": 0,
    }
    call.store.save(row)
    if held:
        charge = call.store.get("charge", row["latest_charge"])
        charge |= {"refunded": True, "amount_refunded": charge["amount"]}
        call.store.save(charge)
        call.emit("charge.refunded", charge)
    call.emit("payment_intent.canceled", row)
    return row


def authenticate(call: Call, row: Row, passed: bool) -> Row:
    """Finish the buyer's 3D Secure step. Raises: Refused (402) when the card then declines."""
    method = call.store.get("payment_method", row["payment_method"])
    if passed:
        return charging.attempt(call, row, method, off_session=False, authenticated=True)
    error: Row = {
        "code": "payment_intent_authentication_failure",
        "message": cards.FAILED_AUTHENTICATION,
        "type": "card_error",
        "payment_method": public(method),
    }
    charging.refuse(call, row, error)
    call.emit("payment_intent.payment_failed", row)
    return row


def payment_types(params: dict[str, Any]) -> Row:
    """Return the fields that say which kinds of payment are taken; here always cards."""
    allowed = params.get("allowed_payment_method_types")
    if allowed is not None:
        for other in _EXCLUSIVE:
            if other in params:
                raise Refused(
                    f"You may only specify one of allowed_payment_method_types, {other}.", param=other
                )
        if "card" not in allowed:
            raise Refused("None of the allowed payment method types is simulated; allow card.", param="card")
        return {"payment_method_types": ["card"], "allowed_payment_method_types": allowed}
    automatic = {"allow_redirects": "always", "enabled": True} | params.get("automatic_payment_methods", {})
    return {"payment_method_types": ["card"], "automatic_payment_methods": automatic}


def check_return_url(row: Row, params: dict[str, Any]) -> None:
    """Raises: Refused when a kind of payment with a redirect could be chosen and there is nowhere to return
    to.
    """
    automatic = row["automatic_payment_methods"]
    if automatic and automatic["allow_redirects"] == "always" and "return_url" not in params:
        raise Refused(
            "Payment methods that redirect the customer are enabled here, so provide a `return_url`, or set "
            "automatic_payment_methods[allow_redirects]=never, or pass allowed_payment_method_types.",
            param="return_url",
        )


def _copy(call: Call, row: Row) -> None:
    for name in _COPIED:
        if name in call.params:
            row[name] = call.params[name] or None
    if "return_url" in call.params:
        row["_return_url"] = call.params["return_url"]
    label(row, call.params)


def _method(call: Call, row: Row) -> Row | None:
    """Return the card to use: the one in the request, else the intent's own. Raises: Refused when it may
    not be used.
    """
    ident = call.params.get("payment_method") or row["payment_method"]
    if ident is None:
        return None
    method = customers.resolve(call, ident)
    if method["customer"] is not None and method["customer"] != row["customer"]:
        whose = (
            "belongs to a Customer"
            if row["customer"] is None
            else "does not belong to the Customer you supplied"
        )
        raise Refused(f"The payment method {ident} {whose}.", param="payment_method")
    if method.get("_spent"):
        raise Refused(
            "This PaymentMethod was detached, or used without a Customer, and may not be used again.",
            param="payment_method",
        )
    return method


def _check_confirmable(call: Call, row: Row, method: Row | None) -> None:
    if method is None:
        raise Refused(
            "You cannot confirm this PaymentIntent because it's missing a payment method. Pass one.",
            code="payment_intent_unexpected_state",
        )
    if not call.params.get("off_session"):
        check_return_url(row, call.params)


def _confirm(call: Call, row: Row, method: Row) -> Row:
    off_session = bool(call.params.get("off_session"))
    asks = charging.wants_authentication(method, off_session=off_session)
    if call.params.get("error_on_requires_action") and asks:
        charging.fail(call, row, method, cards.UNAUTHENTICATED)
    return charging.attempt(call, row, method, off_session=off_session)


def _unexpected(row: Row, verb: str, allowed: tuple[str, ...]) -> NoReturn:
    raise Refused(
        f"You cannot {verb} this PaymentIntent because it has a status of {row['status']}. "
        f"It would have to be one of: {', '.join(allowed)}.",
        code="payment_intent_unexpected_state",
        payment_intent=public(row),
    )
