"""What a check is, and what it finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One rule: what it says, how many rows it looks at, and which of them break it."""

    name: str
    rule: str
    looked_at: str  # SQL that returns one number.
    broken: str  # SQL that returns one text per broken row.


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; `examples` names a few of the broken rows."""

    name: str
    rule: str
    looked_at: int
    broken: int
    examples: list[str]
