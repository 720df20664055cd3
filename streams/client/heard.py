"""What a client of `livecommerce.v1` has heard: which frame is news, and where it is in each lane. No Django.

Of lane s every event passes once and in order; when one is missing nothing passes until the snapshot. Of lane
u every event passes once; what is missed there is told again as it is now. What is remembered is bounded.
"""

from collections import OrderedDict
from typing import Any

Frame = dict[str, Any]
Place = tuple[str, int]  # Epoch and offset.

LINES, STATES = 500, 1_000  # Ids of chat lines and versions of states that are remembered.


class Heard:
    """The memory of one client, kept over its reconnections."""

    def __init__(self, s: Place | None = None, u: Place | None = None) -> None:
        self.s, self.u = s, u
        self.whole = s is not None  # False: nothing of lane s counts until the next snapshot.
        self.missing: set[str] = set()  # Lanes to ask for anew, newly found out.
        self._states: OrderedDict[str, int] = OrderedDict()
        self._lines: OrderedDict[str, None] = OrderedDict()

    def resume(self) -> dict[str, Any]:
        """Return what `hello` says of the places; empty: nothing to resume from."""
        lanes = {"s": self.s if self.whole else None, "u": self.u}
        return {lane: {"epoch": at[0], "offset": at[1]} for lane, at in lanes.items() if at is not None}

    def welcomed(self, d: dict[str, Any]) -> None:
        """Take in the body of `welcome`."""
        self.missing.clear()
        if not d["recovered"]["s"]:
            self.whole = False
        if not d["recovered"]["u"]:
            self.u = _place(d["position"].get("u"))

    def take(self, frame: Frame) -> bool:
        """Say whether a frame is news; afterwards `missing` names the lanes that have a hole."""
        t, d = frame["t"], frame["d"]
        if t == "snapshot":
            self._snapshot(frame)
        elif t == "resync":
            if d["lane"] == "s":
                self.whole = False
            else:
                self.u = _place(d)  # What is one's own follows, as it is there.
        elif frame.get("l") == "s":
            return self._public(frame)
        elif frame.get("l") == "u" and "o" in frame:
            return self._private(frame["e"], frame["o"])
        elif "k" in frame:
            return self._state(frame["k"], frame["n"])
        elif t == "chat.message":
            return self._line(d["id"])
        return True

    def _snapshot(self, frame: Frame) -> None:
        self.s, self.whole = (frame["e"], frame["o"]), True
        if frame["d"].get("u"):
            self.u = _place(frame["d"]["u"])
        # The newest states follow it, and its own numbers may be older than those known.
        self._states.clear()
        for line in frame["d"]["chat"]:
            self._line(line["id"])

    def _public(self, frame: Frame) -> bool:
        epoch, offset = frame["e"], frame["o"]
        if not self.whole or self.s is None or (epoch == self.s[0] and offset <= self.s[1]):
            return False
        if (epoch, offset - 1) != self.s:
            self.whole = False
            self.missing.add("s")
            return False
        self.s = (epoch, offset)
        if frame["t"] in ("chat.removed", "chat.restored"):
            self._line(frame["d"]["id"])
        return True

    def _private(self, epoch: str, offset: int) -> bool:
        if self.u is not None:
            if epoch == self.u[0] and offset <= self.u[1]:
                return False
            if (epoch, offset - 1) != self.u:
                self.missing.add("u")
        self.u = (epoch, offset)
        return True

    def _state(self, key: str, version: int) -> bool:
        if self._states.get(key, -1) >= version:
            return False
        self._states[key] = version
        self._states.move_to_end(key)
        if len(self._states) > STATES:
            self._states.popitem(last=False)
        return True

    def _line(self, line: str) -> bool:
        new = line not in self._lines
        self._lines[line] = None
        if len(self._lines) > LINES:
            self._lines.popitem(last=False)
        return new


def _place(d: dict[str, Any] | None) -> Place | None:
    return (d["epoch"], d["offset"]) if d else None
