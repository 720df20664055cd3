"""Starts everything, seeds it, shows the card, and keeps it going until Ctrl-C."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from config import embedded, processes
from config.children import CannotStart, Program
from config.demo import cast
from config.demo.console import Console
from config.demo.notebook import Notebook
from config.env import ROOT
from config.supervisor import Stack, stopped_by_signals
from config.variables import VARIABLES

SERVERS = ("postgres", "redis")
BEFORE_TABLES = ("simulator", "web", "live")  # Can start while the database is being laid out.
AFTER_TABLES = ("relay", "settler", "worker", "sweeper", "beat")
SCRIPT = ("crew", "audience")
# They show their metrics on METRICS_PORT, the one after it, and so on.
MEASURED = ("web", "live", "relay", "settler", "worker")
LOOK_SECONDS = 5.0
PAUSE = timedelta(seconds=20)  # Between a show that a visitor has ended and the next one.


def main() -> int:
    """Run the demo until Ctrl-C; return the exit status."""
    try:
        web_port = _port("PORT", 8000)
        live_port = _port("LIVE_PORT", web_port + 1)
        metrics_port = _metrics_port()
        var = embedded.default_var().resolve()
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 1
    _forget_settings()
    claim = embedded.Claim(var)
    with stopped_by_signals():
        try:
            claim.require()
            embedded.require_port(web_port, "PORT")
            embedded.require_port(live_port, "LIVE_PORT")
            for ahead in range(len(MEASURED) if metrics_port else 0):
                embedded.require_port(metrics_port + ahead, "METRICS_PORT")
            return _run(var, web_port, live_port, metrics_port)
        except CannotStart as error:
            print(f"\nThe demo cannot start. {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 0
        finally:
            claim.release()


def _port(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise CannotStart(f"{name}={text} is not a port; choose a number from 1 to 65535.")
    return int(text)


def _metrics_port() -> int:
    """The first port of metrics; 0, as everywhere, shows none."""
    if os.environ.get("METRICS_PORT", "0") in ("", "0"):
        return 0
    first = _port("METRICS_PORT", 0)
    if first + len(MEASURED) - 1 > 65535:
        raise CannotStart(f"METRICS_PORT={first} leaves no room for {len(MEASURED)} ports.")
    return first


def _forget_settings() -> None:
    """The demo never works on a database, a Redis or a Stripe account that somebody has configured."""
    for variable in VARIABLES:
        os.environ.pop(variable.name, None)
        os.environ.pop(f"{variable.name}_FILE", None)
    os.environ["ENV_FILE"] = os.devnull


def programs(
    var: Path, *, web_port: int, live_port: int, book: Notebook, metrics_port: int = 0
) -> dict[str, Program]:
    """Everything that runs, by name; our own processes know the demo's addresses and its secret."""
    table = processes.table(
        var=var, web_port=web_port, live_port=live_port, simulator_port=embedded.free_port()
    )
    more = {
        "SECRET_KEY": book.secret_key,
        "WEBHOOK_KEYS": book.secret_key,
        # Whoever tries the webhooks has a receiver here and nowhere else.
        "WEBHOOK_ALLOW_LOOPBACK": "true",
        "CSRF_TRUSTED_ORIGINS": f"http://127.0.0.1:{web_port}",
        "ENV_FILE": os.devnull,
        "LOG_LEVEL": "INFO",
    }
    ours = {
        name: program if name in SERVERS else replace(program, env={**program.env, **more})
        for name, program in table.items()
    }
    for name, port in (("web", web_port), ("live", live_port)):
        # They start while there are no tables yet, so for a while they answer without being ready.
        ours[name] = replace(ours[name], ready=processes.answers(f"http://127.0.0.1:{port}/healthz"))
    for name in SCRIPT:
        ours[name] = Program(
            name=name,
            argv=[sys.executable, "-m", "config.demo", name],
            env=ours["web"].env,
            cwd=ROOT,
            ready=lambda: True,
        )
    if metrics_port:
        for ahead, name in enumerate(MEASURED):
            shown = {"METRICS_PORT": str(metrics_port + ahead)}
            ours[name] = replace(ours[name], env={**ours[name].env, **shown})
    return ours


def _run(var: Path, web_port: int, live_port: int, metrics_port: int) -> int:
    book = Notebook.open(var)
    table = programs(var, web_port=web_port, live_port=live_port, book=book, metrics_port=metrics_port)
    console = Console(list(table), var / "demo.log")
    paid = _FirstPaid(console)
    with Stack(table, say=paid.hear) as stack:
        try:
            _begin(stack, table["web"].env, console, book, var, metrics_port)
            lost = _keep_going(stack, console)
            console.complain(CannotStart(f"{lost} keeps ending."))
            return 1
        except KeyboardInterrupt:
            print("\nStopping everything...", flush=True)
            return 0
        except CannotStart:
            raise
        except Exception as error:
            console.complain(error)
            return 1
        finally:
            stack.stop()
            console.close()


