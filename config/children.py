"""Programs run as children of this process: started, waited for, stopped, never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")

# The kernel ends a child with the THREAD that started it, so one thread, which lives as long as the process,
# starts them all.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="starter")


class CannotStart(Exception):
    """A program cannot run here; the message says what to do."""


@dataclass(frozen=True)
class Program:
    """What to run and how to know that it is ready."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)  # on top of ours
    cwd: Path | None = None
    prepare: Callable[[], None] | None = None  # before each start
    ready: Callable[[], bool] | None = None  # asked until it says yes
    ready_line: str = ""  # or: this text appears in a line of output
    ready_within: float = 30.0
    stop_signal: int = signal.SIGTERM
    stop_within: float = 8.0
    orphan_signal: int = signal.SIGKILL  # sent by the kernel when we are gone
    account: str = ""  # runs as this user, when we are root
    reach: bool = False  # that user must pass folders closed to it
    niceness: int = 0  # how far it steps back where processors are short, 0-19; on Linux
    quiet: bool = False  # its output is kept, not shown


class Child:
    """One run of a program, in a process group of its own; its output is read on a thread."""

    def __init__(self, program: Program, *, hear: Callable[[str, str], None] | None = None) -> None:
        self.program = program
        self.lines: deque[str] = deque(maxlen=500)
        self._hear = hear
        self._line_seen = threading.Event()
        if program.prepare:
            program.prepare()
        self.process = _starter.submit(self._spawn).result()
        self._reader = threading.Thread(target=self._read, name=f"{program.name}-output", daemon=True)
        self._reader.start()

    def _spawn(self) -> subprocess.Popen[bytes]:
        program = self.program
        argv = list(program.argv)
        if sys.platform == "linux":
            leash = [sys.executable, "-I", "-S", str(LEASH), str(int(program.orphan_signal))]
            argv = [*leash, program.account or "-", str(int(program.reach)), str(program.niceness), *argv]
        return subprocess.Popen(
            argv,
            env={**os.environ, **program.env},
            cwd=program.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _read(self) -> None:
        assert self.process.stdout is not None
        for raw in self.process.stdout:
            line = raw.decode("utf-8", "replace").rstrip()
            self.lines.append(line)
            if self.program.ready_line and self.program.ready_line in line:
                self._line_seen.set()
            if self._hear and not self.program.quiet:
                self._hear(self.program.name, line)
        self.process.stdout.close()

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def is_ready(self) -> bool:
        """Whether the program says that it works."""
        if self.program.ready_line and not self._line_seen.is_set():
            return False
        return self.program.ready is None or self.program.ready()

    def wait_ready(self, within: float | None = None) -> None:
        """Block until ready; CannotStart with the last output when it ends or takes too long (seconds)."""
        limit = within or self.program.ready_within
        deadline = time.monotonic() + limit
        while not self.is_ready():
            if not self.alive():
                self._reader.join(1)
                raise CannotStart(f"{self.program.name} {self.how_it_ended()}.{self.last_words()}")
            if time.monotonic() > deadline:
                raise CannotStart(f"{self.program.name} is not ready after {limit:.0f} s.{self.last_words()}")
            time.sleep(0.03)

    def last_words(self, count: int = 15) -> str:
        """The last lines of output, indented, for a message."""
        return "".join(f"\n    {line}" for line in list(self.lines)[-count:])

    def how_it_ended(self) -> str:
        """A few words on the exit."""
        code = self.process.poll()
        if code is None:
            return "still runs"
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"

    def tell(self, number: int) -> None:
        """Send a signal to the process."""
        if self.alive():
            self.process.send_signal(number)

    def finish(self, deadline: float) -> None:
        """Wait until `deadline` (monotonic seconds), then kill whatever is left of the group."""
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        self.process.wait()
        self._reader.join(1)

    def stop(self) -> None:
        """Ask to stop, wait, then kill what is left of the group."""
        self.tell(self.program.stop_signal)
        self.finish(time.monotonic() + self.program.stop_within)
