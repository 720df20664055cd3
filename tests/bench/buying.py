"""P5: purchases of one hot variant, accepted durably, by the verb that socket and HTTP share.

The floor is what PostgreSQL does at best with that row: pgbench running `UPDATE ... - 1` and a commit, with
1, 8 and 32 clients. Both take turns on the same machine, and the median of the rounds counts.
"""

import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from django.conf import settings
from django.db import connection
from django.utils import timezone

from catalog.models import Stock, Variant
from commerce.models import User
from config import servers
from tests.bench.runs import count
from tests.bench.table import Row, at_least_floors
from tests.orders import make

SECONDS = 3
THREADS = 8
UNITS = 1_000_000


def run() -> list[Row]:
    """Measure and return the rows of P5."""
    hot = make.variant(stocked=UNITS)
    buyers = [make.buyer() for _ in range(THREADS)]
    floors, values = [], []
    for _ in range(count()):
        floors.append(max(_bare_updates(hot, clients) for clients in (1, 8, 32)))
        values.append(_purchases(hot, buyers))
    what = f"purchases accepted, one hot variant, {THREADS} threads, no sockets"
    return [Row("P5", what, median(values), "/s", median(floors), at_least_floors(1.0))]


def _purchases(hot: Variant, buyers: list[User]) -> float:
    """Buy as fast as THREADS can for SECONDS; returns purchases per second."""
    until = time.monotonic() + SECONDS

    def buy(buyer: User) -> int:
        basket, count = make.basket((hot, 1), by=buyer), 0
        try:
            while time.monotonic() < until:
                replace(basket, key=uuid4()).go(now=timezone.now())
                count += 1
        finally:
            connection.close()
        return count

    begun = time.monotonic()
    with ThreadPoolExecutor(len(buyers)) as threads:
        bought = sum(threads.map(buy, buyers))
    return bought / (time.monotonic() - begun)


def _bare_updates(hot: Variant, clients: int) -> float:
    """Return the transactions per second of a bare decrement of the hot row."""
    table = Stock._meta.db_table
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
    Stock.objects.filter(variant=hot).update(available=UNITS)
    (line,) = [line for line in said.splitlines() if line.startswith("tps = ")]
    return float(line.split()[2])
