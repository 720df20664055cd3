"""What is held back for a viewer whose way out is not free, by its class: must, state and chat."""

from collections import deque

from streams.frames import wire
from streams.live import packing, tally

HELD_BYTES = 262_144
CHAT_FRAMES = 50


class Held:
    """What waits for a slow viewer."""

    __slots__ = ("chat", "lost", "must", "must_bytes", "size", "states")

    def __init__(self) -> None:
        self.must: deque[tuple[bytes, int]] = deque()  # And how many bytes of it are the viewer's fault.
        self.must_bytes = 0
        self.states: dict[str, bytes] = {}
        self.chat: deque[tuple[int, bytes]] = deque()
        self.lost = 0
        self.size = 0

    def keep_must(self, frame: bytes, *, fault: int) -> None:
        """Hold back what must arrive; so many bytes of it are the viewer's own fault."""
        self.must.append((frame, fault))
        self.must_bytes += fault
        self.grow(len(frame))

    def keep_state(self, key: str, frame: bytes) -> None:
        """Hold back the newest value of a key, instead of an older one."""
        older = self.states.get(key)
        if older is not None:
            tally.here.dropped["state"] += 1
        self.states[key] = frame
        self.grow(len(frame) - len(older or b""))

    def keep_chat(self, lines: int, frame: bytes) -> None:
        """Hold back so many lines of chat; the oldest that wait give way."""
        self.chat.append((lines, frame))
        self.grow(len(frame))
        if len(self.chat) > CHAT_FRAMES:
            dropped, oldest = self.chat.popleft()
            self.lost += dropped
            self.grow(-len(oldest))
            tally.here.dropped["chat"] += dropped

    def strike(self, line: bytes) -> None:
        """Take out of the chat every line which contains these bytes."""
        for n, (lines, frame) in enumerate(self.chat):
            if line in frame:
                kept = [each for each in next(packing.unpack(frame)).split(b"\n") if line not in each]
                left = packing.pack(b"\n".join(kept)) if kept else b""
                self.chat[n] = (min(lines, len(kept)), left)
                self.grow(len(left) - len(frame))

    def grow(self, by: int) -> None:
        """Count bytes that wait more, or fewer."""
        self.size += by
        tally.here.held += by

    def take(self, most: int) -> bytes:
        """Take out the frames whose turn it is, about so many bytes of them; none: nothing is held."""
        parts: list[bytes] = []
        size = 0
        while size < most:
            if self.must:
                frame, counted = self.must.popleft()
                self.must_bytes -= counted
            elif self.states:
                frame = self.states.pop(next(iter(self.states)))
            elif self.chat:
                _, frame = self.chat.popleft()
            elif self.lost:
                parts.append(packing.pack(wire.event("chat.gap", {"dropped": self.lost})))
                self.lost = 0
                break
            else:
                break
            parts.append(frame)
            size += len(frame)
        self.grow(-size)
        return b"".join(parts)
