"""Stock of 100,000 variants is set while a flash sale runs: what either loses by the other.

The sale is the rush of P5, of a variant that the sync sets, too; the sync sends batches of 1,000 over HTTP,
one after the other, every level another than before. Each is measured alone and both together.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from statistics import median
from typing import Any

from django.conf import settings
from django.utils import timezone

from catalog.assortments import goods, loading
from catalog.models import Stock, Variant
from commerce.models import Merchant
from tests import apikeys
from tests.bench import crowd, doors, listing
from tests.bench.buying import BUYERS, DOOR, PROCESSES, UNITS, rush
from tests.bench.runs import CannotRun, count, note
from tests.bench.table import Row
from tests.orders import make

ROWS, TOGETHER = 100_000, 1_000


def run() -> list[Row]:
    """Return the rows of the sync beside a sale."""
    hot = make.variant(stocked=UNITS)
    skus = [hot.sku, *_stocked(hot.merchant)]
    stream = make.show(hot, now=timezone.now())
    _, key = apikeys.key(hot.merchant)
    cookies = crowd.cookies(crowd.buyers(BUYERS))
    path = f"/ws/v1/live/{stream.slug}"
    alone, together, synced, beside = [], [], [], []
    with listing.web(**listing.NO_LIMIT) as port, doors.doors(PROCESSES, **DOOR) as to:
        to.open("buyers", BUYERS, cookies=cookies, path=path, origin=settings.BASE_URL, within=240)
        rush(to, [[hot]], BUYERS)
        sync = Sync(port, key, skus)
        for _ in range(count()):
            alone.append(rush(to, [[hot]], BUYERS))
            synced.append(sync.once(ROWS))
            with sync.running() as rates:
                together.append(rush(to, [[hot]], BUYERS))
            beside.append(median(rates))
    left = Stock.objects.get(pk=hot.pk).available
    # No relay runs here, so what this and benchmarks before it have to tell is told by nobody.
    broken = [check for check in make.broken() if check != "events-are-delivered"]
    if broken or left < 0:
        raise CannotRun(f"the books do not balance: {broken}, {left} left")
    rate, slowest = median(each["rate"] for each in alone), median(each["p99_ms"] for each in alone)
    return [
        Row(
            "sync",
            "purchases of a hot variant while its merchant's stock is set",
            _of(together, "rate"),
            "/s",
            rate,
        ),
        Row("sync", "the same, press to answer, p99", _of(together, "p99_ms"), "ms", slowest),
        Row(
            "sync",
            f"levels set, {ROWS:,} in batches of {TOGETHER:,}, while it is sold",
            median(beside),
            "/s",
            median(synced),
        ),
    ]


def _of(rushes: list[dict[str, Any]], what: str) -> float:
    return float(median(each[what] for each in rushes))


def _stocked(merchant: Merchant) -> list[str]:
    made = goods.made_up(variants=ROWS - 1, currency=merchant.currency)
    for _ in loading.load(merchant_id=merchant.pk, goods=made, now=timezone.now()):
        pass
    loading.analyze()
    mine = Variant.objects.filter(merchant=merchant, sku__startswith="S1-")
    return list(mine.order_by("id").values_list("sku", flat=True))


class Sync:
    """A merchant's system, which sends stock in batches."""

    def __init__(self, port: int, key: str, skus: list[str]) -> None:
        self._asking = HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"}
        self._skus = skus
        self._round = 0

    def once(self, rows: int) -> float:
        """Send so many rows; returns rows per second."""
        begun = time.perf_counter()
        for _ in range(rows // TOGETHER):
            self._batch()
        rate = rows / (time.perf_counter() - begun)
        note(f"{rows:,} levels: {rate:,.0f}/s")
        return rate

    @contextmanager
    def running(self) -> Iterator[list[float]]:
        """Send batches until the block ends; gives the rows per second of each, whole at the end."""
        rates: list[float] = []
        over = threading.Event()

        def send() -> None:
            while not over.is_set() or not rates:
                begun = time.perf_counter()
                self._batch()
                rates.append(TOGETHER / (time.perf_counter() - begun))

        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield rates
        finally:
            over.set()
            thread.join()
            note(f"{len(rates)} batches beside the sale, {median(rates):,.0f} levels/s in the middle one")

    def _batch(self) -> None:
        """Send one batch; the hot variant is in each of them, with plenty."""
        first = self._round * (TOGETHER - 1) % (len(self._skus) - TOGETHER)
        self._round += 1
        some = self._skus[1:][first : first + TOGETHER - 1]
        sent = [{"sku": self._skus[0], "available": UNITS + self._round}]
        sent += [{"sku": sku, "available": 10_000 + self._round} for sku in some]
        body = json.dumps({"stock": sent})
        self._asking.request("POST", "/api/v1/catalog/stock/batch", body, self._headers)
        answer = self._asking.getresponse()
        said = json.loads(answer.read())
        if answer.status != 200 or said["partial"]:
            raise CannotRun(f"a batch was answered with {answer.status}: {str(said)[:300]}")
