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

from commerce import ledger
from commerce.models import Event
from config.env import ROOT
from orders.models import Payment

KEY = "sk_test_simulated"


class Books:
    """Reads what the provider and we have written down, and asks the auditor."""

    def __init__(self, provider: str) -> None:
        self._http = httpx.Client(base_url=f"{provider}/_simulator", auth=(KEY, ""), trust_env=False)

    async def slow_down(self, milliseconds: int) -> None:
        """Let the provider take so long over each call."""
        body = {"milliseconds": milliseconds}
        answer = await asyncio.to_thread(self._http.post, "/latency", json=body)
        answer.raise_for_status()

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

    def ledger_of_provider(self) -> int:
        """What the provider owes us by our ledger, in cents."""
        return ledger.balance(ledger.PROVIDER, "EUR").amount

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
