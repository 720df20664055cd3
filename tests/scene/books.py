"""Both sides' books: the provider's own, and ours in the database."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from typing import Any

import httpx
from django.db import close_old_connections

from commerce import clock, ledger
from commerce.models import Event
from config.env import ROOT
from orders.models import Payment
from orders.reconciling import movements, reconciler

KEY = "sk_test_simulated"
LOST_SHARE = 0.05


class Books:
    """Reads what the provider and we have written down, and asks the auditor."""

    def __init__(self, provider: str) -> None:
        self._http = httpx.Client(base_url=f"{provider}/_simulator", auth=(KEY, ""), trust_env=False)

    async def slow_down(self, milliseconds: int) -> None:
        """Let the provider take so long over each call."""
        body = {"milliseconds": milliseconds}
        answer = await asyncio.to_thread(self._http.post, "/latency", json=body)
        answer.raise_for_status()

    def give_trouble(self, seed: int) -> str:
        """Let webhooks come twice and in no order, and lose the outcome of one charge in twenty; says so."""
        webhooks = {"copies": 2, "shuffle_ms": 1_500, "seed": seed}
        self._http.post("/webhooks", json=webhooks).raise_for_status()
        for number, kind in enumerate(("drop_after", "error_500_after")):
            fault = {
                "kind": kind,
                "path": "/v1/payment_intents",
                "method": "POST",
                "times": None,
                "share": LOST_SHARE / 2,
                "seed": seed * 2 + number,
            }
            self._http.post("/faults", json=fault).raise_for_status()
        return f"the provider doubles and shuffles webhooks, and loses {LOST_SHARE:.0%} of its answers"

    def answers_lost(self) -> int:
        """How many answers the provider has lost so far, each after its deed."""
        answer = self._http.get("/faults")
        answer.raise_for_status()
        return sum(rule["struck"] for rule in answer.json()["rules"])

    def provider(self) -> dict[str, Any]:
        """The provider's books, charge by charge."""
        answer = self._http.get("/books", params={"detail": "1"})
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def charged_there(self, provider: dict[str, Any]) -> dict[str, int]:
        """What the provider says it has captured, by its payment's id."""
        return {each["payment_intent"]: each["captured"] for each in provider["intents"]}

    def charged_here(self) -> dict[str, int]:
        """What we say was captured, by the provider's payment id."""
        close_old_connections()
        paid = Payment.objects.filter(status=Payment.Status.SUCCEEDED)
        return {str(payment.provider_id): payment.amount for payment in paid}

    def reconcile(self) -> tuple[int, int]:
        """Read the provider's lists; by how many cents its balance and its fees differ from our ledger."""
        reconciler.reconcile(now=clock.database_now())
        there = self.provider()["totals"]["eur"]
        owed = ledger.balance(ledger.PROVIDER, "EUR").amount
        kept = ledger.balance(movements.PROVIDER_FEES, "EUR").amount
        return owed - there["net"], kept - there["fees"]

    def wait_for_agreement(self, *, within: float) -> tuple[int, int]:
        """Reconcile until both ledgers say the same, as another process may be at it; what they differ by."""
        deadline = time.monotonic() + within
        while any(differ := self.reconcile()) and time.monotonic() < deadline:
            time.sleep(0.5)
        return differ

    def wait_for_outbox(self, *, within: float) -> int:
        """Wait until every event is delivered; how many are not after so many seconds."""
        deadline = time.monotonic() + within
        while (waiting := Event.objects.filter(delivered_at=None).count()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return waiting

    def audit(self) -> tuple[list[str], int]:
        """What `manage.py audit` prints, and its exit status."""
        done = subprocess.run(
            [sys.executable, "manage.py", "audit"],
            cwd=ROOT,
            env=dict(os.environ),
            capture_output=True,
            text=True,
            timeout=120,
        )
        return (done.stdout + done.stderr).splitlines(), done.returncode

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()
