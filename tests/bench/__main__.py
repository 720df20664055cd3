"""`python -m tests.bench`, which is `make bench`: measures against floors of the same run."""

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path


def main() -> None:
    """Start servers of its own, run the benchmarks that were asked for, print and write the table."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", default="", help='Ids, such as "P1 P5".')
    parser.add_argument("--json", type=Path, help="Also write the rows there.")
    parser.add_argument("--runs", type=int, help="How many runs the medians are of; 3 unless said otherwise.")
    asked = parser.parse_args()
    if asked.runs:
        os.environ["RUNS"] = str(asked.runs)

    from config import servers
    from config.env import ROOT
    from config.supervisor import stopped_by_signals
    from config.variables import VARIABLES

    var = Path(tempfile.mkdtemp(prefix="yellowcart-bench-"))
    var.chmod(0o711)  # PostgreSQL's own account has to reach its data.
    cache = ROOT / "var" / "bench"
    cache.mkdir(parents=True, exist_ok=True)
    try:
        with stopped_by_signals(), contextlib.ExitStack() as running:
            running.callback(shutil.rmtree, var, ignore_errors=True)
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
            from tests.bench import database

            running.enter_context(database.running(var))
            running.callback(servers.start(servers.redis(var)).stop)
            done = _measure(asked.only.split(), asked.json, cache)
    except KeyboardInterrupt:
        sys.exit("Stopped.")
    sys.exit(0 if done else 1)


def _measure(only: list[str], path: Path | None, cache: Path) -> bool:
    """Run the benchmarks and print the table; False when one of them could not run."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from tests.bench import (
        buying,
        database,
        drop,
        feeding,
        ladder,
        listing,
        machine,
        memory,
        reconnect,
        runs,
        settling,
        slow,
        syncing,
        table,
        ticks,
    )

    benches: dict[str, Callable[[], list[table.Row]]] = {
        "P1": lambda: ladder.run(cache),
        "P2": lambda: ticks.throughput(cache),
        "P3": ticks.latency,
        "P4": memory.run,
        "P5": buying.run,
        "P6": drop.run,
        "P7": settling.run,
        "P8": listing.run,
        "P9": feeding.run,
        "P10": reconnect.run,
        "sync": syncing.run,
        "slow": slow.run,
    }
    unknown = set(only) - set(benches)
    if unknown:
        sys.exit(f"There is no benchmark {' '.join(sorted(unknown))}. There are: {' '.join(benches)}.")
    call_command("migrate", verbosity=0)
    machine.allow_sockets()
    described = machine.described()
    print("\n".join(described), f"medians of {runs.count()} runs", sep="\n")
    rows, failed = [], []
    for name, bench in benches.items():
        if only and name not in only:
            continue
        print(f"==> {name}", flush=True)
        begun = time.monotonic()
        # These take the whole machine: the till, its database and its client share both cores.
        whole = name in ("P5", "P6", "P7", "P9", "sync")
        machine.pin_family(*(machine.CORES if whole else {machine.CLIENT_CORE}))
        try:
            rows += bench()
        except runs.CannotRun as error:
            failed.append(f"{name} could not run: {error}")
        except Exception:
            traceback.print_exc()
            failed.append(f"{name} could not run; see above.")
        except KeyboardInterrupt:
            print(table.printed(rows))
            raise
        runs.note(f"took {time.monotonic() - begun:.0f} s")
        database.empty()
    connection.close()
    print(table.printed(rows))
    if path is not None:
        table.write(rows, path)
    print("\n".join(failed))
    return not failed


if __name__ == "__main__":
    main()
