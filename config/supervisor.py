"""Keeps the processes of one machine going: starts, watches, starts again what dies, stops all."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Self

from config.children import CannotStart, Child, Program

Say = Callable[[str, str], None]  # takes a program's name and a line

BACK_OFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0)
# Dies this often within the window: something is wrong that another start does not mend.
MOST_DEATHS, DEATHS_WINDOW_SECONDS = 5, 60.0


class Stack:
    """Keeps the programs of a table running: starts, watches, starts again what dies, stops all.

    Tests end and restart them by name: `stack.kill("worker")`, `stack.pid("worker")`, `stack.restart("web")`.
    """

    def __init__(self, programs: Mapping[str, Program], *, say: Say | None = None) -> None:
        self._programs = dict(programs)
        self._say = say or (lambda _name, _line: None)
        self._children: dict[str, Child] = {}
        self._wanted: list[str] = []
        self._deaths: dict[str, deque[float]] = {name: deque(maxlen=MOST_DEATHS) for name in programs}
        self._again_at: dict[str, float] = {}
        self._proven: set[str] = set()  # have been ready at least once
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._gave_up: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- starting and stopping ---

    def start(self, *names: str) -> None:
        """Start these (all, when none is named) together and wait until they are ready, or CannotStart."""
        names = names or tuple(name for name in self._programs if name not in self._children)
        with self._lock:
            for name in names:
                self._children[name] = Child(self._programs[name], hear=self._say)
                self._wanted.append(name)
            if not self._watcher.is_alive() and not self._stopping.is_set():
                self._watcher.start()
        for name in names:
            self.wait_ready(name)

    def stop(self) -> None:
        """Stop everything, the newest first and the servers last; returns when nothing is left."""
        self._stopping.set()
        if self._watcher.is_alive() and self._watcher is not threading.current_thread():
            self._watcher.join()
        with self._lock:
            names, self._wanted = self._wanted[::-1], []
            servers = [name for name in names if name in ("postgres", "redis")]
            for group in ([name for name in names if name not in servers], servers):
                self._finish(group)

    def stop_one(self, name: str) -> None:
        """Stop one program and leave it stopped."""
        with self._lock:
            self._wanted.remove(name)
            self._finish([name])

    def _finish(self, names: Sequence[str]) -> None:
        children = [self._children[name] for name in names]
        now = time.monotonic()
        for child in children:
            child.tell(child.program.stop_signal)
        try:
            for child in children:
                child.finish(now + child.program.stop_within)
        except KeyboardInterrupt:
            # Asked a second time: whoever asks does not want to wait.
            for child in children:
                child.finish(now)
            raise

    def restart(self, name: str) -> None:
        """Stop one program in good order, start it again, and wait until it is ready."""
        with self._lock:
            if name in self._wanted:
                self.stop_one(name)
        self.start(name)

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to one program without asking the supervisor; returns the process id it went to."""
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    # --- looking ---

    def pid(self, name: str) -> int:
        """The process id of the program's newest run."""
        return self._children[name].pid

    def alive(self, name: str) -> bool:
        """Whether the program runs just now."""
        return name in self._children and self._children[name].alive()

    def output(self, name: str) -> list[str]:
        """The last lines of the program's newest run."""
        return list(self._children[name].lines)

    def wait_ready(self, name: str, within: float | None = None, *, after_pid: int | None = None) -> None:
        """Block until the program is ready, with after_pid until a later run of it is; raises CannotStart."""
        limit = within or self._programs[name].ready_within
        deadline = time.monotonic() + limit
        while True:
            child = self._children[name]
            if child.pid != after_pid:
                try:
                    child.wait_ready(max(0.05, deadline - time.monotonic()))
                    self._proven.add(name)
                    return
                except CannotStart:
                    # A run may die while it starts and be started again; the deadline decides.
                    if child.alive() or self._is_lost(name) or time.monotonic() > deadline:
                        raise
            if time.monotonic() > deadline:
                raise CannotStart(f"{name} was not started again within {limit:.0f} s.{child.last_words()}")
            time.sleep(0.02)

    def wait(self, within: float | None = None) -> str | None:
        """Block until a program is given up and return its name; None when `within` seconds pass first."""
        deadline = None if within is None else time.monotonic() + within
        while deadline is None or time.monotonic() < deadline:
            try:
                # Short waits, so that a signal is noticed on every platform.
                return self._gave_up.get(
                    timeout=0.5 if deadline is None else min(0.5, deadline - time.monotonic())
                )
            except (queue.Empty, ValueError):
                continue
        return None

    # --- watching ---

    def _is_lost(self, name: str) -> bool:
        return name not in self._wanted

    def _watch(self) -> None:
        while not self._stopping.wait(0.05):
            with self._lock:
                for name in list(self._wanted):
                    if not self._stopping.is_set() and not self._children[name].alive():
                        self._look_after(name)

    def _look_after(self, name: str) -> None:
        now, child = time.monotonic(), self._children[name]
        if name not in self._again_at:
            self._deaths[name].append(now)
            recent = sum(now - moment < DEATHS_WINDOW_SECONDS for moment in self._deaths[name])
            how = f"{name} (process {child.pid}) {child.how_it_ended()}"
            if name not in self._proven:
                # What has never worked does not begin to by another try.
                self._give_up(name, f"{how} before it was ready.")
            elif recent >= MOST_DEATHS:
                self._give_up(name, f"{how}, {recent} times within a minute. Giving up.")
            else:
                pause = BACK_OFF_SECONDS[recent - 1]
                self._say("supervisor", f"{how}; starting it again in {pause:g} s")
                self._again_at[name] = now + pause
        elif now >= self._again_at[name]:
            del self._again_at[name]
            child.finish(now)
            try:
                self._children[name] = Child(self._programs[name], hear=self._say)
            except CannotStart as error:
                self._give_up(name, f"{name} cannot be started again. {error}")
            else:
                self._say("supervisor", f"{name} runs again as process {self._children[name].pid}")

    def _give_up(self, name: str, why: str) -> None:
        child = self._children[name]
        self._say("supervisor", why + (child.last_words() if child.program.quiet else ""))
        self._wanted.remove(name)
        self._gave_up.put(name)


COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)


def printer(names: Sequence[str]) -> Say:
    """A function that prints a program's line behind its name, in colour on a terminal."""
    width = max(len(name) for name in (*names, "supervisor"))
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    lock = threading.Lock()

    def say(name: str, line: str) -> None:
        number = COLOURS[sorted(names).index(name) % len(COLOURS)] if name in names else 31
        label = f"{name:<{width}} |"
        with lock:
            print(f"\x1b[{number}m{label}\x1b[0m {line}" if colour else f"{label} {line}", flush=True)

    return say


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Within the block SIGTERM and SIGHUP unwind like Ctrl-C, so that whatever was started is stopped.

    SIGINT is taken, too: a shell starts what runs in its background with SIGINT ignored.
    """

    def unwind(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {
        number: signal.signal(number, unwind) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
