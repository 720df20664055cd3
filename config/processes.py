"""Which processes make one running Yellowcart, and how each is started. Run by config/supervisor.py."""

from __future__ import annotations

import os
import shlex
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from config import embedded, servers
from config.children import Program
from config.env import ROOT, Environment
from orders.reconciling import kinds

# Here everybody comes from one address.
ONE_MACHINE = {
    "ROOM_SOCKETS_PER_ADDRESS": "100000",
    "ROOM_ANONYMOUS_PER_ADDRESS": "100000",
    "ROOM_UPGRADES_PER_SECOND": "2000",
}

# What a live process needs beyond LIVE_DRAIN_SECONDS: last leaves, running commands, closing, its own end.
DRAIN_MARGIN = 12.0

# What our own processes run, after `python`.
COMMANDS = {
    "simulator": "-m commerce.stripe_simulator --port {simulator_port} --state-file {state} "
    "--webhook-url http://127.0.0.1:{web_port}/api/v1/webhooks/stripe --webhook-secret {secret} "
    # As an endpoint is set up at Stripe: what nobody reads is not sent.
    + "".join(f"--webhook-event {kind} " for kind in kinds.READ)
    + "--connect-webhook-url http://127.0.0.1:{web_port}/api/v1/webhooks/stripe "
    "--connect-webhook-secret {connect_secret}",
    "web": "-m config.web",
    "live": "-m config.live",
    "relay": "manage.py relay",
    # As many at once as SETTLE_THREADS says.
    "settler": "-m celery -A config worker -n settler@%h -Q settle -P threads "
    "--loglevel INFO --without-gossip --without-mingle",
    "worker": "-m celery -A config worker -n worker@%h -Q notify -P threads --concurrency 8 "
    "--loglevel INFO --without-gossip --without-mingle",
    # A thread for each of the sweeps; see config/celery.py.
    "sweeper": "-m celery -A config worker -n sweeper@%h -Q sweep -P threads --concurrency 6 "
    "--loglevel INFO --without-gossip --without-mingle",
    "beat": "-m celery -A config beat --loglevel WARNING --pidfile=",
}

# Where processors are short, what shoppers wait for (web, live) goes before what may come a second later.
NICENESS = {"relay": 10, "settler": 10, "worker": 10, "sweeper": 10, "beat": 10}


def answers(address: str) -> Callable[[], bool]:
    """A ready check: the address answers with 2xx."""

    def check() -> bool:
        try:
            with urlopen(address, timeout=2) as response:  # noqa: S310  (our own loopback address)
                return 200 <= int(response.status) < 300
        except (URLError, OSError):
            return False

    return check


def listens(port: int) -> Callable[[], bool]:
    """A ready check: somebody accepts connections on the loopback port."""

    def check() -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return check


def own(
    *, web_port: int, live_port: int, simulator_port: int, secret: str, env: Mapping[str, str], state: Path
) -> dict[str, Program]:
    """Our own processes by name; env says on which servers they work, the ports and the secret are added."""
    ours = {
        "BASE_URL": f"http://localhost:{web_port}",
        "WEB_PORT": str(web_port),
        "LIVE_PORT": str(live_port),
        "LIVE_SOCKET_URL": f"ws://localhost:{live_port}",
        "STRIPE_API_BASE": f"http://127.0.0.1:{simulator_port}",
        "STRIPE_WEBHOOK_SECRETS": secret,
        "STRIPE_CONNECT_WEBHOOK_SECRETS": embedded.connect_secret(secret),
        "PYTHONUNBUFFERED": "1",
        **ONE_MACHINE,
        **env,
    }
    # Before each start: another's program on the port would answer for ours.
    prepare: dict[str, Callable[[], None]] = {
        "simulator": lambda: embedded.require_port(simulator_port, "SIMULATOR_PORT"),
        "web": lambda: embedded.require_port(web_port, "PORT"),
        "live": lambda: embedded.require_port(live_port, "LIVE_PORT"),
    }
    ready: dict[str, Callable[[], bool]] = {
        "simulator": listens(simulator_port),
        "web": answers(f"http://127.0.0.1:{web_port}/readyz"),
        "live": answers(f"http://127.0.0.1:{live_port}/readyz"),
    }
    lines = {"relay": "relay.ready", "settler": " ready.", "worker": " ready.", "sweeper": " ready."}
    drain = int(env.get("LIVE_DRAIN_SECONDS") or Environment(os.environ).number("LIVE_DRAIN_SECONDS"))
    patience = {"live": drain + DRAIN_MARGIN}
    words = {
        "simulator_port": simulator_port,
        "web_port": web_port,
        "secret": shlex.quote(secret),
        "connect_secret": shlex.quote(embedded.connect_secret(secret)),
        "state": shlex.quote(str(state)),
    }
    return {
        name: Program(
            name=name,
            argv=[sys.executable, *shlex.split(command.format(**words))],
            env=ours,
            cwd=ROOT,
            prepare=prepare.get(name),
            ready=ready.get(name),
            ready_line=lines.get(name, ""),
            niceness=NICENESS.get(name, 0),
            stop_within=patience.get(name, Program.stop_within),
        )
        for name, command in COMMANDS.items()
    }


def table(*, var: Path, web_port: int, live_port: int, simulator_port: int) -> dict[str, Program]:
    """Every process by name, servers included, with nothing configured but the ports."""
    pays = embedded.note_simulator(var, simulator_port)
    env = {
        "DATABASE_URL": servers.database_url(var),
        "REDIS_URL": servers.redis_url(var),
        "VAR_DIR": str(var),
    }
    return {
        "postgres": servers.postgres(var),
        "redis": servers.redis(var),
        **own(
            web_port=web_port,
            live_port=live_port,
            simulator_port=simulator_port,
            secret=pays.secret,
            env=env,
            state=var / "simulator.json",
        ),
    }
