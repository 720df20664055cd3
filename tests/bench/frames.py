"""A server's websocket frames, as the load client reads them.

A broadcast is the same bytes for every viewer. So the client reads a chunk once and remembers what was in it:
a `Digest`, looked up by the bytes for all the others.
"""

import json
from dataclasses import dataclass, field
from typing import Any

TEXT, CLOSE, PING = 0x1, 0x8, 0x9


class Broken(Exception):
    """What came is not a frame that a server may send unasked."""


@dataclass(slots=True)
class Digest:
    """What a chunk of bytes holds, up to the last frame that is whole."""

    used: int = 0
    frames: int = 0
    lines: int = 0  # Of chat.
    marks: list[tuple[int, int]] = field(default_factory=list)  # (number, nanoseconds when it was published)
    musts: list[tuple[str, int]] = field(default_factory=list)  # (epoch, offset) in lane s
    owns: list[tuple[str, int]] = field(default_factory=list)  # (epoch, offset) in lane u
    rare: list[dict[str, Any]] = field(default_factory=list)  # welcome, snapshot, error, ping, reconnect
    pings: list[bytes] = field(default_factory=list)  # of the websocket protocol
    close: int | None = None


RARE = {"welcome", "snapshot", "error", "ping", "resync", "reconnect"}


def split(data: bytes) -> tuple[list[tuple[int, bytes]], int]:
    """Return the whole frames at the head of `data` as (opcode, payload), and how many bytes they take."""
    found, at = [], 0
    while len(data) - at >= 2:
        first, length, begin = data[at], data[at + 1], at + 2
        if length & 0x80 or not first & 0x80 or first & 0x70:
            raise Broken(f"a masked, fragmented or extended frame: {data[at : at + 2]!r}")
        if length > 125:
            width = 2 if length == 126 else 8
            if len(data) - begin < width:
                break
            length = int.from_bytes(data[begin : begin + width])
            begin += width
        if len(data) - begin < length:
            break
        at = begin + length
        found.append((first & 0x0F, data[begin:at]))
    return found, at


def digest(data: bytes) -> Digest:
    """Return what the whole frames at the head of `data` hold."""
    frames, used = split(data)
    made = Digest(used)
    for opcode, payload in frames:
        if opcode == TEXT:
            made.frames += 1
            for line in payload.split(b"\n"):
                _read(made, json.loads(line))
        elif opcode == PING:
            made.pings.append(payload)
        elif opcode == CLOSE:
            made.close = int.from_bytes(payload[:2]) if payload else 1005
    return made


def _read(made: Digest, event: dict[str, Any]) -> None:
    t, body = event.get("t"), event.get("d")
    if t == "chat.message":
        made.lines += 1
    elif t in RARE:
        made.rare.append(event)
    elif event.get("l") == "s":
        made.musts.append((event["e"], event["o"]))
    elif event.get("l") == "u" and "o" in event:
        made.owns.append((event["e"], event["o"]))
    if isinstance(body, dict) and "mark" in body:
        made.marks.append((body["mark"], body["at"]))


def text(payload: bytes) -> bytes:
    """Return a server's text frame: unmasked, whole."""
    return _head(TEXT, len(payload), 0) + payload


def masked(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return a client's frame; its mask is zero, which costs nothing and is allowed."""
    return _head(opcode, len(payload), 0x80) + b"\0\0\0\0" + payload


def _head(opcode: int, length: int, mask: int) -> bytes:
    if length < 126:
        return bytes((0x80 | opcode, mask | length))
    if length < 65_536:
        return bytes((0x80 | opcode, mask | 126)) + length.to_bytes(2)
    return bytes((0x80 | opcode, mask | 127)) + length.to_bytes(8)
