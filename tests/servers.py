"""The test suite's own PostgreSQL and Redis: a pytest plugin, loaded before Django's settings are.

With `-n 2` one PostgreSQL serves all workers, each with a database of its own; every worker has its own
Redis, because a Redis tells every database number what is published in one.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest

from config import embedded, servers
from config.children import CannotStart
from config.variables import VARIABLES

PREFIX = "yctest-"
NOT_A_RUN = {"--help", "-h", "--version", "-V", "--markers", "--fixtures"}
running = contextlib.ExitStack()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(args: list[str]) -> Generator[None]:
    """Start the servers and name them in the environment, ahead of pytest-django reading the settings."""
    if not NOT_A_RUN.intersection(args):
        atexit.register(running.close)
        try:
            _start(os.environ.get("PYTEST_XDIST_WORKER", ""))
        except CannotStart as error:
            raise pytest.UsageError(f"The test servers cannot start. {error}") from None
    return (yield)


def pytest_unconfigure() -> None:
    """Stop the servers and remove their folder; after Ctrl-C, too."""
    running.close()


def _start(worker: str) -> None:
    shared = os.environ.get("YELLOWCART_TEST_VAR") if worker else None
    if shared:
        var = Path(shared) / worker
        var.mkdir()
    else:
        _remove_leftovers()
        var = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        running.callback(shutil.rmtree, var, ignore_errors=True)
        # PostgreSQL's own account has to reach its data.
        var.chmod(0o711)
        # Nothing a developer has set may change what is tested.
        for variable in VARIABLES:
            os.environ.pop(variable.name, None)
            os.environ.pop(f"{variable.name}_FILE", None)
        running.callback(servers.start(servers.postgres(var, fast=True)).stop)
        os.environ |= {
            "YELLOWCART_TEST_VAR": str(var),
            "DATABASE_URL": servers.database_url(var),
            "ENV_FILE": os.devnull,
        }
    running.callback(servers.start(servers.redis(var, fast=True)).stop)
    os.environ |= {
        "REDIS_URL": servers.redis_url(var),
        "VAR_DIR": str(var),
        "STRIPE_API_BASE": f"http://127.0.0.1:{embedded.free_port()}",
        "STRIPE_WEBHOOK_SECRETS": "whsec_for_the_tests_only",
        "HOLD_SECONDS": "600",
    }


def _remove_leftovers() -> None:
    """Folders of runs that were killed; their servers ended with them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        pid = folder.name.removeprefix(PREFIX).split("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)
