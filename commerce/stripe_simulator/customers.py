"""Customers and the payment methods attached to them."""

from typing import Any

from commerce.stripe_simulator import cards, objects
from commerce.stripe_simulator.calls import Call, label
from commerce.stripe_simulator.refusals import Refused, Row, card_error, missing
from commerce.stripe_simulator.store import public

_COPIED = ("name", "email", "description", "phone", "address", "shipping")


def create(call: Call) -> Row:
    """Create a customer, with a payment method attached if one is named."""
    card = call.params.get("payment_method")
    row = call.new("customer", balance=0, delinquent=False, tax_exempt="none", preferred_locales=[])
    row["invoice_prefix"] = row["id"][-8:].upper()
    row["next_invoice_sequence"] = 1
    row["invoice_settings"] = objects.blank("customer.invoice_settings")
    method = check_attachable(call, card, row) if card else None
    _fill(call, row, method)
    call.store.save(row)
    call.emit("customer.created", row)
    if method is not None:
        bind(call, method, row)
    return row


def retrieve(call: Call) -> Row:
    """Return a customer; a deleted one says so."""
    found = call.store.find(call.path["id"])
    if found is not None and found.get("deleted"):
        return found
    return call.the("customer")


def update(call: Call) -> Row:
    """Change a customer."""
    row = call.the("customer")
    before = {name: row[name] for name in call.params if name in row}
    _fill(call, row, None)
    call.store.save(row)
    call.emit("customer.updated", row, before)
    return row


def delete(call: Call) -> Row:
    """Delete a customer and detach its payment methods."""
    row = call.the("customer")
    for method in [one for one in call.store.all("payment_method") if one["customer"] == row["id"]]:
        _unbind(call, method)
    call.emit("customer.deleted", row)
    return call.store.save(
        {"id": row["id"], "object": "customer", "deleted": True, "created": row["created"], "email": None}
    )


def index(call: Call) -> Row:
    """List customers, newest first."""
    return call.page("customer", "/v1/customers", where={"email": call.params.get("email")})


def _fill(call: Call, row: Row, method: Row | None) -> None:
    settings = call.params.get("invoice_settings", {})
    default = settings.get("default_payment_method")
    if default:
        chosen = call.store.find(default)
        own = chosen is not None and chosen.get("customer") == row["id"]
        if not own and (method is None or method["id"] != default):
            raise missing("payment_method", default, "invoice_settings[default_payment_method]")
        row["invoice_settings"]["default_payment_method"] = default
    for name in _COPIED:
        if name in call.params:
            row[name] = call.params[name] or None
    label(row, call.params)


# ---- payment methods ----


def new_method(call: Call, test_id: str, **values: Any) -> Row:
    """Return a fresh payment method that behaves like a test card; not saved yet."""
    card = cards.CARDS[test_id]
    row = call.new("payment_method", type="card", allow_redisplay="unspecified", **values)
    row["billing_details"] = objects.blank(
        "payment_method.billing_details", address=objects.blank("payment_method.billing_details.address")
    )
    row["card"] = objects.blank(
        "payment_method.card",
        brand=card.brand,
        display_brand=card.brand,
        last4=card.last4,
        funding=card.funding,
        country="US",
        exp_month=12,
        exp_year=2040,
        fingerprint=f"sim{card.brand[:4]}{card.last4}",
        checks=objects.blank("payment_method.card.checks", cvc_check="pass"),
        networks=objects.blank("payment_method.card.networks", available=[card.brand]),
        three_d_secure_usage={"supported": True},
    )
    row["_card"] = test_id
    return row


def create_method(call: Call) -> Row:
    """Create a payment method from a test token; card numbers are refused, as they are by default at
    Stripe.
    """
    given = call.params.get("card", {})
    if call.params.get("type") != "card":
        raise Refused("Only type=card is simulated.", param="type")
    if "token" not in given:
        raise Refused(
            "Sending credit card numbers directly is unsafe; use a test token or a test id.", param="card"
        )
    test_id = cards.by_token(given["token"])
    if test_id is None:
        raise Refused(f"No such token: '{given['token']}'", code="resource_missing", param="card[token]")
    row = new_method(call, test_id)
    _describe(call, row)
    return call.store.save(row)


