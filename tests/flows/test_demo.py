"""The demo as somebody meets it who has just typed `make demo`."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest

from config.demo import cast
from config.embedded import free_port
from config.env import ROOT
from streams import client
from tests.scene.browser import Browser

START_SECONDS = 120.0  # On a busy machine; an idle one needs a tenth of it.


class Demo:
    """A running `python -m config.demo` and what it has printed."""

    def __init__(self, var: Path, *, port: int | None = None) -> None:
        self.var, self.port, self.live_port = var, port or free_port(), free_port()
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "config.demo"],
            cwd=ROOT,
            env={
                **os.environ,
                "VAR_DIR": str(var),
                "PORT": str(self.port),
                "LIVE_PORT": str(self.live_port),
                "PYTHONUNBUFFERED": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    @property
    def text(self) -> str:
        """All it has printed."""
        return "\n".join(self.lines)

    def children(self) -> list[psutil.Process]:
        """Every process below it."""
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def child(self, *words: str) -> psutil.Process | None:
        """The process that runs a command with these words in it."""
        for process in self.children():
            try:
                if all(word in process.cmdline() for word in words):
                    return process
            except psutil.Error:
                continue
        return None

    def wait_for(self, what: str, true: Callable[[], Any], within: float = START_SECONDS) -> None:
        """Wait until something is so, as long as the demo runs."""
        deadline = time.monotonic() + within
        while not true():
            assert self.process.poll() is None, f"the demo ended with {self.process.returncode}:\n{self.text}"
            assert time.monotonic() < deadline, f"not within {within:.0f} s: {what}\n{self.text}"
            time.sleep(0.05)

    def wait_for_line(self, pattern: str) -> str:
        """Wait for a line that matches, and return it."""
        self.wait_for(pattern, lambda: re.search(pattern, self.text))
        return next(line for line in self.lines if re.search(pattern, line))

    def end(self, number: int) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        status = self.process.wait(60)
        self._reader.join(5)
        return status


Start = Callable[..., Demo]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start demos; whatever is left of them is ended afterwards."""
    started: list[Demo] = []

    def begin(var: Path, **more: Any) -> Demo:
        started.append(Demo(var, **more))
        return started[-1]

    yield begin
    for demo in started:
        left = demo.children()
        demo.process.kill()
        demo.process.wait(10)
        psutil.wait_procs(left, timeout=20)


def look_around(base: str, password: str) -> str:
    """Open the pages, sign in as the visitor, and return a ticket for the live show."""
    for path in ("/", f"/live/{cast.LIVE.slug}", "/studio/login/", "/admin/login/", "/api/docs"):
        assert httpx.get(base + path, trust_env=False).status_code == 200, path
    picture = httpx.get(f"{base}/demo/pictures/host-1.svg", trust_env=False)
    assert picture.headers["Content-Type"] == "image/svg+xml"
    assert httpx.get(f"{base}/demo/pictures/..%2fcast.py", trust_env=False).status_code == 404
    visitor = Browser(base)
    visitor.ask("POST", "account/sign-in", {"email": cast.VISITOR.email, "password": password})
    ticket = visitor.ticket(cast.LIVE.slug)
    visitor.close()
    return ticket


async def say_hello(demo: Demo, host: str, ticket: str) -> None:
    """Say something in the live show, as a page opened at that host does."""
    url = f"ws://{host}:{demo.live_port}/ws/v1/live/{cast.LIVE.slug}"
    async with client.Room(url, origin=f"http://{host}:{demo.port}", ticket=ticket) as room:
        assert room.snapshot is not None
        assert room.snapshot["me"]["name"] == cast.VISITOR.name
        await room.command("chat.send", {"text": "hello"}, key=uuid4())


def gone(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that are still there after a moment to go."""
    left = psutil.wait_procs(processes, timeout=20)[1]
    return [each for each in left if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.timeout(400)
def test_the_demo_sells_mends_itself_and_leaves_nothing(start: Start, tmp_path: Path) -> None:
    demo = start(tmp_path)
    demo.wait_for_line("Yellowcart is running")
    demo.wait_for_line(r"first paid purchase [\d.]+ s after the start")
    password = json.loads((tmp_path / "demo.json").read_text())["password"]

    for host in ("localhost", "127.0.0.1"):
        ticket = look_around(f"http://{host}:{demo.port}", password)
        asyncio.run(say_hello(demo, host, ticket))

    same_folder = start(tmp_path)
    assert same_folder.process.wait(60) == 1
    assert f"run by process {demo.process.pid}" in same_folder.text
    same_port = start(tmp_path / "other", port=demo.port)
    assert same_port.process.wait(60) == 1
    assert f"Port {demo.port} cannot be used" in same_port.text
    assert "PORT=" in same_port.text

    worker = demo.child("celery", "worker")
    assert worker is not None
    worker.kill()
    demo.wait_for_line(rf"worker \(process {worker.pid}\) was ended by SIGKILL")
    demo.wait_for("another worker", lambda: (found := demo.child("celery", "worker")) and found != worker)

    everything = demo.children()
    assert len(everything) > 9
    assert demo.end(signal.SIGINT) == 0
    assert gone(everything) == []


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_a_killed_demo_leaves_nothing_and_begins_again_where_it_was(start: Start, tmp_path: Path) -> None:
    demo = start(tmp_path)
    demo.wait_for_line("first paid purchase")
    everything = demo.children()
    demo.end(signal.SIGKILL)
    assert gone(everything) == []

    again = start(tmp_path)
    again.wait_for_line("Yellowcart is running")
    again.wait_for_line("first paid purchase")
    assert "products," not in again.text  # The feeds were read before.
    for name in ("postgres", "redis-server"):
        before = next(each for each in again.children() if each.name().startswith(name))
        before.kill()
        again.wait_for_line(rf"\(process {before.pid}\) was ended by SIGKILL")
    sold = len(again.lines)
    again.wait_for("it sells again", lambda: any(" paid" in line for line in again.lines[sold:]))
    everything = again.children()
    assert again.end(signal.SIGTERM) == 0
    assert gone(everything) == []
