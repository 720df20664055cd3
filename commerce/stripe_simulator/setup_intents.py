"""SetupIntents: saving a card for later (https://docs.stripe.com/api/setup_intents)."""

import secrets
from typing import NoReturn

from commerce.stripe_simulator import cards, charging, customers, objects
from commerce.stripe_simulator.calls import Call, label
from commerce.stripe_simulator.payment_intents import check_return_url, payment_types
from commerce.stripe_simulator.refusals import Refused, Row, card_error
from commerce.stripe_simulator.store import public

_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(call: Call) -> Row:
    """Create a SetupIntent, and confirm it if asked to."""
    params = call.params
    customer = None
    if "customer" in params:
        customer = call.store.get("customer", params["customer"], "customer")["id"]
    row = call.new(
        "setup_intent",
        customer=customer,
        usage=params.get("usage", "off_session"),
        description=params.get("description"),
        **payment_types(params),
    )
    card = objects.blank("setup_intent.payment_method_options.card", request_three_d_secure="automatic")
    row["payment_method_options"] = {"card": card}
    row["client_secret"] = f"{row['id']}_secret_{secrets.token_hex(12)}"
    label(row, params)
    method = _method(call, row)
    row["status"] = "requires_confirmation" if method else "requires_payment_method"
    if params.get("confirm"):
        _check_confirmable(call, row, method)
    if method is not None:
        row["payment_method"] = method["id"]
        call.store.save(method)
    call.store.save(row)
    call.emit("setup_intent.created", row)
    if params.get("confirm") and method is not None:
        return _confirm(call, row, method)
    return row


def confirm(call: Call) -> Row:
    """Confirm a SetupIntent with its own or another card. Raises: Refused, the card's 402 included."""
    row = call.the("setup_intent")
    if row["status"] not in _OPEN:
        _unexpected(row, "confirm")
    method = _method(call, row)
    _check_confirmable(call, row, method)
    assert method is not None
    return _confirm(call, row, method)


def retrieve(call: Call) -> Row:
    """Return a SetupIntent."""
    return call.the("setup_intent")


def index(call: Call) -> Row:
    """List SetupIntents, newest first."""
    where = {name: call.params.get(name) for name in ("customer", "payment_method")}
    return call.page("setup_intent", "/v1/setup_intents", where=where)


def update(call: Call) -> Row:
    """Change the description or metadata of a SetupIntent."""
    row = call.the("setup_intent")
    if "description" in call.params:
        row["description"] = call.params["description"]
    label(row, call.params)
    return call.store.save(row)


def cancel(call: Call) -> Row:
    """Cancel a SetupIntent that has not succeeded."""
    row = call.the("setup_intent")
    if row["status"] not in _OPEN:
        _unexpected(row, "cancel")
    row |= {
        "status": "canceled",
        "cancellation_reason": call.params.get("cancellation_reason"),
        "next_action": None,
    }
    call.store.save(row)
    call.emit("setup_intent.canceled", row)
    return row


def authenticate(call: Call, row: Row, passed: bool) -> Row:
    """Finish the buyer's 3D Secure step of saving a card."""
    method = call.store.get("payment_method", row["payment_method"])
    if passed:
        return _succeed(call, row, method)
    error: Row = {
        "code": "setup_intent_authentication_failure",
        "message": "The payment method could not be set up: authentication failed.",
        "type": "invalid_request_error",
        "payment_method": public(method),
    }
    charging.refuse(call, row, error)
    call.emit("setup_intent.setup_failed", row)
    return row


def _method(call: Call, row: Row) -> Row | None:
    ident = call.params.get("payment_method") or row["payment_method"]
    if ident is None:
        return None
    method = customers.resolve(call, ident)
    if method["customer"] not in (None, row["customer"]) or method.get("_spent"):
        raise Refused(f"The payment method {ident} may not be used here.", param="payment_method")
    return method


def _check_confirmable(call: Call, row: Row, method: Row | None) -> None:
    if method is None:
        raise Refused(
            "You cannot confirm this SetupIntent because it's missing a payment method.",
            code="setup_intent_unexpected_state",
        )
    check_return_url(row, call.params)


def _confirm(call: Call, row: Row, method: Row) -> Row:
    card = cards.CARDS[method["_card"]]
    row["payment_method"] = method["id"]
    if card.on_attach is not None:
        error = card.on_attach.row() | {"payment_method": public(method)}
        charging.refuse(call, row, error)
        call.store.save(method)
        call.emit("setup_intent.setup_failed", row)
        raise card_error(error, setup_intent=public(row))
    if card.authentication != "never":
        row["status"] = "requires_action"
        row["next_action"] = charging.next_action(call, row, call.params.get("return_url"))
        call.store.save(method)
        call.store.save(row)
        call.emit("setup_intent.requires_action", row)
        return row
    return _succeed(call, row, method)


def _succeed(call: Call, row: Row, method: Row) -> Row:
    method["_set_up"] = True
    row |= {"status": "succeeded", "next_action": None, "last_setup_error": None}
    call.store.save(row)
    if row["customer"] is not None and method["customer"] is None:
        customers.bind(call, method, call.store.get("customer", row["customer"]))
    else:
        call.store.save(method)
    call.emit("setup_intent.succeeded", row)
    return row


def _unexpected(row: Row, verb: str) -> NoReturn:
    raise Refused(
        f"You cannot {verb} this SetupIntent because it has a status of {row['status']}.",
        code="setup_intent_unexpected_state",
        setup_intent=public(row),
    )
