"""The migrated database, kept from run to run: replaying all migrations takes as long as hundreds of tests.

What is kept is named by what it was made of. A migration that changes makes another, and Django applies to
what it is given whatever is still to be applied.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from config import servers
from config.env import ROOT

TEMPLATE = "migrated"
# What of ours migrations use, see tests/config/test_database.py.
USED = ("commerce/ids.py", "commerce/tenantkeys.py")


def offer(kept: Path) -> None:
    """Have this process's test database be copied from one that is migrated, made or read from `kept`."""
    with Path(os.environ["YELLOWCART_TEST_VAR"], "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        name = connection.settings_dict["NAME"]
        connection.settings_dict["NAME"] = TEMPLATE
        try:
            if _create():
                _fill(kept / f"{digest(sources())}.sql")
        finally:
            connection.close()
            connection.settings_dict["NAME"] = name
    connection.settings_dict["TEST"]["TEMPLATE"] = TEMPLATE


def migrations() -> list[Path]:
    """Return the files of all migrations of ours."""
    rooms = sorted({label.split(".")[0] for label in settings.INSTALLED_APPS if (ROOT / label).is_dir()})
    return [path for room in rooms for path in sorted((ROOT / room / "migrations").glob("*.py"))]


def sources() -> list[Path]:
    """Return the files that the migrated database is made of."""
    return [*migrations(), *(ROOT / each for each in USED), ROOT / "requirements.lock"]


def digest(files: Iterable[Path]) -> str:
    """Return the digest of these files."""
    made = hashlib.sha256()
    for path in files:
        made.update(f"{path.name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return made.hexdigest()[:32]


def _create() -> bool:
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE])
        if cursor.fetchone():
            return False
        cursor.execute(f"CREATE DATABASE {TEMPLATE}")
        return True


def _fill(kept: Path) -> None:
    if kept.exists():
        _program(
            "psql",
            "--quiet",
            "--no-psqlrc",
            "--set=ON_ERROR_STOP=1",
            f"--file={kept}",
            stdout=subprocess.DEVNULL,
        )
        return
    call_command("migrate", verbosity=0, interactive=False)
    connection.close()
    for older in kept.parent.glob("*.sql"):
        older.unlink(missing_ok=True)
    part = kept.with_suffix(f".{os.getpid()}")
    _program("pg_dump", f"--file={part}")
    part.rename(kept)  # Whole or not at all: a run may be ended at any time.


def _program(name: str, *options: str, **more: Any) -> None:
    host = str(connection.settings_dict["HOST"])
    argv = [
        str(servers.postgres_bin() / name),
        f"--host={host}",
        f"--username={servers.SUPERUSER}",
        *options,
        TEMPLATE,
    ]
    subprocess.run(argv, check=True, **more)
