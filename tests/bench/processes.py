"""The processes that are measured, and the load client: started, pinned to their cores, spoken to, ended."""

import contextlib
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from django.conf import settings

from config import servers
from config.children import Child, Program
from config.embedded import free_port
from config.env import ROOT
from config.processes import listens
from tests.bench import machine
from tests.bench.runs import CannotRun

HERE = Path(__file__).parent


class Talker:
    """A process that takes orders on its standard input and answers in lines; it ends when its input does."""

    def __init__(self, name: str, argv: list[str], *, core: int) -> None:
        self.name = name
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            # Ctrl-C is for the bench, which then ends its processes.
            start_new_session=True,
        )
        machine.pin(self._process.pid, core)
        self._heard: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name=name, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        process = self._process
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._reader.join(1)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def write(self, data: bytes) -> None:
        """Send bytes to the process; raises CannotRun when it has gone."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except OSError:
            raise CannotRun(f"{self.name} has ended with {self._process.poll()}") from None

    def line(self, within: float) -> str:
        """Return the next line it says; raises CannotRun when none comes within so many seconds."""
        try:
            line = self._heard.get(timeout=max(0.0, within))
        except queue.Empty:
            raise CannotRun(f"{self.name} said nothing in {within:.0f} s") from None
        if line is None:
            raise CannotRun(f"{self.name} has ended with {self._process.poll()}")
        return line

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._heard.put(line.decode().rstrip("\n"))
        self._heard.put(None)


class Viewers(Talker):
    """The load client."""

    def __init__(self) -> None:
        argv = [sys.executable, "-m", "tests.bench.client"]
        super().__init__("load client", argv, core=machine.CLIENT_CORE)

    def order(self, do: str, **more: Any) -> None:
        """Tell it to do something."""
        self.write(json.dumps({"do": do, **more}).encode() + b"\n")

    def hear(self, what: str, *, within: float, **about: Any) -> dict[str, Any]:
        """Return its next message of that kind which says so.

        Raises CannotRun when a viewer has failed, or none comes within so many seconds.
        """
        deadline = time.monotonic() + within
        while True:
            try:
                said: dict[str, Any] = json.loads(self.line(deadline - time.monotonic()))
            except CannotRun as error:
                raise CannotRun(f"no '{what}' {about or ''}: {error}") from None
            if said["say"] == "failed":
                raise CannotRun(f"a viewer of {said['group']} failed: {said['why']}")
            if said["say"] == what and about.items() <= said.items():
                return said

    def open(self, group: str, n: int, port: int, *, within: float = 60.0, **more: Any) -> dict[str, Any]:
        """Open a group of connections and wait until everybody is in."""
        self.order("open", name=group, n=n, port=port, **more)
        try:
            return self.hear("whole", group=group, within=within)
        except CannotRun as error:
            stats = self.stats(group)
            seen = f"{stats['whole']} of {n} are in, {stats['refused']} refused, closed: {stats['closes']}"
            raise CannotRun(f"{error}; {seen}") from None

    def begin(self, group: str) -> None:
        """Let a group count from now on."""
        self.order("begin", group=group)
        self.hear("begun", group=group, within=20)

    def stats(self, group: str) -> dict[str, Any]:
        """Return what a group has counted since its `begin`."""
        self.order("end", group=group)
        return self.hear("stats", group=group, within=20)

    def close(self, group: str) -> None:
        """Close a group's connections."""
        self.order("close", group=group)
        self.hear("closed", group=group, within=20)


@contextlib.contextmanager
def serving(
    name: str, module: str, *, env: Mapping[str, str] | None = None, core: int = machine.SERVER_CORE
) -> Iterator[tuple[Child, int]]:
    """Run a Python server (`--port`) on its core, until the block ends; gives the process and its port."""
    port = free_port()
    argv = [sys.executable, "-m", *module.split(), "--port", str(port)]
    program = Program(
        name=name, argv=argv, env=dict(env or {}), cwd=ROOT, ready=listens(port), stop_within=3, quiet=True
    )
    child = servers.start(program)
    try:
        machine.pin(child.pid, core)
        yield child, port
    finally:
        # Nothing is measured any more, and thousands of goodbyes take their time.
        child.process.kill()
        child.stop()


# Where coming in is not what is measured, thousands may come at once.
OPEN_DOOR = {"ROOM_UPGRADES_PER_SECOND": "5000"}


def as_in_earnest() -> dict[str, str]:
    """Return the environment of a process that runs as for shoppers: DEBUG notes every statement."""
    return {
        "DEBUG": "false",
        "SECRET_KEY": settings.SECRET_KEY,
        "BASE_URL": settings.BASE_URL,
        "STRIPE_SECRET_KEY": settings.STRIPE_SECRET_KEY,
        "STRIPE_PUBLISHABLE_KEY": settings.STRIPE_PUBLISHABLE_KEY,
        "STRIPE_WEBHOOK_SECRETS": ",".join(settings.STRIPE_WEBHOOK_SECRETS) or "whsec_of_nobody",
        "WEBHOOK_KEYS": ",".join(settings.WEBHOOK_KEYS),
    }


@contextlib.contextmanager
def live(**env: str) -> Iterator[tuple[Child, int]]:
    """Run one live process, with these settings on top of ours."""
    with serving("live", "config.live", env={"METRICS_PORT": "0", **as_in_earnest(), **env}) as running:
        yield running


def compiler() -> str:
    """Return the C compiler; empty when there is none."""
    return shutil.which(os.environ.get("CC") or "cc") or ""
