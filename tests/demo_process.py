"""The demo as a process of its own, for tests that start it, look at it and end it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from config.embedded import free_port
from config.env import ROOT

START_SECONDS = 120.0  # On a busy machine; an idle one needs a tenth of it.


class Demo:
    """A running `python -m config.demo` and what it has printed."""

    def __init__(self, var: Path, *, port: int | None = None) -> None:
        self.port, self.live_port = port or free_port(), free_port()
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

    def child(self, command: str) -> psutil.Process | None:
        """The process whose command line has this in it."""
        for process in self.children():
            try:
                if command in " ".join(process.cmdline()):
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


StartDemo = Callable[..., Demo]


@pytest.fixture
def start_demo() -> Iterator[StartDemo]:
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


def gone(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that are still there after a moment to go."""
    left = psutil.wait_procs(processes, timeout=20)[1]
    return [each for each in left if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
