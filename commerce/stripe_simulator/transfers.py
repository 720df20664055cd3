"""Transfers to connected accounts and their reversals
(https://docs.stripe.com/connect/separate-charges-and-transfers).
"""

import secrets

from commerce.stripe_simulator import accounts, balance
from commerce.stripe_simulator.calls import Call, label
from commerce.stripe_simulator.refusals import Refused, Row
from commerce.stripe_simulator.store import public

_SHOWN = 10


def create(call: Call) -> Row:
    """Send money to a connected account, from the available balance or from one charge's money.

    Raises: Refused when there is not enough of it, or when the account cannot receive.
    """
    params = call.params
    amount = _amount(params.get("amount"))
    account = accounts.find(call.store, params["destination"])
    if account is None:
        raise Refused(
            f"No such destination: '{params['destination'][:60]}'",
            code="resource_missing",
            param="destination",
        )
    if account["capabilities"].get("transfers") != "active":
        raise Refused(
            "Your destination account needs to have at least one of the following capabilities enabled: "
            "transfers, crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
        )
    charge = _source(call, amount) if "source_transaction" in params else None
    if charge is None:
        if balance.available(call.store, call.now, params["currency"]) < amount:
            raise insufficient()
        available_on, group = call.now, params.get("transfer_group")
    else:
        booked = call.store.get("balance_transaction", charge["balance_transaction"])
        available_on, group = max(booked["available_on"], call.now), charge["transfer_group"]
    row = call.new(
        "transfer",
        amount=amount,
        currency=params["currency"],
        destination=account["id"],
        description=params.get("description"),
        source_transaction=charge["id"] if charge else None,
        source_type="card",
        transfer_group=group,
        metadata={},
    )
    row["reversals"] = {"object": "list", "data": [], "has_more": False}
    row["reversals"]["url"] = f"/v1/transfers/{row['id']}/reversals"
    label(row, params)
    row["balance_transaction"] = balance.book(call, "transfer", row, -amount, available_on=available_on)["id"]
    row["destination_payment"] = _arrive(call, row, available_on)["id"]
    call.store.save(row)
    call.emit("transfer.created", row)
    return row


