"""P5: purchases of one hot variant, accepted durably, through real websockets.

The floor is what PostgreSQL does at best with that row: pgbench running `UPDATE ... - 1` and a commit, with
1, 8 and 32 clients. A second floor is one transaction for each purchase, in our own schema, from threads and
without any socket. All take turns on the same two cores, and the median of the rounds counts. Relay and
worker do not run: what is measured is the way from the press to the durable answer.
"""

import json
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from django.conf import settings
from django.db import connection
from django.utils import timezone

from catalog.models import Stock, Variant
from commerce.models import User
from config import servers
from orders.models import Hold, Purchase
from streams.models import Stream
from tests.bench import crowd, machine
from tests.bench.processes import OPEN_DOOR, Viewers, live
from tests.bench.runs import CannotRun, count, note
from tests.bench.table import Row, at_least_floors
from tests.orders import make

SECONDS = 3
THREADS = 8
UNITS = 10_000_000
BUYERS = 1_000
PRESSES = 10_000  # About so many in a run.
MOST_PRESSES = 15  # Of one buyer; more would be refused as too many.


def run() -> list[Row]:
    """Measure and return the rows of P5."""
    hot = make.variant(stocked=UNITS)
    stream = make.show(hot, now=timezone.now())
    cookies = crowd.cookies(crowd.buyers(BUYERS))
    alone = [make.buyer() for _ in range(THREADS)]
    floors, single, rushes = [], [], []
    with Viewers() as viewers, live(**OPEN_DOOR) as (server, port):
        for pid in (server.pid, viewers.pid):
            machine.pin(pid, *machine.CORES)
        _come_in(viewers, port, stream, cookies)
        _vacuum()
        for _ in range(count()):
            floors.append(max(_bare_updates(hot, clients) for clients in (1, 8, 32)))
            single.append(_one_by_one(hot, alone))
            rushes.append(_rush(viewers, hot, BUYERS))
    exact(hot)
    floor = median(floors)
    what = f"purchases of one hot variant accepted through {BUYERS:,} websockets"
    return [
        Row(
            "P5",
            "floor: pgbench, UPDATE ... - 1 on that row and a commit, best of 1, 8, 32 clients",
            floor,
            "/s",
        ),
        Row("P5", what, median(each["rate"] for each in rushes), "/s", floor, at_least_floors(1.0)),
        Row("P5", "from the press to the answer, p99", median(each["p99_ms"] for each in rushes), "ms"),
        Row("P5", f"a transaction each, {THREADS} threads, no sockets", median(single), "/s", floor),
    ]


def _come_in(viewers: Viewers, port: int, stream: Stream, cookies: list[str]) -> None:
    more = {"path": f"/ws/v1/live/{stream.slug}", "cookies": cookies, "origin": settings.BASE_URL}
    viewers.open("buyers", len(cookies), port, within=120, **more)


def _rush(viewers: Viewers, hot: Variant, buyers: int) -> dict[str, Any]:
    """Let everybody press and press again; returns what came of it and the rate per second."""
    times = max(1, min(MOST_PRESSES, PRESSES // buyers))
    body = {
        "lines": [{"variant": str(hot.id), "quantity": 1}],
        "expect_total": {"amount": 1999, "currency": "EUR"},
    }
    viewers.order("rush", group="buyers", body=json.dumps(body), times=times, n=buyers)
    done = viewers.hear("rushed", group="buyers", within=120)
    done["rate"] = sum(done["outcomes"].values()) / done["seconds"]
    if done["outcomes"] != {"accepted": buyers * times}:
        raise CannotRun(f"not everything was accepted: {done['outcomes']}")
    note(
        f"{done['rate']:,.0f}/s, p50 {done['p50_ms']:.0f} ms, p99 {done['p99_ms']:.0f} ms,"
        f" client {done['cpu_seconds'] / done['seconds']:.0%} of a core"
    )
    return done


def exact(hot: Variant) -> None:
    """Raise CannotRun unless the stock is what was not sold."""
    sold = Purchase.objects.count()
    left = Stock.objects.get(variant=hot).available
    held = Hold.objects.filter(variant=hot).count()
    if not sold == held == UNITS - left:
        raise CannotRun(f"{sold} purchases, {held} holds, {UNITS - left} units gone")


def _one_by_one(hot: Variant, buyers: list[User]) -> float:
    """Buy for SECONDS, each purchase in a transaction of its own; returns purchases per second."""
    until = time.monotonic() + SECONDS

    def buy(buyer: User) -> int:
        basket, bought = make.basket((hot, 1), by=buyer), 0
        try:
            while time.monotonic() < until:
                replace(basket, key=uuid4()).go(now=timezone.now())
                bought += 1
        finally:
            connection.close()
        return bought

    begun = time.monotonic()
    with ThreadPoolExecutor(len(buyers)) as threads:
        bought = sum(threads.map(buy, buyers))
    return bought / (time.monotonic() - begun)


def _vacuum() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _bare_updates(hot: Variant, clients: int) -> float:
    """Return the transactions per second of a bare decrement of the hot row."""
    table = Stock._meta.db_table
    before = Stock.objects.get(variant=hot).available
    url = urlsplit(settings.DATABASE_URL)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(f"UPDATE {table} SET available = available - 1 WHERE variant_id = '{hot.id}';\n")
        script.flush()
        argv = [
            str(servers.postgres_bin() / "pgbench"),
            "--no-vacuum",
            f"--client={clients}",
            f"--jobs={min(2, clients)}",
            f"--time={SECONDS}",
            f"--file={script.name}",
            f"--host={parse_qs(url.query)['host'][0]}",
            f"--username={url.username}",
            Path(url.path).name,
        ]
        said = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
    # Put back what was taken, so that the floor does not sell the stock out.
    Stock.objects.filter(variant=hot).update(available=before)
    (line,) = [line for line in said.splitlines() if line.startswith("tps = ")]
    return float(line.split()[2])
