"""Redis killed in the middle: buying goes on, and everything settles once it is back, empty."""

import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from django.conf import settings
from django.utils import timezone

from config import processes, servers
from config.children import Child, Program
from config.embedded import free_port
from orders.models import Purchase
from tests.live_server import cookie_of
from tests.orders import make
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db(transaction=True)


class Site:
    """Web, relay and worker on this test's database, and on a Redis of their own that can be killed."""

    def __init__(self, var: Path, stack: ExitStack, database: str) -> None:
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
        self.children = {
            name: self._start(self.table[name]) for name in ("web", "relay", "settler", "worker")
        }

    def _start(self, program: Program) -> Child:
        child = servers.start(program)
        self.stack.callback(child.stop)
        return child

    def _start_redis(self) -> Child:
        return self._start(servers.redis(self.var, fast=True))

    def kill_redis(self) -> None:
        self.redis.tell(signal.SIGKILL)
        self.redis.finish(time.monotonic() + 5)

    def restart_redis(self) -> None:
        self.redis = self._start_redis()

    def until_paid(self, count: int, *, deadline: float = 50.0) -> None:
        end = time.monotonic() + deadline
        while Purchase.objects.filter(status="paid").count() < count:
            assert time.monotonic() < end, list(Purchase.objects.values_list("status", flat=True))
            for name in ("settler", "worker"):
                # Celery's worker may end itself while it gives back a task to a broker that has gone; whoever
                # supervises it starts it again.
                if not self.children[name].alive():
                    self.children[name] = self._start(self.table[name])
            time.sleep(0.05)

    def buy(self, cookie: str, body: Mapping[str, object]) -> httpx.Response:
        token = "a" * 32
        return httpx.post(
            f"http://127.0.0.1:{self.web_port}/api/v1/purchases",
            json=body,
            headers={
                "Cookie": f"{cookie}; csrftoken={token}",
                "X-CSRFToken": token,
                "Idempotency-Key": str(uuid4()),
            },
            trust_env=False,
            timeout=20,
        )


@pytest.fixture
def site(process_env: dict[str, str], stripe_server: StripeServer, tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        running = Site(tmp_path, stack, process_env["DATABASE_URL"])
        yield running
        for name, child in running.children.items():  # Shown when the test fails.
            print(f"--- {name}", *child.lines, sep="\n")


def test_a_purchase_made_while_redis_is_away_is_paid_when_it_is_back(site: Site) -> None:
    lipstick = make.variant(stocked=5, amount=1999)
    stream = make.show(lipstick, now=timezone.now())
    cookie = cookie_of(make.real_buyer())
    body = {
        "lines": [{"variant": str(lipstick.id), "quantity": 1}],
        "expect_total": {"amount": 1999, "currency": "EUR"},
        "stream": stream.slug,
    }
    assert site.buy(cookie, body).status_code == 201
    site.until_paid(1)

    site.kill_redis()
    during = site.buy(cookie, body)

    assert during.status_code == 201, during.text
    assert Purchase.objects.get(pk=during.json()["id"]).status == "accepted"
    site.restart_redis()
    site.until_paid(2)
    assert site.buy(cookie, body).status_code == 201
    site.until_paid(3)
    assert make.left(lipstick) == 2
    assert site.children["web"].alive()
    assert site.children["relay"].alive()
    assert make.broken() == []
