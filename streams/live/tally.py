"""What this process has done for its viewers, in plain numbers that whoever collects them may read at any
time. They only grow, but for `open`, `held`, `working` and `handed_over`.
"""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Counts of one process, since it began."""

    open: int = 0  # Connections there are now.
    opened: int = 0
    closed: Counter[int] = field(default_factory=Counter)  # By close code; 1006 had none.
    cut: int = 0  # Ended below the protocol.
    frames: Counter[str] = field(default_factory=Counter)  # Handed to the network, by class.
    bytes: int = 0  # Handed to the network.
    held: int = 0  # Bytes that wait now because viewers are slow.
    dropped: Counter[str] = field(default_factory=Counter)  # Left out for slow viewers, by class.
    thinned: int = 0  # Lines of chat left out for a whole room.
    working: int = 0  # Tasks that run in threads now, or wait for one.
    handed_over: int = 0  # Commands in a line of their own that have no answer yet.
    repaired: int = 0  # Gaps in a lane that were filled.
    lost: int = 0  # Gaps that were not, so that all viewers needed a snapshot.
    heard: int = 0  # Frames that came in.
    refused: Counter[str] = field(default_factory=Counter)  # Frames refused, by the error's code.
    turned_away: Counter[int] = field(default_factory=Counter)  # Handshakes refused, by HTTP status.
    welcomed: Counter[str] = field(default_factory=Counter)  # "new", "recovered" or "lost".
    resyncs: int = 0  # Lanes that clients asked for anew.
    deaf: int = 0  # How often the connection to Redis was lost.


here = Tally()
