"""`python -m tests.scene`, which is `make scene`: BUYERS and STOCK say how many press for how many pieces.

With KILLS=1 the settler and the live process are killed while they press. With TROUBLE=1 the provider gives
trouble, chosen by SEED: one card in ten declines, one bank in twenty asks its customer first, one answer in
twenty is lost after the deed, and every webhook comes twice and in no order.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import resource
import secrets
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil

from config import embedded, processes, servers
from config.children import CannotStart, Program
from config.supervisor import Stack, stopped_by_signals
from config.variables import VARIABLES
from tests.scene.report import Report
from tests.scene.size import read_size

PREFIX = "yellowcart-scene-"


@contextlib.contextmanager
def own_folder() -> Iterator[Path]:
    """A folder that is gone afterwards; what killed scenes have left is removed first."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        pid = left.name.removeprefix(PREFIX).split("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    folder.chmod(0o711)  # PostgreSQL's own account has to reach its data.
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def table(var: Path) -> tuple[dict[str, Program], dict[str, str]]:
    """The processes of the scene on free ports, and the environment they share."""
    web, live, simulator = embedded.free_port(), embedded.free_port(), embedded.free_port()
    env = {
        "DATABASE_URL": servers.database_url(var),
        "REDIS_URL": servers.redis_url(var),
        "VAR_DIR": str(var),
        "ENV_FILE": os.devnull,
        "SECRET_KEY": secrets.token_urlsafe(40),
        "LOG_LEVEL": "INFO",
    }
    ours = processes.own(
        web_port=web,
        live_port=live,
        simulator_port=simulator,
        secret=f"whsec_{secrets.token_urlsafe(24)}",
        env=env,
        state=var / "simulator.json",
    )
    for name, port in (("web", web), ("live", live)):
        # They start while the tables are being made, and answer before they are ready.
        ours[name] = replace(ours[name], ready=processes.answers(f"http://127.0.0.1:{port}/healthz"))
    return {"postgres": servers.postgres(var), "redis": servers.redis(var), **ours}, dict(ours["web"].env)


def perform(var: Path, report: Report) -> None:
    """Start everything, play, stop everything."""
    size = read_size(os.environ)
    for variable in VARIABLES:  # Nothing that somebody has configured is touched.
        os.environ.pop(variable.name, None)
        os.environ.pop(f"{variable.name}_FILE", None)
    # Every buyer is a socket, here and in the live process.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    programs, env = table(var)
    complaints = Complaints()
    with Stack(programs, say=complaints) as stack:
        report.act(size.in_words())
        stack.start("postgres", "redis")
        os.environ |= {**env, "DJANGO_SETTINGS_MODULE": "config.settings", "LOG_LEVEL": "WARNING"}
        with ThreadPoolExecutor(max_workers=1) as pool:
            starting = pool.submit(stack.start, "simulator", "web", "live")
            import django
            from django.core.management import call_command

            django.setup()
            call_command("migrate", verbosity=0)
            starting.result()
        stack.start()
        report.step("PostgreSQL, Redis, the Stripe simulator and our seven processes are running")

        from tests.scene import people, play
        from tests.scene.books import Books

        books = Books(env["STRIPE_API_BASE"])
        place = play.Place(env["BASE_URL"], env["LIVE_SOCKET_URL"], books)
        if os.environ.get("KILLS") == "1":
            place.disturb = partial(_kill, stack)
        gathered = people.gather(buyers=size.sure, decliners=size.decliners, askers=size.askers)
        report.step(
            f"a merchant, a host and {size.buyers - 1} shoppers with saved cards have signed up before"
        )
        if size.trouble:
            random.seed(size.seed)
            report.step(books.give_trouble(size.seed))
        try:
            asyncio.run(play.Scene(place, gathered, stock=size.stock, report=report).play())
        finally:
            books.close()
        lost = [name for name in programs if not stack.alive(name)]
        report.equal(lost, [], "every process is still there")
        complaints.over = True
    report.step("everything is stopped")


def _kill(stack: Stack) -> str:
    """End two processes as a machine does that loses its power, and say which."""
    ended = [f"{name} (process {stack.kill(name)})" for name in ("live", "settler")]
    return f"while they press, {' and '.join(ended)} are killed"


class Complaints:
    """Shows what processes warn of, and all that the supervisor says."""

    over = False  # Processes that are stopped together miss each other, which is no complaint.

    def __call__(self, name: str, line: str) -> None:
        """Print a line of a process if it is one to be seen."""
        loud = name == "supervisor" or any(f"[{level}" in line for level in ("error", "critical"))
        if loud and not self.over:
            print(f"          {name}: {line}", flush=True)


def main() -> int:
    """Play the scene; 0 when everything was right."""
    report = Report()
    try:
        with stopped_by_signals(), own_folder() as var:
            perform(var, report)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    except CannotStart as error:
        print(f"\nThe scene cannot be played. {error}", file=sys.stderr)
        return 2
    except Exception:
        traceback.print_exc()
        print("\nThe scene broke off.", file=sys.stderr)
        return 1
    print(
        f"\n{report.checks} checks, {report.bad} BAD." if report.bad else f"\n{report.checks} checks, all ok."
    )
    return 1 if report.bad else 0


if __name__ == "__main__":
    sys.exit(main())
