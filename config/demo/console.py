"""What the demo says: few lines on the screen, all of them in a file."""

from __future__ import annotations

import logging
import logging.handlers
import os
import re
import sys
import textwrap
import time
import traceback
from pathlib import Path

import psutil

from config import supervisor

LOG_BYTES, LOG_FILES = 5_000_000, 1
_STAMPED = re.compile(r"^\d\d:\d\d:\d\d \[(\w+)\s*\]")
OURS = ("supervisor", "audience", "crew")
LOUD = ("warning", "error", "critical")


def began() -> float:
    """When the demo was asked for, in Unix seconds: the start of `make` where that started us."""
    me = psutil.Process()
    parent = me.parent()
    try:
        if parent is not None and parent.name() in ("make", "gmake"):
            return float(parent.create_time())
    except psutil.Error:
        pass
    return float(me.create_time())


class Console:
    """Prints what people want to see; VERBOSE=1 shows everything."""

    def __init__(self, names: list[str], log: Path) -> None:
        self.began = began()
        self._log = log
        self._verbose = os.environ.get("VERBOSE", "") not in ("", "0")
        self._print = supervisor.printer(["demo", *names])
        self._last_loud: dict[str, bool] = {}
        log.parent.mkdir(parents=True, exist_ok=True)
        self._file = logging.handlers.RotatingFileHandler(
            log, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8"
        )
        self._file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))

    def hear(self, name: str, line: str) -> None:
        """Take a line of a process: into the file, and onto the screen if it matters."""
        self._note(name, line)
        if self._verbose or self._matters(name, line):
            self._print(name, line)

    def _note(self, name: str, line: str) -> None:
        self._file.emit(logging.makeLogRecord({"msg": f"{name:<10} | {line}"}))

    def _matters(self, name: str, line: str) -> bool:
        if name in OURS:
            # Their own lines are plain; details are indented; anything else is a warning or a traceback.
            stamped = _STAMPED.match(line)
            return stamped[1] in LOUD if stamped else not line.startswith("  ")
        stamped = _STAMPED.match(line)
        if stamped:
            self._last_loud[name] = stamped[1] in LOUD
        # A traceback belongs to the line before it.
        return self._last_loud.get(name, False)

    def step(self, line: str) -> None:
        """Say what is being done, and how many seconds after the start."""
        self.say(f"{time.time() - self.began:5.1f} s  {line}")

    def say(self, line: str) -> None:
        """Print a line of the demo's own."""
        self._note("demo", line)
        self._print("demo", line)

    def card(self, title: str, rows: list[tuple[str, str]], *, notes: str, after: str) -> None:
        """Print a framed card, and below it a line to be copied."""
        width = max(len(label) for label, _ in rows) + 2
        inside = [f"{label:<{width}}{text}" for label, text in rows]
        inside += ["", *textwrap.wrap(notes, 76)]
        wide = max(len(title) + 4, *(len(line) for line in inside)) + 2
        print(f"\n+-- {title} {'-' * (wide - len(title) - 4)}+", flush=True)
        for line in inside:
            print(f"| {line:<{wide - 1}}|")
        print(f"+{'-' * wide}+\n\n{after}\n", flush=True)

    def complain(self, error: BaseException) -> None:
        """Say why it cannot go on; where from is in the file."""
        for line in traceback.format_exception(error):
            self._note("demo", line.rstrip())
        print(f"\nThe demo cannot go on. {error}\nAll that happened is in {self._log}", file=sys.stderr)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
