"""The simulator's own bookkeeping: every movement of money is a balance transaction, and the books add them
up.
"""

from typing import Any

from commerce.stripe_simulator import objects
from commerce.stripe_simulator.calls import Call
from commerce.stripe_simulator.refusals import Row
from commerce.stripe_simulator.store import Store

_PAYOUT_DELAY = 2 * 24 * 3600


def fee_of(amount: int) -> int:
    """Return the processing fee in minor units: 2.9 % rounded half up, plus 30. A stand-in for a negotiated
    price.
    """
    return (amount * 29 + 500) // 1000 + 30


def book(call: Call, kind: str, source: Row, amount: int, fee: int = 0) -> Row:
    """Record a movement; `amount` is negative when money leaves."""
    row = call.new(
        "balance_transaction",
        amount=amount,
        fee=fee,
        net=amount - fee,
        currency=source["currency"],
        type=kind,
        reporting_category=kind,
        balance_type="payments",
        source=source["id"],
        status="pending",
        available_on=call.now + _PAYOUT_DELAY,
        description=source["description"],
    )
    if fee:
        row["fee_details"] = [
            objects.blank(
                "balance_transaction.fee_details",
                amount=fee,
                currency=source["currency"],
                description="Stripe processing fees",
                type="stripe_fee",
            )
        ]
    return call.store.save(row)


def retrieve_transaction(call: Call) -> Row:
    """Return a balance transaction."""
    return call.the("balance_transaction")


def index_transactions(call: Call) -> Row:
    """List balance transactions, newest first."""
    where = {name: call.params.get(name) for name in ("source", "type", "currency")}
    return call.page("balance_transaction", "/v1/balance_transactions", where=where)


def retrieve(call: Call) -> Row:
    """Return the balance: pending until two days after a movement, available from then on."""
    sums: dict[str, dict[str, int]] = {}
    for row in call.store.all("balance_transaction"):
        when = "available" if row["available_on"] <= call.now else "pending"
        part = sums.setdefault(row["currency"], {"available": 0, "pending": 0})
        part[when] += row["net"]
    made = objects.blank("balance")
    for when in ("available", "pending"):
        made[when] = [
            {"amount": part[when], "currency": currency, "source_types": {"card": part[when]}}
            for currency, part in sorted(sums.items())
        ]
    return {name: value for name, value in made.items() if value is not None}


def books(store: Store, detail: bool) -> dict[str, Any]:
    """Return charges, refunds, fees and net per currency, and whether the objects agree with them."""
    totals: dict[str, dict[str, int]] = {}
    for row in store.all("balance_transaction"):
        part = totals.setdefault(
            row["currency"], {"charged": 0, "refunded": 0, "fees": 0, "net": 0, "charges": 0, "refunds": 0}
        )
        name = "charge" if row["type"] == "charge" else "refund"
        part["charged" if name == "charge" else "refunded"] += abs(row["amount"])
        part[name + "s"] += 1
        part["fees"] += row["fee"]
        part["net"] += row["net"]
    objects_say = {currency: [0, 0] for currency in totals}
    intents = []
    for charge in store.all("charge"):
        if not charge["paid"] or not charge["captured"]:
            continue
        said = objects_say.setdefault(charge["currency"], [0, 0])
        said[0] += charge["amount_captured"]
        said[1] += charge["amount_refunded"]
        intents.append(
            {
                "payment_intent": charge["payment_intent"],
                "charge": charge["id"],
                "currency": charge["currency"],
                "captured": charge["amount_captured"],
                "refunded": charge["amount_refunded"],
                "metadata": charge["metadata"],
            }
        )
    agree = {one: [part["charged"], part["refunded"]] for one, part in totals.items()} == objects_say
    return {"totals": totals, "consistent": agree} | ({"intents": intents} if detail else {})
