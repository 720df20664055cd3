"""Movements of money: each is a balance transaction, of this account or of one connected to it."""

from typing import Any

from commerce.stripe_simulator import objects
from commerce.stripe_simulator.calls import Call
from commerce.stripe_simulator.refusals import Refused, Row
from commerce.stripe_simulator.store import Store

INJECTED = ("stripe_fee", "payout", "topup")
_PAYOUT_DELAY = 2 * 24 * 3600
# https://docs.stripe.com/reports/reporting-categories, where it differs from the type.
_CATEGORIES = {"stripe_fee": "fee", "transfer_refund": "transfer_reversal", "payment": "charge"}


def fee_of(amount: int) -> int:
    """Return the processing fee in minor units: 2.9 % rounded half up, plus 30. A stand-in for a negotiated
    price.
    """
    return (amount * 29 + 500) // 1000 + 30


def book(
    call: Call,
    kind: str,
    source: Row,
    amount: int,
    fee: int = 0,
    *,
    category: str | None = None,
    description: str | None = None,
    fee_name: str = "Stripe processing fees",
    available_on: int | None = None,
    account: str | None = None,
) -> Row:
    """Record a movement; `amount` is negative when money leaves, `account` a connected one that it moves."""
    row = call.new(
        "balance_transaction",
        amount=amount,
        fee=fee,
        net=amount - fee,
        currency=source["currency"],
        type=kind,
        reporting_category=category or _CATEGORIES.get(kind, kind),
        balance_type="payments",
        source=source.get("id"),
        status="pending",
        available_on=call.now + _PAYOUT_DELAY if available_on is None else available_on,
        description=description or source.get("description"),
    )
    if fee:
        row["fee_details"] = [
            objects.blank(
                "balance_transaction.fee_details",
                amount=fee,
                currency=source["currency"],
                description=fee_name,
                type="stripe_fee",
            )
        ]
    if account is not None:
        row["_account"] = account
    return call.store.save(row)


def available(store: Store, now: int, currency: str, account: str | None = None) -> int:
    """Return what an account can spend at once, in minor units."""
    return sum(
        row["net"]
        for row in store.all("balance_transaction")
        if row.get("_account") == account and row["currency"] == currency and row["available_on"] <= now
    )


def inject(call: Call, given: dict[str, Any]) -> Row:
    """Record a movement that no call of ours caused, as a fee of the month. Raises: Refused when it is not
    understood.
    """
    kind, amount, currency = (given.get(name) for name in ("type", "amount", "currency"))
    account = given.get("account")
    if kind not in INJECTED:
        raise Refused(f"type must be one of {', '.join(INJECTED)}", param="type")
    if type(amount) is not int or amount == 0:
        raise Refused("amount must be an integer other than 0", param="amount")
    if not isinstance(currency, str) or len(currency) != 3 or currency != currency.lower():
        raise Refused("currency must be three small letters", param="currency")
    if account is not None:
        call.store.get("account", account, "account")
    text = str(given.get("description", "Simulated"))[:200]
    return book(
        call,
        kind,
        {"currency": currency, "description": text},
        amount,
        available_on=call.now,
        account=account,
    )


def retrieve_transaction(call: Call) -> Row:
    """Return a balance transaction."""
    return _as_of(call, call.the("balance_transaction"))


def index_transactions(call: Call) -> Row:
    """List balance transactions, newest first."""
    where = {name: call.params.get(name) for name in ("source", "type", "currency")}
    page = call.page("balance_transaction", "/v1/balance_transactions", where=where)
    return page | {"data": [_as_of(call, row) for row in page["data"]]}


def _as_of(call: Call, row: Row) -> Row:
    return row | {"status": "available" if row["available_on"] <= call.now else "pending"}


def totals(store: Store, account: str | None) -> list[Row]:
    """Return an account's net per currency, available and pending together, in minor units."""
    sums: dict[str, int] = {}
    for row in store.all("balance_transaction"):
        if row.get("_account") == account:
            sums[row["currency"]] = sums.get(row["currency"], 0) + row["net"]
    return [{"currency": currency, "net": net} for currency, net in sorted(sums.items())]


def retrieve(call: Call) -> Row:
    """Return the balance: pending until two days after a movement, available from then on."""
    sums: dict[str, dict[str, int]] = {}
    for row in call.store.all("balance_transaction"):
        if row.get("_account") != call.account:
            continue
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
