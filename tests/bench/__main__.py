"""`python -m tests.bench`, which is `make bench`: measures against floors of the same run."""

import argparse
import contextlib
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Start servers of its own, run the benchmarks that were asked for, print and write the table."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", default="", help='Ids, such as "P5".')
    parser.add_argument("--json", type=Path, help="Also write the rows there.")
    asked = parser.parse_args()

    from config import servers
    from config.variables import VARIABLES

    var = Path(tempfile.mkdtemp(prefix="yellowcart-bench-"))
    var.chmod(0o711)  # PostgreSQL's own account has to reach its data.
    with contextlib.ExitStack() as running:
        running.callback(shutil.rmtree, var, ignore_errors=True)
        for program in (servers.postgres(var), servers.redis(var)):
            running.callback(servers.start(program).stop)
        for variable in VARIABLES:
            os.environ.pop(variable.name, None)
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "ENV_FILE": os.devnull,
            "DATABASE_URL": servers.database_url(var),
            "REDIS_URL": servers.redis_url(var),
            "VAR_DIR": str(var),
            "LOG_LEVEL": "ERROR",
        }
        _measure(asked.only.split(), asked.json)


def _measure(only: list[str], path: Path | None) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from tests.bench import buying, table

    benches = {"P5": buying.run}
    unknown = set(only) - set(benches)
    if unknown:
        sys.exit(f"There is no benchmark {' '.join(sorted(unknown))}. There are: {' '.join(benches)}.")
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0]
    print(f"Python {platform.python_version()}, PostgreSQL {version}, fsync on, {os.cpu_count()} cores")
    rows = []
    for name, bench in benches.items():
        if not only or name in only:
            print(f"==> {name}", flush=True)
            rows += bench()
    connection.close()
    print(table.printed(rows))
    if path is not None:
        table.write(rows, path)


if __name__ == "__main__":
    main()
