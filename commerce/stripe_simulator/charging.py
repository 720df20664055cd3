"""What a card does when money is asked for: it pays, declines, or wants its owner first."""

from commerce.stripe_simulator import balance, cards, disputes, objects
from commerce.stripe_simulator.calls import Call
from commerce.stripe_simulator.refusals import Row, card_error
from commerce.stripe_simulator.store import public


def wants_authentication(method: Row, *, off_session: bool) -> bool:
    """Say whether the card's bank asks for 3D Secure now."""
    kind = cards.CARDS[method["_card"]].authentication
    if kind == "unless_set_up":
        return not (off_session and method.get("_set_up"))
    return kind == "always"


def attempt(call: Call, intent: Row, method: Row, *, off_session: bool, authenticated: bool = False) -> Row:
    """Ask the card for the money of a PaymentIntent. Raises: Refused (402), with the failed attempt kept."""
    card = cards.CARDS[method["_card"]]
    if not authenticated and wants_authentication(method, off_session=off_session):
        if off_session:
            fail(call, intent, method, cards.UNAUTHENTICATED)
        return _ask(call, intent, method)
    if card.on_charge is not None:
        fail(call, intent, method, card.on_charge)
    return _pay(call, intent, method)


def next_action(call: Call, intent: Row, return_url: str | None) -> Row:
    """Return the step that the buyer has to take: a page of this simulator instead of the bank's."""
    url = f"{call.base}/sheet/3ds?client_secret={intent['client_secret']}"
    kind = str(intent["object"])
    if return_url:
        step = {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": url}}
    else:
        script = {"type": "three_d_secure_redirect", "stripe_js": url}
        step = {"type": "use_stripe_sdk", "use_stripe_sdk": script}
    return {name: value for name, value in objects.blank(f"{kind}.next_action", **step).items() if value}


def _ask(call: Call, intent: Row, method: Row) -> Row:
    intent["payment_method"] = method["id"]
    intent["status"] = "requires_action"
    intent["next_action"] = next_action(call, intent, intent.get("_return_url"))
    call.store.save(method)
    call.store.save(intent)
    call.emit("payment_intent.requires_action", intent)
    return intent


def _charge(call: Call, intent: Row, method: Row) -> Row:
    card = method["card"]
    row = call.new(
        "charge",
        amount=intent["amount"],
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        metadata=dict(intent["metadata"]),
        payment_intent=intent["id"],
        payment_method=method["id"],
        billing_details=dict(method["billing_details"]),
        receipt_email=intent["receipt_email"],
        shipping=intent["shipping"],
        statement_descriptor_suffix=intent["statement_descriptor_suffix"],
        transfer_group=intent["transfer_group"],
        fraud_details={},
        calculated_statement_descriptor="SIMULATED",
    )
    row["payment_method_details"] = {
        "type": "card",
        "card": objects.blank(
            "charge.payment_method_details.card",
            **{
                name: card[name]
                for name in ("brand", "country", "exp_month", "exp_year", "fingerprint", "funding")
            },
            last4=card["last4"],
            network=card["brand"],
            checks=objects.blank("charge.payment_method_details.card.checks", cvc_check="pass"),
        ),
    }
    return row


def _pay(call: Call, intent: Row, method: Row) -> Row:
    charge = _charge(call, intent, method)
    hold = intent["capture_method"] == "manual"
    charge |= {"paid": True, "status": "succeeded", "captured": False}
    charge["outcome"] = objects.blank(
        "charge.outcome",
        network_status="approved_by_network",
        risk_level="normal",
        seller_message="Payment complete.",
        type="authorized",
    )
    intent |= {
        "payment_method": method["id"],
        "latest_charge": charge["id"],
        "next_action": None,
        "last_payment_error": None,
    }
    if method["customer"] is None and intent["setup_future_usage"] and intent["customer"]:
        method["customer"] = intent["customer"]
        call.emit("payment_method.attached", method)
    elif method["customer"] is None:
        method["_spent"] = True
    call.store.save(method)
    if hold:
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        call.store.save(charge)
        call.store.save(intent)
        call.emit("charge.succeeded", charge)
        call.emit("payment_intent.amount_capturable_updated", intent)
        return intent
    settle(call, intent, charge, charge["amount"])
    call.emit("charge.succeeded", charge)
    disputes.open_if_claimed(call, charge)
    call.emit("payment_intent.succeeded", intent)
    return intent


def settle(call: Call, intent: Row, charge: Row, amount: int) -> None:
    """Take the money: the charge is captured, the movement booked, the intent has succeeded."""
    charge |= {"captured": True, "amount_captured": amount}
    booked = charge if amount == charge["amount"] else charge | {"amount": amount}
    method = call.store.get("payment_method", charge["payment_method"])
    available_on = call.now if cards.CARDS[method["_card"]].at_once else None
    movement = balance.book(call, "charge", booked, amount, balance.fee_of(amount), available_on=available_on)
    charge["balance_transaction"] = movement["id"]
    intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
    call.store.save(charge)
    call.store.save(intent)


def fail(call: Call, intent: Row, method: Row, decline: cards.Decline) -> None:
    """Record a declined attempt. Raises: Refused (402), always."""
    charge = _charge(call, intent, method)
    charge |= {"status": "failed", "failure_code": decline.code, "failure_message": decline.message}
    charge["outcome"] = objects.blank(
        "charge.outcome",
        network_status="declined_by_network",
        reason=decline.decline_code,
        risk_level="normal",
        seller_message="The bank did not return any further details with this decline.",
        type="issuer_declined",
    )
    if method["customer"] is None:
        method["_spent"] = True
    error = decline.row() | {"charge": charge["id"], "payment_method": public(method)}
    refuse(call, intent, error)
    intent["latest_charge"] = charge["id"]
    call.store.save(method)
    call.store.save(charge)
    call.store.save(intent)
    call.emit("charge.failed", charge)
    call.emit("payment_intent.payment_failed", intent)
    raise card_error(error, payment_intent=public(intent))


def refuse(call: Call, intent: Row, error: Row) -> None:
    """Put an intent back to where another card can be tried, with the error that brought it there."""
    kind = str(intent["object"])
    field = "last_payment_error" if kind == "payment_intent" else "last_setup_error"
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        field: objects.blank(f"{kind}.{field}", **error),
    }
    call.store.save(intent)
