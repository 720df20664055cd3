"""The frames of `livecommerce.v1`: typed once, and from that read, checked and documented."""

from streams.frames.base import (
    MAX_FRAME_BYTES,
    PROTOCOL,
    Body,
    Caller,
    Count,
    Currency,
    Epoch,
    Instant,
    Money,
    Offset,
    Position,
    Quantity,
    ShortText,
    Text,
    Told,
    Units,
)
from streams.frames.wire import BadFrame, VersionUnsupported

__all__ = [
    "MAX_FRAME_BYTES",
    "PROTOCOL",
    "BadFrame",
    "Body",
    "Caller",
    "Count",
    "Currency",
    "Epoch",
    "Instant",
    "Money",
    "Offset",
    "Position",
    "Quantity",
    "ShortText",
    "Text",
    "Told",
    "Units",
    "VersionUnsupported",
]
