"""The simulator's second bookkeeping: what the movements add up to, and whether the objects say the same."""

from typing import Any

from commerce.stripe_simulator import disputes
from commerce.stripe_simulator.refusals import Row
from commerce.stripe_simulator.store import Store

# kind of movement -> (the total it belongs to, its sign there)
_BELONGS = {
    "charge": ("charged", 1),
    "refund": ("refunded", -1),
    "refund_failure": ("refunded", -1),
    "adjustment": ("disputed", -1),
    "transfer": ("transferred", -1),
    "transfer_refund": ("transferred", -1),
}
_SUMS = ("charged", "refunded", "disputed", "transferred")


def books(store: Store, detail: bool) -> dict[str, Any]:
    """Return the totals per currency in minor units, and whether the objects agree with them.

    `refunded`, `disputed` and `transferred` are what left for good: what came back is taken off.
    """
    totals: dict[str, dict[str, Any]] = {}
    accounts: dict[str, dict[str, int]] = {}
    for row in store.all("balance_transaction"):
        if account := row.get("_account"):
            part = accounts.setdefault(account, {})
            part[row["currency"]] = part.get(row["currency"], 0) + row["net"]
        else:
            _add(totals.setdefault(row["currency"], _empty()), row)
    said = _objects_say(store, totals)
    agree = {one: [part[name] for name in _SUMS] for one, part in totals.items()} == said
    found: dict[str, Any] = {"totals": totals, "consistent": agree and _accounts_agree(store)}
    return found | _detail(store, accounts) if detail else found


def _empty() -> dict[str, Any]:
    return dict.fromkeys((*_SUMS, "fees", "net", "charges", "refunds"), 0) | {"kinds": {}}


def _add(total: dict[str, Any], row: Row) -> None:
    kind = row["type"]
    one = total["kinds"].setdefault(kind, {"count": 0, "amount": 0, "fee": 0, "net": 0})
    one["count"] += 1
    for name in ("amount", "fee", "net"):
        one[name] += row[name]
    total["net"] += row["net"]
    total["fees"] += row["fee"]
    if kind in _BELONGS:
        name, sign = _BELONGS[kind]
        total[name] += sign * row["amount"]
    elif kind == "stripe_fee":
        total["fees"] -= row["amount"]
    if kind in ("charge", "refund"):
        total[kind + "s"] += 1


def _captured(store: Store) -> list[Row]:
    return [
        row for row in store.all("charge") if row["paid"] and row["captured"] and row.get("_account") is None
    ]


def _objects_say(store: Store, totals: dict[str, Any]) -> dict[str, list[int]]:
    said = {currency: [0, 0, 0, 0] for currency in totals}

    def add(row: Row, place: int, amount: int) -> None:
        said.setdefault(row["currency"], [0, 0, 0, 0])[place] += amount

    for row in _captured(store):
        add(row, 0, row["amount_captured"])
        add(row, 1, row["amount_refunded"])
    for row in store.all("dispute"):
        add(row, 2, disputes.kept(row))
    for row in store.all("transfer"):
        add(row, 3, row["amount"] - row["amount_reversed"])
    return said


def _accounts_agree(store: Store) -> bool:
    """Say whether every connected account got what was transferred to it and not reversed."""
    got: dict[tuple[str, str], int] = {}
    for row in store.all("balance_transaction"):
        if row.get("_account") and row["type"] in ("payment", "payment_refund"):
            place = row["_account"], row["currency"]
            got[place] = got.get(place, 0) + row["net"]
    for row in store.all("transfer"):
        place = row["destination"], row["currency"]
        got[place] = got.get(place, 0) - row["amount"] + row["amount_reversed"]
    return not any(got.values())


def _detail(store: Store, accounts: dict[str, dict[str, int]]) -> dict[str, Any]:
    fees: dict[str, int] = {}
    for row in store.all("balance_transaction"):
        if row["type"] == "charge":
            fees[row["source"]] = row["fee"]
    return {
        "intents": [
            {
                "payment_intent": row["payment_intent"],
                "charge": row["id"],
                "currency": row["currency"],
                "captured": row["amount_captured"],
                "refunded": row["amount_refunded"],
                "fee": fees.get(row["id"], 0),
                "metadata": row["metadata"],
            }
            for row in _captured(store)
        ],
        "refunds": _rows(store, "refund", "charge payment_intent amount currency status metadata"),
        "disputes": _rows(store, "dispute", "charge payment_intent amount currency status reason"),
        "transfers": _rows(
            store,
            "transfer",
            "destination amount amount_reversed currency source_transaction transfer_group metadata",
        ),
        "movements": _rows(store, "balance_transaction", "type amount fee net currency source"),
        "accounts": accounts,
    }


def _rows(store: Store, kind: str, fields: str) -> list[Row]:
    names = ("id", *fields.split())
    return [{name: row[name] for name in names} for row in store.all(kind) if row.get("_account") is None]
