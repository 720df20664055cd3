"""P7: accepted purchases are charged, by one settler process, at a provider 300 ms away.

Till and relay work as in earnest: the purchases are accepted while the relay is held, which then rings for
them. The rate is that of the middle: of the purchases between the first and the last tenth. The limit of the
provider is off here, since it would be what is measured.
"""

import sys
import time
from statistics import median

import psutil
from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from catalog.models import Variant
from commerce.models import User
from config import processes, servers
from config.children import Child, Program
from config.env import ROOT
from orders.models import Payment, Purchase
from orders.till import asking, ringing
from tests.bench import machine
from tests.bench.processes import as_in_earnest
from tests.bench.runs import CannotRun, count, note
from tests.bench.table import Row, at_least, at_most
from tests.orders import make
from tests.stripe_server import StripeServer

PURCHASES, TOGETHER, WARM = 1_500, 100, 100
BUYERS = 20
LATENCY = 0.3
THREADS = 48
PATIENCE = 120.0
READY = {"settler": " ready.", "relay": "relay.ready"}


def run() -> list[Row]:
    """Return the rows of P7."""
    provider = StripeServer()
    settings.STRIPE_API_BASE = provider.url
    try:
        buyers = [make.real_buyer() for _ in range(BUYERS)]
        provider.latency(round(LATENCY * 1000))
        done = [_once(provider, buyers) for _ in range(count())]
    finally:
        provider.stop()
    rate, settler, relay, till, postgres = (median(column) for column in zip(*done, strict=True))
    far = f"provider {LATENCY * 1000:.0f} ms away"
    return [
        Row(
            "P7",
            f"purchases settled per second, {far}, one process of {THREADS} threads",
            rate,
            "/s",
            floor=THREADS / LATENCY,
            target=at_least(100),
        ),
        Row("P7", "the settler's CPU per purchase", settler, "ms", target=at_most(3)),
        Row("P7", "the relay's, from accepted to paid and told", relay, "ms"),
        Row("P7", "PostgreSQL's, from press to paid and told", postgres, "ms"),
        Row("P7", "the till's, from press to accepted", till, "ms"),
        Row("P7", "all of that", settler + relay + postgres + till, "ms"),
    ]


def _once(provider: StripeServer, buyers: list[User]) -> tuple[float, float, float, float, float]:
    """Return purchases per second, and what of CPU each has cost: settler, relay, till, PostgreSQL, in ms."""
    hot = make.variant(stocked=PURCHASES + WARM)
    settler, relay = _start("settler", provider), _start("relay", provider)
    try:
        _accept(hot, buyers, WARM)
        _until_paid(hot, WARM)
        held = psutil.Process(relay.pid)
        before = _used(settler, relay)
        held.suspend()
        _accept(hot, buyers, PURCHASES)
        till = time.process_time()
        held.resume()
        _until_paid(hot, WARM + PURCHASES)
        spent = [now - then for now, then in zip(_used(settler, relay), before, strict=True)]
        spent[2] = till - before[2]
    finally:
        for child in (settler, relay):
            child.stop()
    each = [seconds / PURCHASES * 1000 for seconds in spent]
    rate = _rate(hot)
    note(
        f"{rate:.0f} /s; settler {each[0]:.2f}, relay {each[1]:.2f}, till {each[2]:.2f}, PG {each[3]:.2f} ms"
    )
    return rate, each[0], each[1], each[2], each[3]


def _start(name: str, provider: StripeServer) -> Child:
    env = {
        **as_in_earnest(),
        "LOG_LEVEL": "INFO" if name == "relay" else "WARNING",
        "STRIPE_API_BASE": provider.url,
        "STRIPE_CALLS_PER_SECOND": "0",
        "SETTLE_THREADS": str(THREADS),
        "METRICS_PORT": "0",
    }
    argv = [sys.executable, *processes.COMMANDS[name].split()]
    child = servers.start(
        Program(name=name, argv=argv, cwd=ROOT, env=env, ready_line=READY[name], stop_within=3, quiet=True)
    )
    machine.pin(child.pid, *machine.CORES)
    return child


def _accept(hot: Variant, buyers: list[User], number: int) -> None:
    """Have the till accept purchases, in batches as it does in a rush."""
    for first in range(0, number, TOGETHER):
        presses = []
        for n in range(first, first + TOGETHER):
            basket = make.basket((hot, 1), by=buyers[n % len(buyers)])
            asked = asking.ask(
                buyer_id=basket.buyer.id,
                key=basket.key,
                lines=basket.lines,
                expect_total=basket.total,
                card_id=None,
                stream_id=None,
                seen=None,
            )
            presses.append(asking.Press(asked))
        rung = ringing.ring_up(presses, now=timezone.now()).outcomes
        strange = [each for each in rung if isinstance(each, Exception)]
        if strange:
            raise CannotRun(f"the till refused: {strange[0]!r}")


def _until_paid(hot: Variant, number: int) -> None:
    end = time.monotonic() + PATIENCE
    while (paid := _of(hot).filter(status=Purchase.Status.PAID).count()) < number:
        if time.monotonic() > end:
            raise CannotRun(f"{paid} of {number} were paid within {PATIENCE:.0f} s")
        time.sleep(0.2)


def _of(hot: Variant) -> QuerySet[Purchase]:
    return Purchase.objects.filter(orders__lines__variant=hot)


def _used(settler: Child, relay: Child) -> list[float]:
    """Return seconds of CPU so far: settler, relay, this process, PostgreSQL with all its children."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        own = cursor.fetchone()[0]
    server = psutil.Process(own).parent()
    assert server is not None
    times = server.cpu_times()
    postgres = times.user + times.system + times.children_user + times.children_system
    for child in server.children():
        now = child.cpu_times()
        postgres += now.user + now.system
    return [
        machine.cpu_seconds(settler.pid),
        machine.cpu_seconds(relay.pid),
        time.process_time(),
        postgres,
    ]


def _rate(hot: Variant) -> float:
    payments = Payment.objects.filter(purchase__in=_of(hot)).order_by("finished_at")
    ended = list(payments.values_list("finished_at", flat=True))[WARM:]
    first, last = ended[len(ended) // 10], ended[len(ended) * 9 // 10]
    assert first is not None
    assert last is not None
    return (len(ended) * 9 // 10 - len(ended) // 10) / (last - first).total_seconds()