def _amount(given: int | None) -> int:
    if given is None:
        raise Refused("Missing required param: amount.", code="parameter_missing", param="amount")
    if given < 1:
        raise Refused(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    return given


def insufficient() -> Refused:
    """Return the refusal of what needs more money than is available."""
    return Refused(
        "You have insufficient available funds in your Stripe account. Pay with pm_card_bypassPending to add "
        "some at once.",
        code="balance_insufficient",
    )


def _source(call: Call, amount: int) -> Row:
    """Return the charge whose money is sent on. Raises: Refused beyond what it brought."""
    params = call.params
    charge = call.store.get("charge", params["source_transaction"], "source_transaction")
    if not charge["captured"] or charge.get("_account") is not None:
        raise Refused(
            f"Charge {charge['id']} has not been captured, so it cannot be a source.",
            param="source_transaction",
        )
    if charge["currency"] != params["currency"]:
        raise Refused(
            f"The currency of source_transaction's balance transaction ({charge['currency']}) must be the "
            f"same as the transfer currency ({params['currency']})",
            param="source_transaction",
        )
    sent = sum(
        row["amount"] - row["amount_reversed"]
        for row in call.store.matching("transfer", "source_transaction", charge["id"])
    )
    if sent + amount > charge["amount_captured"]:
        raise Refused(
            "Transfers using this transaction as a source must not exceed the source amount of "
            f"{charge['amount_captured']}. (There are already transfers using it, amounting to {sent}.)",
            param="amount",
        )
    group = params.get("transfer_group")
    if charge["transfer_group"] is None:
        charge["transfer_group"] = group or f"group_{charge['payment_intent']}"
        call.store.save(charge)
    elif group not in (None, charge["transfer_group"]):
        raise Refused(
            "The transfer_group must be that of the source_transaction, or be left out.",
            param="transfer_group",
        )
    return charge


def _arrive(call: Call, transfer: Row, available_on: int) -> Row:
    """Book the transfer where it arrives: a payment in the connected account."""
    account = transfer["destination"]
    row = call.new(
        "charge",
        amount=transfer["amount"],
        amount_captured=transfer["amount"],
        currency=transfer["currency"],
        source_transfer=transfer["id"],
        transfer_group=transfer["transfer_group"],
        paid=True,
        captured=True,
        status="succeeded",
    )
    row |= {"id": f"py_{secrets.token_hex(12)}", "_account": account}
    booked = balance.book(
        call, "payment", row, transfer["amount"], available_on=available_on, account=account
    )
    row["balance_transaction"] = booked["id"]
    return call.store.save(row)


def retrieve(call: Call) -> Row:
    """Return a transfer."""
    return call.the("transfer")


def index(call: Call) -> Row:
    """List transfers, newest first."""
    where = {name: call.params.get(name) for name in ("destination", "transfer_group")}
    return call.page("transfer", "/v1/transfers", where=where)


def update(call: Call) -> Row:
    """Change the description or metadata of a transfer."""
    row = call.the("transfer")
    if "description" in call.params:
        row["description"] = call.params["description"]
    label(row, call.params)
    call.store.save(row)
    call.emit("transfer.updated", row)
    return row


def reverse(call: Call) -> Row:
    """Take a transfer back in part or in full. Raises: Refused beyond the transfer or the account's money."""
    transfer = call.the("transfer", "transfer")
    rest = transfer["amount"] - transfer["amount_reversed"]
    amount = _amount(call.params.get("amount", rest or None))
    if amount > rest:
        raise Refused(
            f"The reversal amount ({amount}) is greater than what is left of the transfer ({rest}).",
            param="amount",
        )
    account = transfer["destination"]
    owned = {one["currency"]: one["net"] for one in balance.totals(call.store, account)}
    if owned.get(transfer["currency"], 0) < amount:
        raise Refused(
            f"Account {account} has not enough money for this reversal.", code="balance_insufficient"
        )
    row = call.new(
        "transfer_reversal",
        amount=amount,
        currency=transfer["currency"],
        transfer=transfer["id"],
        metadata={},
    )
    label(row, call.params)
    shown = row | {"description": call.params.get("description")}
    row["balance_transaction"] = balance.book(call, "transfer_refund", shown, amount, available_on=call.now)[
        "id"
    ]
    row["destination_payment_refund"] = _leave(call, transfer, row)["id"]
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    listed = [public(row), *transfer["reversals"]["data"]]
    transfer["reversals"] |= {"data": listed[:_SHOWN], "has_more": len(listed) > _SHOWN}
    call.store.save(row)
    call.store.save(transfer)
    call.emit("transfer.reversed", transfer)
    return row


def _leave(call: Call, transfer: Row, reversal: Row) -> Row:
    """Book the reversal in the connected account: a refund of the payment that arrived there."""
    account = transfer["destination"]
    row = call.new(
        "refund",
        amount=reversal["amount"],
        currency=reversal["currency"],
        charge=transfer["destination_payment"],
        source_transfer_reversal=reversal["id"],
        status="succeeded",
        metadata={},
    )
    row |= {"id": f"pyr_{secrets.token_hex(12)}", "_account": account}
    booked = balance.book(
        call, "payment_refund", row, -reversal["amount"], available_on=call.now, account=account
    )
    row["balance_transaction"] = booked["id"]
    payment = call.store.get("charge", transfer["destination_payment"])
    payment["amount_refunded"] += reversal["amount"]
    payment["refunded"] = payment["amount_refunded"] == payment["amount"]
    call.store.save(payment)
    return call.store.save(row)


def retrieve_reversal(call: Call) -> Row:
    """Return a reversal under its transfer's path."""
    transfer = call.the("transfer", "transfer")
    row = call.the("transfer_reversal")
    if row["transfer"] != transfer["id"]:
        raise Refused(
            f"No such transfer reversal: '{row['id']}'", code="resource_missing", param="id", status=404
        )
    return row


def index_reversals(call: Call) -> Row:
    """List reversals of a transfer, newest first."""
    transfer = call.the("transfer", "transfer")
    url = f"/v1/transfers/{transfer['id']}/reversals"
    return call.page("transfer_reversal", url, where={"transfer": transfer["id"]})