def retrieve_method(call: Call) -> Row:
    """Return a payment method."""
    return call.the("payment_method")


def update_method(call: Call) -> Row:
    """Change the billing details or metadata of a payment method."""
    row = call.the("payment_method")
    _describe(call, row)
    call.store.save(row)
    call.emit("payment_method.updated", row)
    return row


def index_methods(call: Call) -> Row:
    """List payment methods of a customer."""
    return call.page(
        "payment_method", "/v1/payment_methods", where=_filter(call.params.get("customer"), call)
    )


def index_of_customer(call: Call) -> Row:
    """List payment methods under their customer's path."""
    customer = call.the("customer", "customer")["id"]
    url = f"/v1/customers/{customer}/payment_methods"
    return call.page("payment_method", url, where=_filter(customer, call))


def retrieve_of_customer(call: Call) -> Row:
    """Return a payment method under its customer's path."""
    row = call.the("payment_method")
    if row["customer"] != call.the("customer", "customer")["id"]:
        raise missing("payment_method", row["id"], "payment_method", status=404)
    return row


def _filter(customer: str | None, call: Call) -> Row:
    if customer is not None:
        call.store.get("customer", customer, "customer")
    return {"customer": customer, "type": call.params.get("type")}


def attach(call: Call) -> Row:
    """Attach a payment method or a test card to a customer. Raises: Refused, also the card's own 402."""
    customer = call.store.get("customer", call.params["customer"], "customer")
    method = check_attachable(call, call.path["id"], customer)
    return method if method["customer"] == customer["id"] else bind(call, method, customer)


def detach(call: Call) -> Row:
    """Detach a payment method for good."""
    row = call.the("payment_method")
    if row["customer"] is None:
        raise Refused(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            code="payment_method_not_attached",
        )
    return _unbind(call, row)


def resolve(call: Call, ident: str, param: str = "payment_method") -> Row:
    """Return the payment method with this id, or a fresh one for a test card's id. Raises: Refused when
    there is none.
    """
    if ident in cards.CARDS:
        return new_method(call, ident)
    return call.store.get("payment_method", ident, param)


def check_attachable(call: Call, ident: str, customer: Row) -> Row:
    """Return the payment method if it may be attached. Raises: Refused (attached elsewhere, used up,
    declined).
    """
    method = resolve(call, ident)
    if method["customer"] not in (None, customer["id"]):
        raise Refused("The payment method you provided has already been attached to a customer.")
    if method.get("_spent"):
        raise Refused(
            "This PaymentMethod was detached, or used without a Customer, and may not be used again.",
            param="payment_method",
        )
    decline = cards.CARDS[method["_card"]].on_attach
    if decline is not None and method["customer"] is None:
        raise card_error(decline.row())
    return method


def bind(call: Call, method: Row, customer: Row) -> Row:
    """Attach, for good, what `check_attachable` has allowed."""
    method["customer"] = customer["id"]
    call.store.save(method)
    call.emit("payment_method.attached", method)
    return method


def _unbind(call: Call, method: Row) -> Row:
    customer = call.store.find(method["customer"])
    method["customer"] = None
    method["_spent"] = True
    call.store.save(method)
    call.emit("payment_method.detached", method)
    if customer is not None:
        settings = customer.get("invoice_settings") or {}
        if settings.get("default_payment_method") == method["id"]:
            settings["default_payment_method"] = None
            call.store.save(customer)
    return method


def _describe(call: Call, row: Row) -> None:
    row["billing_details"] |= public(call.params.get("billing_details", {}))
    if "allow_redisplay" in call.params:
        row["allow_redisplay"] = call.params["allow_redisplay"]
    label(row, call.params)
