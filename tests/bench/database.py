"""The bench's PostgreSQL: as the project starts it, with an ear for the statements that are logged."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from config import servers
from config.children import Child

_SAID = ("LOG:  statement:", "LOG:  execute ")

statements: list[str] = []  # Those that were logged so far.


def _hear(_name: str, line: str) -> None:
    for said in _SAID:
        if said in line:
            statements.append(line.split(said, 1)[1].strip())
            return
    # One that is written over several lines begins in the next.
    if statements and not statements[-1]:
        statements[-1] = line.strip()


def logged() -> dict[str, str]:
    """Return what makes PostgreSQL log every statement of a process, as its environment."""
    return {"DATABASE_URL": f"{os.environ['DATABASE_URL']}&options={quote('-c log_statement=all')}"}


@contextlib.contextmanager
def running(var: Path) -> Iterator[None]:
    """Run PostgreSQL under a folder until the block ends; raises CannotStart."""
    child = Child(replace(servers.postgres(var), quiet=False), hear=_hear)
    try:
        child.wait_ready()
        yield
    finally:
        child.stop()
