"""Live processes beside each other, as a machine with several cores has them, and the crowd that uses them.

A show's viewers are wherever the balancer has put them: here each process has its share of every group.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from config.children import Child
from tests.bench import machine, table
from tests.bench.processes import Viewers, live


class Doors:
    """Live processes, and one load client that talks to all of them."""

    def __init__(self, viewers: Viewers, running: Sequence[tuple[Child, int]]) -> None:
        self._viewers = viewers
        self._ports = [port for _, port in running]

    def open(self, group: str, n: int, *, cookies: Sequence[str] = (), within: float, **more: Any) -> None:
        """Open a group of connections, spread over the processes."""
        count = len(self._ports)
        for at, port in enumerate(self._ports):
            its = {"cookies": list(cookies[at::count])} if cookies else {}
            self._viewers.open(f"{group}{at}", _share(n, at, count), port, within=within, **its, **more)

    def begin(self, group: str) -> None:
        """Let a group count from now on."""
        for name in self._names(group):
            self._viewers.begin(name)

    def stats(self, group: str) -> dict[str, Any]:
        """Return what the slowest part of a group has counted since its `begin`."""
        return max(
            (self._viewers.stats(name) for name in self._names(group)), key=lambda each: each["p99_ms"]
        )

    def press(self, group: str, bodies: Sequence[str], *, times: int, n: int, within: float = 0.0) -> None:
        """Let so many of a group press and press again; `pressed` waits for the end of it."""
        rush = {"bodies": list(bodies), "times": times, "within": within}
        for at, name in enumerate(self._names(group)):
            self._viewers.order("rush", group=name, n=_share(n, at, len(self._ports)), **rush)

    def pressed(self, group: str, *, patience: float) -> dict[str, Any]:
        """Wait until everybody has her answers.

        Returns outcomes, seconds, rate per second, p50_ms and p99_ms from press to answer, and cpu_seconds of
        the client. Raises CannotRun.
        """
        done = [self._viewers.hear("rushed", within=patience) for _ in self._names(group)]
        outcomes = sum((Counter(each["outcomes"]) for each in done), Counter[str]())
        waits = [wait for each in done for wait in each["waits_ms"]]
        seconds = max(each["ended"] for each in done) - min(each["begun"] for each in done)
        return {
            "outcomes": dict(outcomes),
            "seconds": seconds,
            "rate": outcomes.total() / seconds,
            "p50_ms": table.percentile(waits, 0.5),
            "p99_ms": table.percentile(waits, 0.99),
            # Of the one process that the groups share.
            "cpu_seconds": max(each["cpu_seconds"] for each in done),
        }

    def _names(self, group: str) -> list[str]:
        return [f"{group}{at}" for at in range(len(self._ports))]


@contextmanager
def doors(count: int, **env: str) -> Iterator[Doors]:
    """Run so many live processes, on all cores, until the block ends."""
    with ExitStack() as stack:
        viewers = stack.enter_context(Viewers())
        running = [stack.enter_context(live(**env)) for _ in range(count)]
        for pid in (viewers.pid, *(child.pid for child, _ in running)):
            machine.pin(pid, *machine.CORES)
        yield Doors(viewers, running)


def _share(n: int, at: int, count: int) -> int:
    return n // count + (at < n % count)
