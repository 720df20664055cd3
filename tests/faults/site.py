"""Our own processes on a Redis of their own, and with servers that can be made to fail beneath them."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import redis
from django.conf import settings

from config import processes, servers
from config.children import Child, Program
from config.embedded import free_port
from orders.models import Purchase

BACKGROUND = ("relay", "settler", "worker")


class Site:
    """Processes by name, on a database and a Redis under `var`; all of it ends with the stack."""

    def __init__(self, var: Path, stack: ExitStack, database: str, *names: str) -> None:
        self.var, self.stack = var, stack
        self.web_port = free_port()
        self.redis = self._start_redis()
        self.table = processes.own(
            web_port=self.web_port,
            live_port=free_port(),
            simulator_port=urlsplit(settings.STRIPE_API_BASE).port or 0,
            secret=settings.STRIPE_WEBHOOK_SECRETS[0],
            env={"DATABASE_URL": database, "REDIS_URL": servers.redis_url(var), "VAR_DIR": str(var)},
            state=var / "unused.json",
        )
        self.children = {name: self._start(self.table[name]) for name in (names or ("web", *BACKGROUND))}

    def _start(self, program: Program) -> Child:
        child = servers.start(program)
        self.stack.callback(child.stop)
        return child

    def _start_redis(self) -> Child:
        return self._start(servers.redis(self.var, fast=True))

    def kill_redis(self) -> None:
        """SIGKILL it; everything in it is gone."""
        self.redis.tell(signal.SIGKILL)
        self.redis.finish(time.monotonic() + 5)

    def restart_redis(self) -> None:
        """Start it again, empty."""
        self.redis = self._start_redis()

    def flush_redis(self) -> None:
        """Lose everything that is in it, under the feet of all who use it."""
        with redis.Redis.from_url(servers.redis_url(self.var)) as client:
            client.flushall()

    def until(self, true: Callable[[], Any], *, deadline: float = 50.0) -> None:
        """Wait until something is true; whoever has ended is started again, as by a supervisor."""
        end = time.monotonic() + deadline
        while not true():
            assert time.monotonic() < end, list(Purchase.objects.values_list("status", flat=True))
            for name, child in self.children.items():
                if not child.alive():
                    print(f"--- {name} was started again", *child.lines, sep="\n")
                    self.children[name] = self._start(self.table[name])
            time.sleep(0.05)

    def until_paid(self, count: int, *, deadline: float = 50.0) -> None:
        """Wait until so many purchases are paid."""
        self.until(lambda: Purchase.objects.filter(status="paid").count() >= count, deadline=deadline)

    def buy(self, cookie: str, body: Mapping[str, object], *, key: str = "") -> httpx.Response:
        """Buy as a page does."""
        token = "a" * 32
        return httpx.post(
            f"http://127.0.0.1:{self.web_port}/api/v1/purchases",
            json=body,
            headers={
                "Cookie": f"{cookie}; csrftoken={token}",
                "X-CSRFToken": token,
                "Idempotency-Key": key or str(uuid4()),
            },
            trust_env=False,
            timeout=20,
        )

    def tell(self) -> None:
        """Print what the processes said; it is shown when the test fails."""
        for name, child in self.children.items():
            print(f"--- {name}", *child.lines, sep="\n")
