"""P6: a drop. 3,000 buyers press within two seconds for 500 pieces, while 2,000 viewers watch and chat runs.

The relay runs, as it does in earnest: it tells everybody what is left, and rings for the charging of each
purchase, which P7 measures. Measured are the time from the press to the answer, and from a must event's
publication until each of the viewers has read it, during the rush.
"""

import sys
import time
from statistics import median

from django.conf import settings
from django.utils import timezone

from config import processes, servers
from config.children import Program
from config.env import ROOT
from orders.models import Purchase
from streams.models import Offer
from tests.bench import crowd, doors, machine
from tests.bench.buying import DOOR, PROCESSES, body
from tests.bench.ladder import Pin
from tests.bench.runs import CannotRun, count, note, paced
from tests.bench.table import Row, at_most
from tests.bench.ticks import chatting
from tests.orders import make

BUYERS, PIECES, VIEWERS = 3_000, 500, 2_000
WITHIN = 2.0
EVENTS_PER_SECOND = (
    4  # Ten to each of the viewers: as many as show what the slowest wait, and no load of their own.
)
LINES_PER_SECOND = 20  # Of chat, for a room in which 3,000 of 5,000 are about to press.


def run() -> list[Row]:
    """Return the rows of P6."""
    answers, events, sold = [], [], []
    buyers = crowd.buyers(BUYERS)
    cookies = crowd.cookies(buyers)
    for _ in range(count()):
        press, event, accepted = _once(cookies)
        answers.append(press)
        events.append(event)
        sold.append(accepted)
    who = f"{BUYERS:,} buyers in {WITHIN:g} s, {PIECES} pieces, {VIEWERS:,} viewers, chat"
    return [
        Row("P6", f"press to answer, p99, {who}", median(answers), "ms", target=at_most(400)),
        Row("P6", "must event to viewers meanwhile, p99", median(events), "ms", target=at_most(150)),
        Row("P6", "pieces sold beyond those there were, or left over", max(sold), "", target=at_most(0)),
    ]


def _once(cookies: list[str]) -> tuple[float, float, int]:
    """Return p99 of answers and of events in milliseconds, and how far off the number of sold pieces is."""
    hot = make.variant(stocked=PIECES)
    stream = make.show(hot, now=timezone.now())
    relay = servers.start(
        Program(
            name="relay",
            argv=[sys.executable, *processes.COMMANDS["relay"].split()],
            cwd=ROOT,
            niceness=processes.NICENESS["relay"],
            stop_within=3,
            quiet=True,
        )
    )
    try:
        machine.pin(relay.pid, *machine.CORES)
        with doors.doors(PROCESSES, **DOOR) as to:
            path = f"/ws/v1/live/{stream.slug}"
            to.open("viewers", VIEWERS, path=path, within=60)
            to.open("buyers", len(cookies), path=path, cookies=cookies, origin=settings.BASE_URL, within=120)
            offer: Offer = make.offer(stream, hot, quota=PIECES, per_buyer=1, seconds=600, now=timezone.now())
            pin = Pin(stream)
            with chatting(stream, LINES_PER_SECOND):
                time.sleep(1)
                to.begin("viewers")
                to.press("buyers", [body([hot], offer=offer)], times=1, n=BUYERS, within=WITHIN)
                for mark in paced(EVENTS_PER_SECOND, WITHIN + 0.5):
                    pin.tell(mark + 1)
                done = to.pressed("buyers", patience=60)
                stats = to.stats("viewers")
    finally:
        relay.stop()
    outcomes = done["outcomes"]
    if set(outcomes) != {"accepted", "OUT_OF_STOCK"}:
        raise CannotRun(f"what came of it: {outcomes}")
    accepted = Purchase.objects.filter(stream=stream).count()
    note(
        f"{outcomes}; p50 {done['p50_ms']:.0f} ms, p99 {done['p99_ms']:.0f}; events p50"
        f" {stats['p50_ms']:.0f} ms, p99 {stats['p99_ms']:.0f}"
    )
    if accepted != outcomes["accepted"]:
        raise CannotRun(f"{accepted} purchases, {outcomes['accepted']} answers")
    return done["p99_ms"], stats["p99_ms"], abs(accepted - PIECES) + make.left(hot)
