"""The embedded servers of one folder: who runs them, and who only uses them.

They end with the process that started them. Settings import this module, so nothing here may import Django.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config import servers
from config.children import CannotStart
from config.env import ROOT


@dataclass(frozen=True)
class Simulator:
    """Where the Stripe simulator listens and how it signs its webhooks."""

    address: str
    secret: str


def connect_secret(secret: str) -> str:
    """The secret with which the simulator signs what it tells of connected accounts, beside its other one."""
    return f"{secret}_connect"


def simulator(var: Path) -> Simulator | None:
    """The simulator that was last started for var, or None."""
    try:
        found = json.loads((var / "run" / "embedded.json").read_text(encoding="utf-8"))
        return Simulator(address=found["stripe_api_base"], secret=found["stripe_webhook_secret"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def note_simulator(var: Path, port: int) -> Simulator:
    """Write down on which loopback port the simulator listens; the webhook secret of earlier runs stays."""
    known = simulator(var)
    secret = known.secret if known else f"whsec_{secrets.token_urlsafe(24)}"
    found = Simulator(address=f"http://127.0.0.1:{port}", secret=secret)
    folder = var / "run"
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"embedded.json.{os.getpid()}"
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump({"stripe_api_base": found.address, "stripe_webhook_secret": found.secret}, file)
    fresh.replace(folder / "embedded.json")
    return found


def configured_elsewhere() -> bool:
    """Whether the environment names both a database and a Redis, so that nothing embedded is wanted."""
    return all(
        os.environ.get(name) or os.environ.get(f"{name}_FILE") for name in ("DATABASE_URL", "REDIS_URL")
    )


def default_var() -> Path:
    """The folder from VAR_DIR, else `var` in the project."""
    return Path(ROOT, os.environ.get("VAR_DIR") or "var")


# --- who owns them ---


class Claim:
    """The right to run the servers of one folder; one process has it at a time."""

    def __init__(self, var: Path) -> None:
        self._folder = var / "run"
        self._lock: int | None = None

    def take(self) -> bool:
        """Try to become the owner."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._folder / "owner.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise CannotStart(
                f"{self._folder} cannot be used: {error.strerror}. Set VAR_DIR to another folder."
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        os.ftruncate(lock, 0)
        os.write(lock, str(os.getpid()).encode())
        self._lock = lock
        return True

    def require(self) -> None:
        """Become the owner, or CannotStart naming the process that is."""
        if not self.take():
            raise CannotStart(
                f"The servers under {self._folder.parent} are already run by process {self.owner() or '?'}. "
                "Stop it, or set VAR_DIR (and the ports) to run a second one beside it."
            )

    def owner(self) -> str:
        """The owner's process id, or an empty text."""
        try:
            return (self._folder / "owner.lock").read_text().strip()
        except OSError:
            return ""

    def release(self) -> None:
        """Give the right back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


@contextlib.contextmanager
def _guest(var: Path) -> Iterator[int]:
    """Hold the guests' book open, so that the owner waits for us before it stops the servers."""
    book = os.open(var / "run" / "guests.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(book, fcntl.LOCK_SH)
        yield book
    finally:
        os.close(book)


def _wait_for_guests(var: Path, within: float = 60) -> None:
    book = os.open(var / "run" / "guests.lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline, told = time.monotonic() + within, False
    try:
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                fcntl.flock(book, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            if not told:
                print("Another command still uses the embedded servers; waiting for it.", file=sys.stderr)
                told = True
            time.sleep(0.1)
    finally:
        os.close(book)


@contextlib.contextmanager
def running(var: Path, *, fast: bool = False) -> Iterator[None]:
    """Run PostgreSQL and Redis under var for the length of the block; CannotStart when another does."""
    claim = Claim(var)
    claim.require()
    with _owned(claim, var, fast=fast):
        yield


@contextlib.contextmanager
def _owned(claim: Claim, var: Path, *, fast: bool = False) -> Iterator[None]:
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(claim.release)
        cleanup.callback(servers.start(servers.postgres(var, fast=fast)).stop)
        cleanup.callback(servers.start(servers.redis(var, fast=fast)).stop)
        yield
        _wait_for_guests(var)


@contextlib.contextmanager
def available(var: Path | None = None) -> Iterator[None]:
    """Have servers under var for the length of the block: those that run already, or our own."""
    folder = var or default_var()
    deadline = time.monotonic() + 60
    while True:
        claim = Claim(folder)
        if claim.take():
            with _owned(claim, folder):
                yield
            return
        with _guest(folder):
            if servers.up(folder):
                yield
                return
        if time.monotonic() > deadline:
            raise CannotStart(
                f"Process {claim.owner()} has the servers under {folder}, "
                "but they do not answer. Stop it first."
            )
        time.sleep(0.1)


def free_port() -> int:
    """A loopback TCP port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def require_port(port: int, name: str) -> None:
    """CannotStart when somebody listens on the port already; `name` is the variable that changes it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CannotStart(
                f"Port {port} cannot be used: {error.strerror}. Choose another with {name}=..."
            ) from None
