"""Whether this process has stood still, as on a paused machine: what it reads right after may be old.

What was sent to it meanwhile waits in the kernel, which does not say since when.
"""

import threading
import time

TICK_SECONDS = 1.0
STILL_SECONDS = 5.0  # Without a tick for so long it has stood still.
CATCHING_UP_SECONDS = 2.0  # For so long afterwards what is read may have been sent before.


def clock() -> float:
    """Return a clock that also goes on while the machine is suspended, in seconds."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Watch:
    """Ticks in a thread of its own, and knows by what is missing how old what is read now may be."""

    def __init__(self) -> None:
        self._ticked = clock()
        self._since = self._until = 0.0
        self._lock = threading.Lock()
        self._over = threading.Event()

    def start(self) -> None:
        """Tick until it is stopped."""
        self._ticked = clock()
        threading.Thread(target=self._tick_on, name="till-watch", daemon=True).start()

    def stop(self) -> None:
        """Tick no more."""
        self._over.set()

    def tick(self) -> None:
        """Note that the process goes on, and whether it has stood still since the last time."""
        with self._lock:
            now = clock()
            if now - self._ticked > STILL_SECONDS:
                self._since, self._until = self._ticked, now + CATCHING_UP_SECONDS
            self._ticked = now

    def age(self) -> float:
        """Return for how many seconds what is read now may have waited unread."""
        now = clock()
        if now - self._ticked > STILL_SECONDS:
            self.tick()
        return now - self._since if now < self._until else 0.0

    def _tick_on(self) -> None:
        while not self._over.wait(TICK_SECONDS):
            self.tick()
