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
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.utils import timezone

from catalog.models import Stock, Variant
from commerce.models import User
from config import servers
from orders.models import Hold
from streams.models import Offer
from tests.bench import crowd, doors
from tests.bench.processes import OPEN_DOOR
from tests.bench.runs import CannotRun, count, note
from tests.bench.table import Row, at_least_floors
from tests.orders import make

# Nobody is asked to wait at the door, or for pressing as fast as a bench does.
DOOR = OPEN_DOOR | {"PURCHASES_PER_MINUTE": "6000"}
SECONDS = 3
THREADS = 8
UNITS = 1_000_000
PRICE = 1999
BUYERS = 1_000
PROCESSES = 2  # One for each core.
FEWER = 100  # How rate and wait grow: so many of the same sockets,
CROWDS = (3_000, 10_000)  # and so many, who come in when the target has been measured.
PRESSES = 10_000  # About so many in a run.
MOST_PRESSES = 15  # Of one buyer; more would be refused as too many.
VARIANTS, LINES, MERCHANTS = 100, 5, 3


def run() -> list[Row]:
    """Measure and return the rows of P5."""
    sellers = [make.merchant() for _ in range(MERCHANTS)]
    goods = [
        make.variant(stocked=UNITS, amount=PRICE, seller=sellers[n % MERCHANTS]) for n in range(VARIANTS)
    ]
    hot = goods[0]
    stream = make.show(hot, now=timezone.now())
    alone = [make.buyer() for _ in range(THREADS)]
    cookies = crowd.cookies(crowd.buyers(BUYERS + max(CROWDS)))
    more: dict[str, Any] = {"path": f"/ws/v1/live/{stream.slug}", "origin": settings.BASE_URL, "within": 240}
    floors, single, rushes = [], [], []
    with doors.doors(1, **DOOR) as one:
        one.open("buyers", BUYERS, cookies=cookies[:BUYERS], **more)
        alike = rush(one, [[hot]], BUYERS)
    with doors.doors(PROCESSES, **DOOR) as all_doors:
        all_doors.open("buyers", BUYERS, cookies=cookies[:BUYERS], **more)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        rush(all_doors, [[hot]], BUYERS)  # Threads, connections and plans are there from now on.
        for _ in range(count()):
            floors.append(max(_bare_updates(hot, clients) for clients in (1, 8, 32)))
            single.append(_one_by_one(hot, alone))
            rushes.append(rush(all_doors, [[hot]], BUYERS))
        by_crowd = {FEWER: rush(all_doors, [[hot]], FEWER)}
        cold = rush(all_doors, [[each] for each in goods], BUYERS)
        carts = rush(all_doors, [goods[n : n + LINES] for n in range(0, VARIANTS, LINES)], BUYERS)
        all_doors.open("crowd", max(CROWDS), cookies=cookies[BUYERS:], **more)
        by_crowd |= {n: rush(all_doors, [[hot]], n, group="crowd") for n in CROWDS}
    exact(goods)
    floor = median(floors)
    hot_name = f"purchases of one hot variant accepted through {BUYERS:,} websockets of {PROCESSES} processes"
    return [
        Row("P5", "floor: pgbench, UPDATE ... - 1 on that row, best of 1, 8 and 32 clients", floor, "/s"),
        Row("P5", hot_name, median(each["rate"] for each in rushes), "/s", floor, at_least_floors(1.0)),
        Row("P5", "the same, one process", alike["rate"], "/s", floor),
        Row("P5", "the same, press to answer, p99", median(each["p99_ms"] for each in rushes), "ms"),
        *(
            row
            for n, each in by_crowd.items()
            for row in (
                Row("P5", f"the same, {n:,} buyers", each["rate"], "/s", floor),
                Row("P5", f"the same, {n:,} buyers, press to answer, p99", each["p99_ms"], "ms"),
            )
        ),
        Row("P5", f"purchases of {VARIANTS} variants, {BUYERS:,} buyers", cold["rate"], "/s", floor),
        Row("P5", f"purchases of {LINES} lines from {MERCHANTS} merchants", carts["rate"], "/s", floor),
        Row("P5", f"a transaction each, {THREADS} threads, no sockets", median(single), "/s", floor),
    ]


def rush(
    to: doors.Doors, baskets: Sequence[Sequence[Variant]], buyers: int, *, group: str = "buyers"
) -> dict[str, Any]:
    """Let so many press and press again, each one of these baskets; returns what came of it and the rate."""
    times = max(1, min(MOST_PRESSES, PRESSES // buyers))
    to.press(group, [body(basket) for basket in baskets], times=times, n=buyers)
    done = to.pressed(group, patience=120)
    if done["outcomes"] != {"accepted": buyers * times}:
        raise CannotRun(f"not everything was accepted: {done['outcomes']}")
    note(
        f"{buyers:,} buyers: {done['rate']:,.0f}/s, p50 {done['p50_ms']:.0f} ms, p99 {done['p99_ms']:.0f} ms,"
        f" client {done['cpu_seconds'] / done['seconds']:.0%} of a core"
    )
    return done


def body(basket: Sequence[Variant], *, offer: Offer | None = None) -> str:
    """Return the command's body for one of each."""
    total = sum(offer.amount if offer else PRICE for _ in basket)
    lines = [
        {"variant": str(each.id), "quantity": 1} | ({"offer": str(offer.id)} if offer else {})
        for each in basket
    ]
    return json.dumps({"lines": lines, "expect_total": {"amount": total, "currency": "EUR"}})


def exact(goods: Sequence[Variant]) -> None:
    """Raise CannotRun unless of each variant the stock is what was not sold."""
    held = dict(Hold.objects.values_list("variant").annotate(units=Count("id")))
    for stock in Stock.objects.filter(variant__in=[each.id for each in goods]):
        if stock.available != UNITS - held.get(stock.variant_id, 0):
            raise CannotRun(f"{held.get(stock.variant_id)} holds, {UNITS - stock.available} units gone")


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
