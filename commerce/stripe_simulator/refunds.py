"""Charges as they stand, and refunds: never more than was captured."""

from commerce.stripe_simulator import amounts, balance, cards, disputes
from commerce.stripe_simulator.calls import Call, label
from commerce.stripe_simulator.refusals import Refused, Row


def create(call: Call) -> Row:
    """Refund a charge in part or in full. Raises: Refused when it was refunded already, too much is asked,
    or its money is in dispute.
    """
    charge = _charge(call)
    if not charge["captured"]:
        raise Refused(
            f"Charge {charge['id']} has not been captured, so there is nothing to refund.", param="charge"
        )
    rest = charge["amount_captured"] - charge["amount_refunded"]
    dispute = disputes.of_charge(call.store, charge)
    if dispute is not None and not dispute["is_charge_refundable"]:
        rest -= disputes.kept(dispute)
        if dispute["status"] != "lost" or rest <= 0:
            raise Refused(
                f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
            )
    if rest == 0:
        raise Refused(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = call.params.get("amount", rest)
    if amount < 1:
        raise Refused("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if amount > rest:
        raise Refused(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({rest}).", param="amount"
        )
    amounts.check_step(amount, charge["currency"])
    row = call.new(
        "refund",
        amount=amount,
        currency=charge["currency"],
        charge=charge["id"],
        payment_intent=charge["payment_intent"],
        payment_method=charge["payment_method"],
        customer=charge["customer"],
        reason=call.params.get("reason"),
        status="succeeded",
        metadata={},
        destination_details={"card": {"type": "refund"}, "type": "card"},
    )
    label(row, call.params)
    method = call.store.get("payment_method", charge["payment_method"])
    match cards.CARDS[method["_card"]].refunds:
        case "wait":
            row |= {"status": "pending", "pending_reason": "processing"}
            call.later(row, "refund.succeeded")
        case "fail":
            call.later(row, "refund.failed")
    row["balance_transaction"] = balance.book(call, "refund", row, -amount)["id"]
    before = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    call.store.save(row)
    call.store.save(charge)
    call.emit("refund.created", row)
    call.emit("charge.refunded", charge, before)
    return row


def succeed(call: Call, row: Row) -> Row:
    """A refund that waited has reached the buyer."""
    row |= {"status": "succeeded", "pending_reason": None}
    return _tell(call, row)


def fail(call: Call, row: Row) -> Row:
    """The buyer's bank sent the money back: it is ours again, and the charge is less refunded."""
    booked = balance.book(call, "refund_failure", row, row["amount"])
    row |= {
        "status": "failed",
        "pending_reason": None,
        "failure_reason": "expired_or_canceled_card",
        "failure_balance_transaction": booked["id"],
    }
    charge = call.store.get("charge", row["charge"])
    charge["amount_refunded"] -= row["amount"]
    charge["refunded"] = False
    call.store.save(charge)
    _tell(call, row)
    call.emit("refund.failed", row)
    return row


def _tell(call: Call, row: Row) -> Row:
    call.store.save(row)
    call.emit("refund.updated", row)
    call.emit("charge.refund.updated", row)
    return row


def _charge(call: Call) -> Row:
    if ("charge" in call.params) == ("payment_intent" in call.params):
        raise Refused(
            "Pass exactly one of charge, payment_intent.", code="parameter_missing", param="payment_intent"
        )
    if "charge" in call.params:
        return call.store.get("charge", call.params["charge"], "charge")
    intent = call.store.get("payment_intent", call.params["payment_intent"], "payment_intent")
    if intent["status"] != "succeeded":
        raise Refused(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            code="payment_intent_unexpected_state",
            param="payment_intent",
        )
    return call.store.get("charge", intent["latest_charge"])


def retrieve(call: Call) -> Row:
    """Return a refund."""
    return call.the("refund")


def update(call: Call) -> Row:
    """Change the metadata of a refund."""
    row = call.the("refund")
    label(row, call.params)
    call.store.save(row)
    call.emit("refund.updated", row)
    return row


def index(call: Call) -> Row:
    """List refunds, newest first."""
    where = {name: call.params.get(name) for name in ("charge", "payment_intent")}
    return call.page("refund", "/v1/refunds", where=where)


def retrieve_charge(call: Call) -> Row:
    """Return a charge."""
    return call.the("charge")


def update_charge(call: Call) -> Row:
    """Change the description or metadata of a charge."""
    row = call.the("charge")
    if "description" in call.params:
        row["description"] = call.params["description"]
    label(row, call.params)
    call.store.save(row)
    call.emit("charge.updated", row)
    return row


def index_charges(call: Call) -> Row:
    """List charges, newest first."""
    where = {name: call.params.get(name) for name in ("customer", "payment_intent")}
    return call.page("charge", "/v1/charges", where=where)
