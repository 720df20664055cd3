"""Disputes: a bank takes the money of a charge back until it is decided whose it is
(https://docs.stripe.com/disputes). Test cards open them, published words in the evidence decide them.
"""

from typing import Any

from commerce.stripe_simulator import balance, cards, objects
from commerce.stripe_simulator.calls import Call, label
from commerce.stripe_simulator.refusals import Refused, Row, missing, not_simulated
from commerce.stripe_simulator.store import Store, public

FEE = 1500
_DAY = 24 * 3600
_DAYS_TO_ANSWER = 8
_MOST_TEXT = 150_000
_REVIEW = {"needs_response": "under_review", "warning_needs_response": "warning_under_review"}
TAKEN = frozenset({"needs_response", "under_review", "lost"})  # It has taken the money.
_OVER = ("won", "lost", "warning_closed")
# https://docs.stripe.com/testing#evidence: what `uncategorized_text` brings about.
_WORDS = {
    "winning_evidence": "dispute.won",
    "losing_evidence": "dispute.lost",
    "escalate_inquiry_evidence": "dispute.escalated",
}
_FILES = frozenset(
    (
        *("cancellation_policy", "customer_communication", "customer_signature"),
        *("duplicate_charge_documentation", "receipt", "refund_policy"),
        *("service_documentation", "shipping_documentation", "uncategorized_file"),
    )
)


def open_if_claimed(call: Call, charge: Row) -> None:
    """Open the dispute of a captured charge if its card is one that brings one."""
    method = call.store.get("payment_method", charge["payment_method"])
    claim = cards.CARDS[method["_card"]].claim
    if claim is not None:
        _claim(call, charge, claim, charge["amount_captured"])


def inject(call: Call, given: dict[str, Any]) -> Row:
    """Open a dispute about a captured charge, or about a part of it; or decide one, with what the bank gives
    back. Raises: Refused when it is not understood, or cannot be.
    """
    if "dispute" in given:
        row = call.store.get("dispute", str(given["dispute"]), "dispute")
        if row["status"] not in TAKEN - {"lost"}:
            raise Refused("This dispute has nothing to give back", param="dispute")
        returned = _part(given, "returned", least=0, most=row["amount"])
        return win(call, row) if returned == row["amount"] else lose(call, row, returned)
    charge = call.store.get("charge", str(given.get("charge")), "charge")
    if not charge["captured"] or of_charge(call.store, charge) is not None:
        raise Refused("Only what was captured is disputed, and once", param="charge")
    amount = _part(given, "amount", least=1, most=charge["amount_captured"])
    return _claim(call, charge, cards.Claim("product_not_received", "13.1"), amount)


def kept(row: Row) -> int:
    """Return what the bank has of a dispute's charge, in minor units."""
    return row["amount"] - row.get("_returned", 0) if row["status"] in TAKEN else 0


def _part(given: dict[str, Any], name: str, *, least: int, most: int) -> int:
    value = given.get(name)
    if type(value) is not int or not least <= value <= most:
        raise Refused(f"{name} must be an integer from {least} to {most}", param=name)
    return value


def _claim(call: Call, charge: Row, claim: cards.Claim, amount: int) -> Row:
    row = call.new(
        "dispute",
        amount=amount,
        currency=charge["currency"],
        charge=charge["id"],
        payment_intent=charge["payment_intent"],
        reason=claim.reason,
        network_reason_code=claim.network_code,
        status="warning_needs_response" if claim.inquiry else "needs_response",
        is_charge_refundable=claim.inquiry,
    )
    brand = charge["payment_method_details"]["card"]["brand"]
    case = objects.blank(
        "dispute.payment_method_details.card",
        brand=brand,
        network=brand,
        case_type="inquiry" if claim.inquiry else "chargeback",
        network_reason_code=claim.network_code,
    )
    row["payment_method_details"] = {"type": "card", "card": case}
    row["evidence"]["enhanced_evidence"] = {}
    row["evidence_details"]["enhanced_eligibility"] = {}
    _ask(call, row)
    charge["disputed"] = True
    call.store.save(charge)
    if claim.inquiry:
        call.store.save(row)
        call.emit("charge.dispute.created", row)
        return row
    _withdraw(call, row)
    call.emit("charge.dispute.created", row)
    call.emit("charge.dispute.funds_withdrawn", row)
    return row


def of_charge(store: Store, charge: Row) -> Row | None:
    """Return the dispute of a charge, if it has one."""
    return next(iter(store.matching("dispute", "charge", charge["id"])), None)


def retrieve(call: Call) -> Row:
    """Return a dispute."""
    return call.the("dispute", "dispute")


def index(call: Call) -> Row:
    """List disputes, newest first."""
    where = {name: call.params.get(name) for name in ("charge", "payment_intent")}
    return call.page("dispute", "/v1/disputes", where=where)


