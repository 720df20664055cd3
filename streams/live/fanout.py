"""The same bytes to many viewers, without keeping the loop from everything else.

Every telling has the audience of the moment at which it was made: whoever joins later has been given it with
what she missed, and is told what comes after; so to join is to copy what is known and to be added, in one
step. Tellings run one after another. When CHUNK viewers have been told in one round of the loop, the rest is
for the next round, and what is told meanwhile queues behind. Thus everybody is told everything once and in
order, whether a telling is under way or not. Who leaves is struck from the tellings that have not reached her
yet; when she joins again, she is in the audience of later ones only.

The audience is a list that is shared by all tellings between two changes of who is there.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from streams.live import tally
from streams.live.viewer import Viewer

CHUNK = 512  # Viewers told in one round of the loop, some four milliseconds.


@dataclass(slots=True, eq=False)
class _Telling:
    frame: bytes
    kind: str
    hold: Callable[[Viewer], None]
    done: Callable[[], None]
    audience: list[Viewer]
    reached: int = 0
    left: set[Viewer] = field(default_factory=set)


class Fanout:
    """Those who are told, and what they are being told."""

    __slots__ = ("_audience", "_budget", "_here", "_round", "_tellings")

    def __init__(self) -> None:
        self._here: set[Viewer] = set()
        self._audience: list[Viewer] | None = None
        self._tellings: deque[_Telling] = deque()
        self._budget = 0
        self._round: asyncio.Handle | None = None

    def __len__(self) -> int:
        """Return how many are here."""
        return len(self._here)

    def __iter__(self) -> Iterator[Viewer]:
        """Return those who are here now."""
        return iter(list(self._here))

    def __contains__(self, viewer: object) -> bool:
        """Say whether a viewer is here."""
        return viewer in self._here

    def add(self, viewer: Viewer) -> None:
        """Let a viewer hear what is told from now on."""
        self._here.add(viewer)
        self._audience = None

    def discard(self, viewer: Viewer) -> None:
        """Tell a viewer nothing any more, not even what is under way."""
        if viewer in self._here:
            self._here.discard(viewer)
            self._audience = None
            for telling in self._tellings:
                telling.left.add(viewer)

    def tell(
        self,
        frame: bytes,
        *,
        kind: str,
        hold: Callable[[Viewer], None],
        done: Callable[[], None] = lambda: None,
    ) -> None:
        """Write a packed frame to all who are here; `hold` is called for those who are behind.

        `done` is called when everybody has been told, at once if they are few.
        """
        if self._audience is None:
            self._audience = list(self._here)
        self._tellings.append(_Telling(frame, kind, hold, done, self._audience))
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

    def _next_round(self) -> None:
        self._round = None
        if self._tellings:
            self._budget = CHUNK
            self._round = asyncio.get_running_loop().call_soon(self._next_round)
            self._go_on()

    def _go_on(self) -> None:
        while self._tellings and (self._budget > 0 or not self._tellings[0].audience):
            telling = self._tellings[0]
            chunk = telling.audience[telling.reached : telling.reached + self._budget]
            telling.reached += len(chunk)
            self._budget -= len(chunk)
            if telling.left:
                chunk = [viewer for viewer in chunk if viewer not in telling.left]
            _write(chunk, telling)
            if telling.reached == len(telling.audience):
                self._tellings.popleft()
                telling.done()


def _write(chunk: list[Viewer], telling: _Telling) -> None:
    frame, behind = telling.frame, 0
    for viewer in chunk:
        if viewer.flows:
            try:
                viewer.write(frame)
            except Exception:
                viewer.failed()
        else:
            behind += 1
            telling.hold(viewer)
    told = len(chunk) - behind
    tally.here.frames[telling.kind] += told
    tally.here.bytes += told * len(frame)
