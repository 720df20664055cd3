"""The bench's PostgreSQL: as the project starts it, with an ear for the statements that are logged."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from config import servers
from config.children import Child

# In the environment of a process, these make PostgreSQL log every statement of it.
LOGGED = {"PGOPTIONS": "-c log_statement=all -c log_min_messages=log"}
_SAID = ("LOG:  statement: ", "LOG:  execute ")

statements: list[str] = []  # Those that were logged so far.


def _hear(_name: str, line: str) -> None:
    for said in _SAID:
        if said in line:
            statements.append(line.split(said, 1)[1])


@contextlib.contextmanager
def running(var: Path) -> Iterator[None]:
    """Run PostgreSQL under a folder until the block ends; raises CannotStart."""
    child = Child(replace(servers.postgres(var), quiet=False), hear=_hear)
    try:
        child.wait_ready()
        yield
    finally:
        child.stop()