def update(call: Call) -> Row:
    """Stage or submit evidence, or change metadata. Raises: Refused when the dispute is over or was
    answered.
    """
    row = _open(call)
    params = call.params
    given = params.get("evidence") or {}
    if given and row["status"] not in _REVIEW:
        raise Refused("Evidence for this dispute was submitted already.", param="evidence")
    evidence = _merged(row, given)
    row["evidence"] = evidence
    told = any(value for name, value in evidence.items() if name != "enhanced_evidence")
    row["evidence_details"]["has_evidence"] = told
    label(row, params)
    if told and params.get("submit", bool(given)) and row["status"] in _REVIEW:
        row["status"] = _REVIEW[row["status"]]
        row["evidence_details"] |= {
            "submission_count": row["evidence_details"]["submission_count"] + 1,
            "submission_method": "manual",
        }
        row.pop("_later", None)
        if step := _WORDS.get(str(evidence["uncategorized_text"]).strip()):
            call.later(row, step)
    call.store.save(row)
    call.emit("charge.dispute.updated", row)
    return row


def close(call: Call) -> Row:
    """Accept a dispute: it is lost at once. Raises: Refused when it is over."""
    return lose(call, _open(call))


def win(call: Call, row: Row) -> Row:
    """Give the money and the fee back; an inquiry is just closed."""
    if row["status"].startswith("warning"):
        return _end(call, row, "warning_closed")
    row |= {"status": "won", "is_charge_refundable": True}
    _reinstate(call, row, row["amount"], -FEE)
    return _end(call, row, "won")


def lose(call: Call, row: Row, returned: int = 0) -> Row:
    """The buyer keeps what was taken, less what the bank gives back of it, as what she had by a refund; such
    a dispute is lost all the same, and its fee is kept. An inquiry is just closed.
    """
    if row["status"].startswith("warning"):
        return _end(call, row, "warning_closed")
    row["status"] = "lost"
    if returned:
        row["_returned"] = returned
        _reinstate(call, row, returned, 0)
    return _end(call, row, "lost")


def escalate(call: Call, row: Row) -> Row:
    """Turn an inquiry into a chargeback, which takes the money that was not refunded."""
    if row["status"].startswith("warning"):
        charge = call.store.get("charge", row["charge"])
        row |= {
            "status": "needs_response",
            "amount": charge["amount_captured"] - charge["amount_refunded"],
            "is_charge_refundable": False,
        }
        row["payment_method_details"]["card"]["case_type"] = "chargeback"
        _ask(call, row)
        _withdraw(call, row)
        call.emit("charge.dispute.updated", row)
        call.emit("charge.dispute.funds_withdrawn", row)
    return row


def expire(call: Call, row: Row) -> Row:
    """Nobody answered in time."""
    row["evidence_details"]["past_due"] = True
    return lose(call, row)


def _ask(call: Call, row: Row) -> None:
    last_day = call.now + _DAYS_TO_ANSWER * _DAY
    row["evidence_details"]["due_by"] = last_day - last_day % _DAY + _DAY - 1
    call.later(row, "dispute.overdue", at=row["evidence_details"]["due_by"])


def _withdraw(call: Call, row: Row) -> None:
    _book(
        call, row, -row["amount"], FEE, "dispute", f"Chargeback withdrawal for {row['charge']}", "Dispute fee"
    )


def _reinstate(call: Call, row: Row, amount: int, fee: int) -> None:
    text = f"Chargeback reversal for {row['charge']}"
    _book(call, row, amount, fee, "dispute_reversal", text, "Dispute fee refund")
    call.emit("charge.dispute.funds_reinstated", row)


def _book(call: Call, row: Row, amount: int, fee: int, category: str, text: str, fee_name: str) -> None:
    booked = balance.book(
        call, "adjustment", row, amount, fee, category=category, description=text, fee_name=fee_name
    )
    row["balance_transactions"].append(public(booked))
    call.store.save(row)


def _end(call: Call, row: Row, status: str) -> Row:
    row["status"] = status
    row.pop("_later", None)
    call.store.save(row)
    call.emit("charge.dispute.closed", row)
    return row


def _open(call: Call) -> Row:
    row = call.the("dispute", "dispute")
    if row["status"] in _OVER:
        raise Refused("This dispute is already closed")
    return row


def _merged(row: Row, given: dict[str, Any]) -> Row:
    for name, value in given.items():
        if name in ("enhanced_evidence", "appeal"):
            raise not_simulated(f"evidence[{name}]")
        if name in _FILES and value:
            raise missing("file upload", value, f"evidence[{name}]")
    merged: Row = row["evidence"] | {name: value or None for name, value in given.items()}
    if sum(len(value) for value in merged.values() if isinstance(value, str)) > _MOST_TEXT:
        raise Refused(f"Evidence can have {_MOST_TEXT} characters in all.", param="evidence")
    return merged
