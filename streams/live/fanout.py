"""The same bytes to many viewers, without keeping the loop from everything else.

Everybody has a seat in a row. A telling goes along the row, from its beginning to where the row ended when
the telling was made, one after another, at most CHUNK seats in one round of the loop; what is told meanwhile
queues behind. Whoever joins is seated at the end of the row, behind all tellings that are under way: she has
been given those with what she missed, and is told every later one. Whoever leaves leaves an empty seat, so
that no telling reaches her any more, and when she joins again it is at the end. Thus everybody is told
everything once and in order, whether a telling is under way or not. Empty seats go when nothing is.

In a seat is what a frame is called with: the transport's own `write` while the viewer flows, and otherwise
`Viewer.miss`, which asks for the frame to be held back by its class. Beside it stands the socket's file
descriptor while the viewer flows, which means that its transport holds nothing: a frame may then be written
to the socket itself, and the transport is given what the kernel did not take. So one row of numbers is all
that is touched; to look at every viewer, or at every transport, costs about as much as the kernel's part, in
memory that is not at hand. But Python lets go of its lock around such a write, and gets it back late where
other threads work: then the transports' own write is faster, which keeps it.

A telling may overtake tellings that can wait (ticks), also one that is under way, but none that cannot.
"""

import asyncio
import os
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from streams.live import tally
from streams.live.viewer import Seat, Viewer, Write

CHUNK = 512  # Viewers told in one round of the loop, some four milliseconds.
EMPTY_SEATS = 64  # That many may stay, and as many as are taken.


@dataclass(slots=True, eq=False)
class _Telling:
    frame: bytes
    kind: str
    hold: Callable[[Viewer], None]
    done: Callable[[], None]
    waits: bool
    end: int
    reached: int = 0


class Fanout:
    """Those who are told, and what they are being told."""

    __slots__ = ("_budget", "_empty", "_fds", "_missed", "_round", "_row", "_seated", "_tellings")

    def __init__(self) -> None:
        self._row: list[Write] = []
        self._fds = array("i")
        self._seated: list[Viewer | None] = []
        self._empty = 0
        self._missed: list[Viewer] = []
        self._tellings: deque[_Telling] = deque()
        self._budget = 0
        self._round: asyncio.Handle | None = None

    def __len__(self) -> int:
        """Return how many are here."""
        return len(self._row) - self._empty

    def __iter__(self) -> Iterator[Viewer]:
        """Return those who are here now."""
        return iter([viewer for viewer in self._seated if viewer is not None])

    def __contains__(self, viewer: Viewer) -> bool:
        """Say whether a viewer is here."""
        return viewer.seat is not None and viewer.seat.row is self._row

    def add(self, viewer: Viewer) -> None:
        """Let a viewer hear what is told from now on; nobody sits in two rows."""
        if viewer not in self:
            viewer.sit(Seat(self._row, self._fds, len(self._row), self._missed))
            self._row.append(viewer.write if viewer.flows else viewer.miss)
            self._fds.append(viewer.fd if viewer.flows else -1)
            self._seated.append(viewer)

    def discard(self, viewer: Viewer) -> None:
        """Tell a viewer nothing any more, not even what is under way."""
        if viewer.seat is not None and viewer in self:
            number = viewer.seat.number
            viewer.sit(None)
            self._row[number], self._fds[number], self._seated[number] = _nobody, -1, None
            self._empty += 1
            if not self._tellings:
                self._close_ranks()

    def tell(
        self,
        frame: bytes,
        *,
        kind: str,
        hold: Callable[[Viewer], None],
        done: Callable[[], None] = lambda: None,
        waits: bool = False,
        overtakes: bool = False,
    ) -> None:
        """Write a packed frame to all who are here; `hold` is called for those who are behind.

        `done` is called when everybody has been told, at once if they are few.
        """
        telling = _Telling(frame, kind, hold, done, waits, len(self._row))
        before = len(self._tellings)
        while overtakes and before and self._tellings[before - 1].waits:
            before -= 1
        self._tellings.insert(before, telling)
        if self._round is None:
            self._budget = CHUNK
            self._round = asyncio.get_running_loop().call_soon(self._next_round)
        self._go_on()

    def stop(self) -> None:
        """Drop what is under way."""
        self._tellings.clear()
        if self._round is not None:
            self._round.cancel()
            self._round = None

    # --- inside ---

    def _next_round(self) -> None:
        self._round = None
        if self._tellings:
            self._budget = CHUNK
            self._round = asyncio.get_running_loop().call_soon(self._next_round)
            self._go_on()

    def _go_on(self) -> None:
        while self._tellings:
            telling = self._tellings[0]
            start, stop = telling.reached, min(telling.end, telling.reached + self._budget)
            if start < stop:
                self._budget -= stop - start
                telling.reached = stop
                self._write(telling, start, stop)
            if telling.reached < telling.end:
                return
            self._tellings.popleft()
            telling.done()
        self._close_ranks()

    def _write(self, telling: _Telling, start: int, stop: int) -> None:
        frame = telling.frame
        told = stop - start - (self._row[start:stop].count(_nobody) if self._empty else 0)
        if tally.here.working or tally.here.handed_over:
            self._by_transport(frame, start, self._row[start:stop])
        else:
            self._by_socket(frame, start, self._fds[start:stop])
        told -= len(self._missed)
        tally.here.frames[telling.kind] += told
        tally.here.bytes += told * len(frame)
        if self._missed:
            missed = list(self._missed)
            self._missed.clear()
            for viewer in missed:
                try:
                    telling.hold(viewer)
                except Exception:
                    viewer.failed()

    def _by_transport(self, frame: bytes, start: int, row: list[Write]) -> None:
        for write in row:
            try:
                write(frame)
            except Exception:
                self._failed(start + row.index(write))

    def _by_socket(self, frame: bytes, start: int, fds: "array[int]") -> None:
        write, size = os.write, len(frame)
        for number, fd in enumerate(fds, start):
            try:
                sent = write(fd, frame) if fd >= 0 else 0
            except OSError:
                sent = 0  # Full, or broken: its transport finds out which.
            if sent != size:
                try:
                    self._row[number](frame[sent:] if sent else frame)
                except Exception:
                    self._failed(number)

    def _failed(self, number: int) -> None:
        # Others are not to feel it.
        if (viewer := self._seated[number]) is not None:
            viewer.failed()

    def _close_ranks(self) -> None:
        if self._empty <= max(EMPTY_SEATS, len(self)):
            return
        seated = [viewer for viewer in self._seated if viewer is not None]
        self._row[:] = [viewer.write if viewer.flows else viewer.miss for viewer in seated]
        self._fds[:] = array("i", [viewer.fd if viewer.flows else -1 for viewer in seated])
        self._seated[:] = seated
        self._empty = 0
        for number, viewer in enumerate(seated):
            if viewer.seat is not None:
                viewer.seat.number = number


def _nobody(frame: bytes) -> None:
    pass
