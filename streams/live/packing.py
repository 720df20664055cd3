"""Text as websocket frames, ready to be written.

What a server sends is not masked, so one frame is made once and the same bytes go to everybody. Frames that
follow one another may be written as one piece.
"""

from collections.abc import Iterator

_SHORT, _MEDIUM = 126, 65_536  # Payloads of fewer bytes have a header of two, of four, else of ten.


def pack(payload: str | bytes) -> bytes:
    """Return one whole text frame (RFC 6455, 5.2) that holds the payload; bytes must be UTF-8."""
    data = payload.encode() if isinstance(payload, str) else payload
    size = len(data)
    if size < _SHORT:
        return bytes((0x81, size)) + data
    if size < _MEDIUM:
        return b"\x81\x7e" + size.to_bytes(2, "big") + data
    return b"\x81\x7f" + size.to_bytes(8, "big") + data


def unpack(frames: bytes) -> Iterator[bytes]:
    """Return the payloads of frames that `pack` has made."""
    at = 0
    while at < len(frames):
        size, head = frames[at + 1], 2
        if size == 126:
            size, head = int.from_bytes(frames[at + 2 : at + 4], "big"), 4
        elif size == 127:
            size, head = int.from_bytes(frames[at + 2 : at + 10], "big"), 10
        at += head
        yield frames[at : at + size]
        at += size