def _begin(
    stack: Stack, env: Mapping[str, str], console: Console, book: Notebook, var: Path, metrics_port: int
) -> None:
    base = env["BASE_URL"]
    console.step("starting PostgreSQL and Redis")
    stack.start(*SERVERS)
    with ThreadPoolExecutor(max_workers=1) as pool:
        # These take a while to load, and so does what follows here.
        starting = pool.submit(stack.start, *BEFORE_TABLES)
        console.step("laying out the database, starting the servers")
        _set_up_django(env)
        from django.core.management import call_command

        from config.demo import departments, seeding

        call_command("migrate", verbosity=0)
        seeding.people(book)
        book.save(var)
        starting.result()
    with ThreadPoolExecutor(max_workers=len(cast.SELLERS)) as pool:
        console.step("starting relay, settler, worker and beat; shoppers save their cards")
        starting = pool.submit(stack.start, *AFTER_TABLES)
        seeding.saved_cards(_now())
        starting.result()
        console.step("merchants send their feeds")
        list(pool.map(lambda seller: seeding.send_feed(seller, book, base, console.step), cast.SELLERS))
    seeding.drawings(base)
    seeding.prior_prices(_now())
    seeding.specials(_now())
    stream = seeding.live_show(_now())
    console.step("the show is live; the audience comes in")
    stack.start(*SCRIPT)
    departments.sort(_now())
    seeding.planned_shows(_now())
    seeding.ended_show(_now())
    _show_card(console, base, book, stream.slug, var, metrics_port)


def _set_up_django(env: Mapping[str, str]) -> None:
    os.environ.update(env)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # What the processes log is shown; this one speaks for itself.
    os.environ["LOG_LEVEL"] = "WARNING"
    import django

    django.setup()


def _keep_going(stack: Stack, console: Console) -> str:
    """Look after the processes, and begin the next show when a visitor has ended the one that was on."""
    from django.db import Error, close_old_connections

    from config.demo import seeding
    from streams.models import Stream

    close_old_connections()
    while (lost := stack.wait(within=LOOK_SECONDS)) is None:
        try:
            mine = Stream.objects.filter(host__slug=cast.LIVE.host)
            last = mine.exclude(ended_at=None).order_by("-ended_at").first()
            if mine.filter(status=Stream.Status.LIVE).exists() or (
                last is not None and last.ended_at is not None and last.ended_at > _now() - PAUSE
            ):
                continue
            stream = seeding.live_show(_now())
            console.step(f"the next show is live: /live/{stream.slug}")
        except Error as error:  # PostgreSQL is being started again, say.
            console.hear("demo", str(error))
        finally:
            close_old_connections()
    return lost


def _show_card(console: Console, base: str, book: Notebook, slug: str, var: Path, metrics_port: int) -> None:
    visitor, host = cast.VISITOR, cast.PRESENTERS[0]
    key = book.api_keys[cast.SELLERS[0].slug]
    console.card(
        "Yellowcart is running",
        [
            ("Shows", base),
            ("The live show", f"{base}/live/{slug}"),
            ("  shopper", f"{visitor.email}    password {book.password}"),
            ("Studio", f"{base}/studio/"),
            ("  host", f"{host.email}    password {book.password}"),
            ("Merchant admin", f"{base}/merchant/"),
            ("  merchant", f"{cast.SHOPKEEPER}    password {book.password}"),
            ("Operations", f"{base}/admin/"),
            ("  operator", f"{cast.OPERATOR}    password {book.password}"),
            ("API docs", f"{base}/api/docs"),
            ("  a system's", f"API key {key}"),
            *(
                (f"Metrics of {name}", f"http://127.0.0.1:{metrics_port + ahead}/metrics")
                for ahead, name in enumerate(MEASURED if metrics_port else ())
            ),
        ],
        notes="Use a private window for each further login. Payments are simulated; no money moves. "
        f"Passwords and keys are in {_short(var / 'demo.json')}, all logs in {_short(var / 'demo.log')}. "
        "Ctrl-C stops everything.",
        after=f'curl -H "Authorization: Api-Key {key}" {base}/api/v1/orders',
    )


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def _now() -> datetime:
    return datetime.now(UTC)


class _FirstPaid:
    """Hands lines on to the console and says when the first purchase was paid."""

    def __init__(self, console: Console) -> None:
        self._console, self._waiting = console, True

    def hear(self, name: str, line: str) -> None:
        self._console.hear(name, line)
        if self._waiting and name == "audience" and line.endswith(" paid"):
            self._waiting = False
            seconds = time.time() - self._console.began
            self._console.say(f"first paid purchase {seconds:.1f} s after the start: {line.strip()}")
