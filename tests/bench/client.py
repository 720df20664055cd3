"""The load client: thousands of viewers in one process and one thread, `python -m tests.bench.client`.

It is told what to do by JSON lines on its standard input and answers on its standard output; when its input
ends, so does it. It knows nothing of Django. What it costs itself is part of what it reports.
"""

import heapq
import json
import os
import random
import select
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from tests.bench import frames, machine, table
from tests.bench.pressing import Rush
from tests.bench.viewing import BACK_OFF_SECONDS, IN, Group, Viewer

MOST_AT_ONCE = 256  # Handshakes that are under way at the same time.
MOST_EVENTS = 512
RECEIVE = 16_384
KEPT_DIGESTS = 64


@dataclass(order=True)
class _Due:
    at: float
    number: int
    viewer: Viewer = field(compare=False)


class Client:
    """All viewers of all groups, and the loop that reads for them."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._viewers: dict[int, Viewer] = {}
        self._groups: dict[str, Group] = {}
        self._digests: dict[bytes, frames.Digest] = {}
        self._due: list[_Due] = []
        self._numbers = 0
        self._coming = 0
        self._addresses = 0
        self._input = b""
        self._rushes: dict[str, Rush] = {}
        self._presses: list[tuple[float, int, Viewer]] = []
        os.set_blocking(0, False)
        self._epoll.register(0, select.EPOLLIN)

    def run(self) -> None:
        """Work until the input ends."""
        viewers, epoll = self._viewers, self._epoll
        while True:
            for fd, events in epoll.poll(min(self._connect_due(), self._press_due()), MOST_EVENTS):
                if fd == 0:
                    if not self._take_orders():
                        return
                    continue
                viewer = viewers.get(fd)
                if viewer is not None:
                    if events & select.EPOLLOUT:
                        self._connected(viewer)
                    else:
                        self._read(viewer)

    # --- orders ---

    def _take_orders(self) -> bool:
        chunk = os.read(0, 1 << 20)
        *lines, self._input = (self._input + chunk).split(b"\n")
        for line in lines:
            order: dict[str, Any] = json.loads(line)
            match order.pop("do"):
                case "open":
                    self._open(Group(**order))
                case "begin":
                    self._groups[order["group"]].begin()
                    self._say("begun", group=order["group"])
                case "end":
                    self._say("stats", group=order["group"], **_stats(self._groups[order["group"]]))
                case "move":
                    self._groups[order["group"]].port = order["port"]
                    self._say("moved", group=order["group"])
                case "rush":
                    self._rush(order.pop("group"), Rush(**order))
                case "stop_reading":
                    self._stop_reading(self._groups[order["group"]])
                case "close":
                    self._close(self._groups.pop(order["group"]))
                    self._say("closed", group=order["group"])
        return bool(chunk)

    def _rush(self, name: str, rush: Rush) -> None:
        group = self._groups[name]
        self._rushes[name] = rush
        rush.begin()
        its = [each for each in self._viewers.values() if each.group is group and each.index < rush.n]
        for viewer in its:
            if rush.within:
                at = time.monotonic() + random.uniform(0, rush.within)
                heapq.heappush(self._presses, (at, viewer.index, viewer))
            else:
                rush.press(viewer)

    def _open(self, group: Group) -> None:
        self._groups[group.name] = group
        # No address serves two groups: a server may limit what comes from one.
        group.first_address, self._addresses = self._addresses, self._addresses + group.addresses
        group.begun = time.monotonic()
        for index in range(group.n):
            self._later(Viewer(group, index), index / group.rate)

    def _close(self, group: Group) -> None:
        group.over = True
        for viewer in [each for each in self._viewers.values() if each.group is group]:
            self._drop(viewer)
        self._due = [each for each in self._due if each.viewer.group is not group]
        heapq.heapify(self._due)

    def _stop_reading(self, group: Group) -> None:
        stopped = [each for each in self._viewers.values() if each.group is group]
        for viewer in stopped:
            self._epoll.unregister(viewer.fd)
        self._say("deaf", group=group.name, ends=[viewer.end for viewer in stopped])

    def _press_due(self) -> float:
        """Press for those whose time has come and return how many seconds until the next."""
        now = time.monotonic()
        while self._presses and self._presses[0][0] <= now:
            viewer = heapq.heappop(self._presses)[2]
            self._rushes[viewer.group.name].press(viewer)
        return max(0.0, self._presses[0][0] - now) if self._presses else 1.0

    # --- connecting ---

    def _later(self, viewer: Viewer, seconds: float) -> None:
        self._numbers += 1
        heapq.heappush(self._due, _Due(time.monotonic() + seconds, self._numbers, viewer))

    def _connect_due(self) -> float:
        """Begin what is due and return how many seconds until the next may begin."""
        now = time.monotonic()
        while self._due and self._due[0].at <= now:
            if self._coming >= MOST_AT_ONCE:
                return 0.005
            viewer = heapq.heappop(self._due).viewer
            self._coming += 1
            viewer.connect()
            self._viewers[viewer.fd] = viewer
            self._epoll.register(viewer.fd, select.EPOLLOUT)
        return max(0.0, self._due[0].at - now) if self._due else 1.0

    def _connected(self, viewer: Viewer) -> None:
        if viewer.failed_to_connect():
            self._lose(viewer)
            return
        self._epoll.modify(viewer.fd, select.EPOLLIN)
        if not viewer.group.handshake:
            self._arrived(viewer)
            return
        try:
            viewer.shake_hands()
        except OSError:
            self._lose(viewer)

    def _arrived(self, viewer: Viewer) -> None:
        group = viewer.group
        self._coming -= 1
        viewer.state, viewer.tries, viewer.whole = IN, 0, True
        group.whole += 1
        if group.whole == group.n:
            self._say(
                "whole",
                group=group.name,
                at=time.monotonic(),
                seconds=time.monotonic() - group.begun,
                refused=group.refused,
                unrecovered=group.unrecovered,
                lost_sockets=group.lost_sockets,
                most_tries=group.most_tries,
            )

    def _lose(self, viewer: Viewer, wait: float | None = None) -> None:
        """Let go of a connection that ended, and come back if that is what its group does."""
        group, greeted = viewer.group, viewer.state == IN
        self._drop(viewer)
        if group.over:
            return
        group.lost_sockets += greeted
        if greeted and not group.back:
            return
        if wait is None:
            wait = random.uniform(0, min(BACK_OFF_SECONDS[1], BACK_OFF_SECONDS[0] * 2**viewer.tries))
        viewer.tries += 1
        group.most_tries = max(group.most_tries, viewer.tries)
        self._later(viewer, wait)

    def _drop(self, viewer: Viewer) -> None:
        del self._viewers[viewer.fd]
        if viewer.state != IN:
            self._coming -= 1
        if viewer.whole:
            viewer.group.whole -= 1
            viewer.whole = False
        viewer.disconnect()

    # --- reading ---

    def _read(self, viewer: Viewer) -> None:
        try:
            data = viewer.receive(RECEIVE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose(viewer)
            return
        now = time.monotonic_ns()
        if viewer.rest:
            data = viewer.rest + data
        if not viewer.upgraded:
            viewer.rest = data
            if b"\r\n\r\n" in data:
                self._upgrade(viewer, now)
            return
        rush = self._rushes.get(viewer.group.name)
        if rush is not None:
            data = self._hear(rush, viewer, data, now)
        if data:
            self._read_frames(viewer, data, now)

    def _hear(self, rush: Rush, viewer: Viewer, data: bytes, now: int) -> bytes:
        data = rush.hear(viewer, data, now)
        if rush.over:
            del self._rushes[viewer.group.name]
            self._say("rushed", group=viewer.group.name, **rush.stats())
        viewer.rest = b""
        return data

    def _upgrade(self, viewer: Viewer, now: int) -> None:
        status, retry_after = viewer.upgrade()
        if status == 101:
            if not viewer.group.hello:
                self._arrived(viewer)
            if viewer.rest:
                self._read_frames(viewer, viewer.rest, now)
        elif status in (429, 503):
            viewer.group.refused += 1
            # Whoever is asked to wait waits so long, and a random time more.
            self._lose(viewer, retry_after * random.uniform(1, 2))
        else:
            self._fail(viewer, f"the handshake was answered with {status}")

    def _read_frames(self, viewer: Viewer, data: bytes, now: int) -> None:
        digest = self._digests.get(data)
        if digest is None:
            digest = frames.digest(data)
            if len(self._digests) >= KEPT_DIGESTS:
                self._digests.clear()
            self._digests[data] = digest
        viewer.rest = data[digest.used :] if digest.used != len(data) else b""
        group = viewer.group
        group.bytes += len(data) - len(viewer.rest)
        group.frames += digest.frames
        group.lines += digest.lines
        # First of all a snapshot: what follows it in the chunk goes on from there.
        if (digest.rare or digest.pings or digest.close is not None) and not self._read_rare(viewer, digest):
            return
        for place in digest.musts:
            if not viewer.place(*place):
                break
        if digest.owns:
            viewer.own = digest.owns[-1]
        for mark, at in digest.marks:
            group.latencies.append(now - at)
            if group.reached(mark):
                self._say("all", group=group.name, mark=mark, at=now / 1e9)
        if viewer.goal is not None and viewer.state != IN and viewer.offset >= viewer.goal:
            self._arrived(viewer)

    def _read_rare(self, viewer: Viewer, digest: frames.Digest) -> bool:
        """Take what only one viewer is told; False when its connection is over."""
        viewer.answer(digest)
        for event in digest.rare:
            if event["t"] == "error":
                wait = event["d"].get("retry_ms", 1000) / 1000
                if not event["d"]["temporary"]:
                    self._fail(viewer, f"hello was refused: {event['d']['code']}")
                    return False
                viewer.wait = wait * random.uniform(1, 2)
        if digest.close is None:
            return True
        closes = viewer.group.closes
        closes[str(digest.close)] = closes.get(str(digest.close), 0) + 1
        if 4400 <= digest.close < 4500:
            self._fail(viewer, f"closed with {digest.close}")
        else:
            self._lose(viewer, viewer.wait)
        return False

    def _fail(self, viewer: Viewer, why: str) -> None:
        self._drop(viewer)
        self._say("failed", group=viewer.group.name, why=why)

    def _say(self, what: str, **more: object) -> None:
        sys.stdout.write(json.dumps({"say": what, **more}) + "\n")
        sys.stdout.flush()


def _stats(group: Group) -> dict[str, Any]:
    milliseconds = [each / 1e6 for each in group.latencies]
    return {
        "frames": group.frames,
        "bytes": group.bytes,
        "lines": group.lines,
        "gaps": group.gaps,
        "lost_sockets": group.lost_sockets,
        "whole": group.whole,
        "refused": group.refused,
        "closes": group.closes,
        "p50_ms": table.percentile(milliseconds, 0.5) if milliseconds else None,
        "p99_ms": table.percentile(milliseconds, 0.99) if milliseconds else None,
        "most_ms": max(milliseconds, default=None),
        "cpu_seconds": time.process_time() - group.cpu,
        "seconds": time.monotonic() - group.measured,
    }


if __name__ == "__main__":
    machine.allow_sockets()
    Client().run()
