"""Real Celery workers for tests: `worker` is shared, so leave it running; `own_worker` starts one to kill."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from config import processes, servers
from config.children import Child, Program
from config.env import ROOT
from tests.live_server import LiveRoom
from tests.stripe_server import StripeServer

Start = Callable[..., Child]

# One process does here what settler and worker do, unless a test is about both.
BOTH = processes.COMMANDS["settler"].replace("-Q settle ", "-Q settle,notify ")
COMMANDS = {**processes.COMMANDS, "worker": BOTH}


def start(which: str = "worker", /, **env: str) -> Child:
    """Start a worker, or the sweeper, on this test's servers and return it when it takes tasks."""
    database = urlsplit(settings.DATABASE_URL)._replace(path=f"/{connection.settings_dict['NAME']}")
    ours = {
        "DATABASE_URL": urlunsplit(database),
        "REDIS_URL": settings.REDIS_URL,
        "STRIPE_API_BASE": settings.STRIPE_API_BASE,
        "STRIPE_WEBHOOK_SECRETS": ",".join(settings.STRIPE_WEBHOOK_SECRETS),
        "LOG_LEVEL": "INFO",
    }
    argv = [sys.executable, *shlex.split(COMMANDS[which])]
    return servers.start(
        Program(name=which, argv=argv, cwd=ROOT, env={**ours, **env}, ready_line=" ready.", quiet=True)
    )


@pytest.fixture(scope="session")
def _worker_process(django_db_setup: None) -> Iterator[list[Child]]:
    running: list[Child] = []
    yield running
    for child in running:
        child.stop()


@pytest.fixture
def worker(
    transactional_db: None, stripe_server: StripeServer, _worker_process: list[Child]
) -> Iterator[Child]:
    """A worker on this test's database and Redis; started once and shared, so leave it running."""
    if not _worker_process or not _worker_process[-1].alive():
        _worker_process.append(start())
    child = _worker_process[-1]
    child.lines.clear()
    yield child
    print("\n".join(child.lines))  # Shown when the test fails.


@pytest.fixture
def own_worker(
    transactional_db: None, stripe_server: StripeServer, _worker_process: list[Child]
) -> Iterator[Start]:
    """Start workers of this test's own, with more in their environment; the shared one takes nothing away."""
    for child in _worker_process:
        child.stop()
    started: list[Child] = []

    def begin(which: str = "worker", /, **env: str) -> Child:
        started.append(start(which, **env))
        return started[-1]

    yield begin
    for child in started:
        child.stop()
        print("\n".join(child.lines))


def relay_until(true: Callable[[], bool], *, deadline: float = 20.0) -> None:
    """Deliver events as the relay does until something has become true; TimeoutError otherwise."""
    end = time.monotonic() + deadline
    while not true():
        if time.monotonic() > end:
            raise TimeoutError
        if not LiveRoom.relay():
            time.sleep(0.02)
