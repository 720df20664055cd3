"""When a client comes back after its connection ended, by the protocol's table of close codes."""

import random

GOODBYE, TOO_LARGE, LOST = 1000, 1009, 1006
BAD_TICKET, ABUSE, DRAINING = 4401, 4429, 4503

STEADY = 10.0  # Seconds after which a connection has earned a quick return.
SPREAD = 5.0  # Seconds to spread a return over where a process went without naming any.
ABUSE_WAIT = 60.0


def is_final(code: int) -> bool:
    """Say whether after this close code something has to be changed before coming back."""
    return code in (GOODBYE, TOO_LARGE) or (4400 <= code < 4500 and code != ABUSE)


class Comeback:
    """Back-off with full jitter over the connections of one client; seconds throughout."""

    def __init__(self, first: float, longest: float) -> None:
        self.first, self.longest = first, longest
        self._attempt = 0
        self._ticket_refused = False

    def welcomed(self) -> None:
        """Note that a connection was let in."""
        self._ticket_refused = False

    def after(
        self,
        code: int,
        *,
        lasted: float,
        tickets: bool = False,
        named: float | None = None,
        asked: float | None = None,
    ) -> float | None:
        """Return how long to wait after a connection ended with this code, None for ever.

        `lasted`: how long it stood; `tickets`: another ticket can be had; `named`: the moment that was drawn
        when the process asked to leave, from now; `asked`: how long the server wants to be left alone.
        """
        if code == BAD_TICKET and tickets and not self._ticket_refused:
            self._ticket_refused = True
        elif is_final(code):
            return None
        if lasted > STEADY:
            self._attempt = 0
        if named is not None:
            return max(0.0, named)
        if code == DRAINING:
            return random.uniform(0, SPREAD)
        wait = random.uniform(0, min(self.longest, self.first * 2**self._attempt))
        self._attempt = min(self._attempt + 1, 30)
        if code == ABUSE:
            return ABUSE_WAIT + wait
        return wait if asked is None else asked * random.uniform(1, 1.5) + wait
