"""One request while it is being carried out: its parameters, the rows it reads and writes, the events it
causes.
"""

from dataclasses import dataclass, field
from typing import Any

import orjson
import stripe

from commerce.stripe_simulator import objects
from commerce.stripe_simulator.refusals import Row, missing
from commerce.stripe_simulator.store import Store, new_id, public

API_VERSION: str = stripe.api_version


@dataclass
class Call:
    """What a handler gets. Handlers check first and write last, so that a refusal leaves nothing behind."""

    store: Store
    at: float
    params: dict[str, Any] = field(default_factory=dict)
    path: dict[str, str] = field(default_factory=dict)
    base: str = ""
    request_id: str = ""
    key: str | None = None
    account: str | None = None
    patience: float = 5.0

    @property
    def now(self) -> int:
        """The time of the request, whole seconds since 1970."""
        return int(self.at)

    def the(self, kind: str, name: str = "id") -> Row:
        """Return the row that the path names, of the account that is asked. Raises: Refused (404)."""
        row = self.store.get(kind, self.path[name], "id" if name == "id" else name, status=404)
        if row.get("_account") != self.account:
            raise missing(kind, row["id"], "id" if name == "id" else name, status=404)
        return row

    def new(self, kind: str, **values: Any) -> Row:
        """Return a fresh object of this kind, not saved yet."""
        return objects.blank(kind, id=new_id(kind), created=self.now, **values)

    def later(self, row: Row, step: str, at: float | None = None) -> None:
        """Let a step of `later.STEPS` happen to the row, by default after the simulator's usual wait."""
        row["_later"] = {"at": self.at + self.patience if at is None else at, "step": step}

    def emit(self, type_: str, row: Row, before: Row | None = None, account: str | None = None) -> None:
        """Record an event with the object as it is now; webhooks are sent after the commit.

        What happens to a connected account is told to the endpoints that were registered for these.
        """
        pending = [
            endpoint["id"]
            for endpoint in self.store.all("webhook_endpoint")
            if not endpoint.get("deleted")
            and endpoint["status"] == "enabled"
            and bool(endpoint.get("_connect")) == (account is not None)
            and ("*" in endpoint["enabled_events"] or type_ in endpoint["enabled_events"])
        ]
        data: Row = {"object": frozen(public(row))}
        if before is not None:
            data["previous_attributes"] = before
        event = self.new(
            "event",
            type=type_,
            account=account,
            api_version=API_VERSION,
            data=data,
            pending_webhooks=len(pending),
            request={"id": self.request_id, "idempotency_key": self.key},
        )
        event["_pending"] = pending
        if account is not None:
            event["_account"] = account
        self.store.save(event)

    def page(self, kind: str, url: str, **more: Any) -> Row:
        """Return one page of a list."""
        keep = more.pop("keep", lambda row: True)
        mine = self.account
        rows, has_more = self.store.page(
            kind, self.params, keep=lambda row: row.get("_account") == mine and keep(row), **more
        )
        return {"object": "list", "data": [public(row) for row in rows], "has_more": has_more, "url": url}


def frozen(value: Any) -> orjson.Fragment:
    """Return the value as JSON, which later changes do not touch."""
    # Copied, because the bytes that orjson returns keep a buffer several times their size.
    return orjson.Fragment(bytes(memoryview(orjson.dumps(value))))


def label(row: Row, params: dict[str, Any]) -> None:
    """Merge metadata as the API does: an empty value removes a key, an empty string removes all."""
    if "metadata" not in params:
        return
    if params["metadata"] == "":
        row["metadata"] = {}
        return
    merged = dict(row["metadata"] or {}) | params["metadata"]
    row["metadata"] = {name: value for name, value in merged.items() if value != ""}
