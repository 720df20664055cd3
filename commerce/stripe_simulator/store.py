"""Every object the simulator holds, in memory, with the few indexes that its lists need.

Rows are plain dicts in the shape of the API. Keys that start with an underscore are the simulator's own and
never leave it. Everything here runs on the event loop without awaiting, so one request's changes are never
half seen.
"""

import bisect
import secrets
from collections.abc import Callable, Iterator
from typing import Any

from commerce.stripe_simulator.refusals import Refused, Row, missing

PREFIX = {
    "customer": "cus",
    "payment_method": "pm",
    "setup_intent": "seti",
    "payment_intent": "pi",
    "charge": "ch",
    "refund": "re",
    "dispute": "du",
    "balance_transaction": "txn",
    "account": "acct",
    "account_link": "alink",
    "transfer": "tr",
    "transfer_reversal": "trr",
    "event": "evt",
    "webhook_endpoint": "we",
}

# The fields that lists filter by.
_INDEXED = {
    "customer": ("email",),
    "payment_method": ("customer",),
    "setup_intent": ("customer", "payment_method"),
    "payment_intent": ("customer",),
    "charge": ("customer", "payment_intent"),
    "refund": ("charge", "payment_intent"),
    "dispute": ("charge", "payment_intent"),
    "balance_transaction": ("source", "type"),
    "transfer": ("source_transaction", "transfer_group", "destination"),
    "transfer_reversal": ("transfer",),
    "event": ("type",),
}


def new_id(kind: str) -> str:
    """Return a fresh id with the prefix of its kind."""
    return f"{PREFIX[kind]}_{secrets.token_hex(12)}"


def public(row: Row) -> Row:
    """Return the row without what is the simulator's own."""
    return {name: value for name, value in row.items() if name[0] != "_"}


class Store:
    """All rows, and which of them changed since the last commit."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.changed: dict[str, Row] = {}
        self._order: dict[str, list[str]] = {}
        self._place: dict[str, int] = {}
        self._index: dict[tuple[str, str, str], list[str]] = {}
        self._indexed: dict[str, dict[str, Any]] = {}

    def save(self, row: Row) -> Row:
        """Add a row, or note that it changed."""
        ident, kind = row["id"], row["object"]
        if ident not in self._place:
            order = self._order.setdefault(kind, [])
            self._place[ident] = len(order)
            order.append(ident)
        self.rows[ident] = row
        self.changed[ident] = row
        before = self._indexed.get(ident, {})
        after = {field: row.get(field) for field in _INDEXED.get(kind, ())}
        if before != after:
            self._reindex(kind, ident, before, after)
        return row

    def _reindex(self, kind: str, ident: str, before: dict[str, Any], after: dict[str, Any]) -> None:
        for field, value in before.items():
            if value is not None and after[field] != value:
                self._index[kind, field, value].remove(ident)
        for field, value in after.items():
            if value is not None and before.get(field) != value:
                found = self._index.setdefault((kind, field, value), [])
                bisect.insort(found, ident, key=self._place.__getitem__)
        self._indexed[ident] = after

    def take_changes(self) -> list[Row]:
        """Return what changed since the last call, and forget that it did."""
        changed = list(self.changed.values())
        self.changed = {}
        return changed

    def find(self, ident: Any) -> Row | None:
        """Return the row with this id, deleted ones too."""
        return self.rows.get(ident)

    def get(self, kind: str, ident: Any, param: str = "id", *, status: int = 400) -> Row:
        """Return the row of this kind. Raises: Refused (resource_missing)."""
        row = self.rows.get(ident)
        if row is None or row["object"] != kind or row.get("deleted"):
            raise missing(kind, str(ident)[:100], param, status=status)
        return row

    def all(self, kind: str) -> Iterator[Row]:
        """Yield the rows of one kind, oldest first."""
        for ident in self._order.get(kind, []):
            yield self.rows[ident]

    def matching(self, kind: str, field: str, value: str) -> Iterator[Row]:
        """Yield the rows of one kind with this value in an indexed field, oldest first."""
        for ident in self._index.get((kind, field, value), ()):
            yield self.rows[ident]

    def page(
        self,
        kind: str,
        params: dict[str, Any],
        *,
        where: dict[str, Any] | None = None,
        keep: Callable[[Row], bool] = lambda row: True,
    ) -> tuple[list[Row], bool]:
        """Return one page, newest first, and whether there is more. Raises: Refused for a bad cursor or
        limit.
        """
        limit = params.get("limit", 10)
        if not 1 <= limit <= 100:
            raise Refused("Invalid limit: must be between 1 and 100", param="limit")
        created = params.get("created")
        span = {"gte": created, "lte": created} if isinstance(created, int) else created or {}
        wanted = {field: value for field, value in (where or {}).items() if value is not None}
        found: list[Row] = []
        for ident in self._candidates(kind, params, wanted):
            row = self.rows[ident]
            if row.get("deleted") or not _inside(row["created"], span):
                continue
            if all(row[field] == value for field, value in wanted.items()) and keep(row):
                found.append(row)
                if len(found) > limit:
                    break
        page = found[:limit]
        if "ending_before" in params:
            page.reverse()
        return page, len(found) > limit

    def _candidates(self, kind: str, params: dict[str, Any], wanted: dict[str, Any]) -> Iterator[str]:
        """Yield ids after the cursor: newest first, or oldest first when paging backwards."""
        ids = self._order.get(kind, [])
        for field, value in wanted.items():
            if field in _INDEXED.get(kind, ()):
                ids = self._index.get((kind, field, value), [])
                break
        place = self._place.__getitem__
        if "ending_before" in params:
            cursor = self.get(kind, params["ending_before"], "ending_before")
            start = bisect.bisect_right(ids, place(cursor["id"]), key=place)
            return (ids[n] for n in range(start, len(ids)))
        end = len(ids)
        if "starting_after" in params:
            cursor = self.get(kind, params["starting_after"], "starting_after")
            end = bisect.bisect_left(ids, place(cursor["id"]), key=place)
        return (ids[n] for n in range(end - 1, -1, -1))


def _inside(created: int, span: dict[str, int]) -> bool:
    return (
        ("gt" not in span or created > span["gt"])
        and ("gte" not in span or created >= span["gte"])
        and ("lt" not in span or created < span["lt"])
        and ("lte" not in span or created <= span["lte"])
    )
