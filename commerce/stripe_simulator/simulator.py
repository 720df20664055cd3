"""The state as a whole: requests are carried out one after the other, journalled, and only then answered."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from commerce.stripe_simulator import events, objects
from commerce.stripe_simulator.calls import Call, frozen
from commerce.stripe_simulator.clock import Clock
from commerce.stripe_simulator.faults import Faults
from commerce.stripe_simulator.idempotency import Keys
from commerce.stripe_simulator.journal import Journal
from commerce.stripe_simulator.later import STEPS, Later
from commerce.stripe_simulator.refusals import Refused, Row, internal
from commerce.stripe_simulator.store import Store, public
from commerce.stripe_simulator.webhooks import Sender

log = logging.getLogger(__name__)

Answer = tuple[int, bytes]


class Simulator:
    """Store, keys, faults, journal and webhooks of one running simulator."""

    def __init__(self, base: str, state_file: Path | None = None) -> None:
        self.base = base
        self.clock = Clock()
        self.store = Store()
        self.keys = Keys(self.clock)
        self.faults = Faults()
        self.sender = Sender(self.store, self.clock, self._write)
        self.patience = 5.0
        self.later = Later(self.store)
        self._wake = asyncio.Event()
        self.journal = Journal(state_file) if state_file else None
        if self.journal is not None:
            for entry in self.journal.read():
                self._replay(entry)
            self.later.note(self.store.take_changes())
            self.journal.rewrite(self._snapshot())

    def execute(
        self,
        handler: Callable[[Call], Row],
        *,
        params: dict[str, Any],
        path: dict[str, str] | None = None,
        request_id: str = "",
        key: str | None = None,
        print_: str = "",
        account: str | None = None,
        answer_500: bool = False,
    ) -> Answer:
        """Carry out one request, keep its effect and its answer, send its webhooks, and return the answer."""
        self.catch_up()
        call = Call(
            store=self.store,
            at=self.clock.now(),
            params=params,
            path=path or {},
            base=self.base,
            request_id=request_id,
            key=key,
            account=account,
            patience=self.patience,
        )
        try:
            answer = 200, self._render(handler(call), params.get("expand", []))
        except Refused as refused:
            if self.store.changed and not refused.commits:
                log.error("refused after it had written: %s", refused)
            answer = error_answer(refused, request_id)
        except Exception:
            # A mistake of ours. What was written stays and is journalled, so that memory and file agree.
            log.exception("request %s", request_id)
            answer = error_answer(internal(), request_id)
        if answer_500:
            answer = error_answer(internal(), request_id)
        self._commit(key, print_, answer, request_id)
        return answer

    def catch_up(self, ahead: float = 0.0) -> None:
        """Let happen what is due by now, or within the next `ahead` seconds."""
        while taken := self.later.take(self.clock.now() + ahead):
            row, step = taken
            self.store.save(row)
            STEPS[step](Call(store=self.store, at=self.clock.now(), patience=self.patience), row)
            self._commit(None, "", (200, b""), "")

    async def keep_time(self) -> None:
        """Let everything happen when it is due, until cancelled."""
        while True:
            self.catch_up()
            self._wake.clear()
            at = self.later.next_at()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if at is None else max(at - self.clock.now(), 0.001)):
                    await self._wake.wait()

    def keep_500(self, key: str | None, print_: str, request_id: str) -> Answer:
        """Answer 500 without doing anything, and keep that answer under the key."""
        answer = error_answer(internal(), request_id)
        self._commit(key, print_, answer, request_id)
        return answer

    def register(
        self,
        url: str,
        secret: str,
        number: int,
        *,
        connect: bool = False,
        enabled_events: Sequence[str] = ("*",),
    ) -> None:
        """Add the webhook endpoint named on the command line, or move the one of an earlier run."""
        call = Call(store=self.store, at=self.clock.now())
        ident = f"we_command_line_{'connect_' if connect else ''}{number}"
        row = self.store.find(ident) or (events.new_endpoint(call, url, ["*"]) | {"id": ident})
        row |= {"url": events.check_url(url), "status": "enabled", "enabled_events": list(enabled_events)}
        row |= {"_secret": secret, "_connect": connect}
        self.store.save(row)
        self._commit(None, "", (200, b""), "")

    def _commit(self, key: str | None, print_: str, answer: Answer, request_id: str) -> None:
        changed = self.store.take_changes()
        if self.later.note(changed):
            self._wake.set()
        entry: dict[str, Any] = {}
        if changed:
            entry["rows"] = changed
        if key is not None:
            entry["key"] = self.keys.finish(key, print_, *answer, request_id)
        if entry:
            self._write(entry)
        for row in changed:
            if row["object"] == "event":
                self.sender.send(row)

    def _write(self, entry: dict[str, Any]) -> None:
        if self.journal is not None:
            self.journal.write(entry)

    def _replay(self, entry: dict[str, Any]) -> None:
        for row in entry.get("rows", ()):
            if row["object"] == "event":
                # Kept as bytes: an event never changes, and there are many.
                row["data"]["object"] = frozen(row["data"]["object"])
            self.store.save(row)
        if "key" in entry:
            self.keys.restore(entry["key"])
        if "sent" in entry:
            event, endpoint = entry["sent"]
            row = self.store.rows[event]
            row["_pending"] = [one for one in row["_pending"] if one != endpoint]
            row["pending_webhooks"] = len(row["_pending"])

    def _snapshot(self) -> Iterator[dict[str, Any]]:
        for row in self.store.rows.values():
            yield {"rows": [row]}
        for saved in self.keys.entries():
            yield {"key": saved}

    def _render(self, row: Row, wanted: list[str]) -> bytes:
        for path in wanted:
            row = objects.expand(row, path, self._find)
        return orjson.dumps(public(row))

    def _find(self, ident: str) -> Any:
        found = self.store.find(ident)
        return ident if found is None else public(found)


def error_answer(refused: Refused, request_id: str) -> Answer:
    """Return status and body of a refusal."""
    log_url = {"request_log_url": f"https://simulated.invalid/logs/{request_id}"}
    return refused.status, orjson.dumps({"error": refused.error | log_url})
