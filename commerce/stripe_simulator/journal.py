"""What was accepted, on disk before it is answered: one line of JSON per commit, read again at the next
start.

A line that was cut off by a kill is the last one and was never answered, so it is dropped. The file
survives the death of the process, not of the machine: it is not synced to the disk on every line.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson


class Journal:
    """An append-only file, locked while it is open. Raises: BlockingIOError when another process has it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield every whole line, oldest first."""
        with self.path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    return
                try:
                    yield orjson.loads(line)
                except orjson.JSONDecodeError:
                    return

    def write(self, entry: dict[str, Any]) -> None:
        """Append one line."""
        _write_all(self._file, orjson.dumps(entry) + b"\n")

    def rewrite(self, entries: Iterable[dict[str, Any]]) -> None:
        """Replace the file by these lines at once, so that it does not grow with every start."""
        fresh = self.path.with_name(self.path.name + ".new")
        target = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        for entry in entries:
            _write_all(target, orjson.dumps(entry) + b"\n")
        os.fsync(target)
        os.replace(fresh, self.path)
        os.close(self._file)
        self._file = target

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)
        os.close(self._lock)


def _write_all(target: int, data: bytes) -> None:
    while data:
        data = data[os.write(target, data) :]
