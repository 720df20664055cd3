"""What a benchmark reports, and how it is printed and written."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Target:
    """What a figure, or its ratio to the floor, has to be at most or at least."""

    bound: float
    at_most: bool
    of_ratio: bool

    def holds(self, figure: float) -> bool:
        """Say whether a figure keeps to it."""
        return figure <= self.bound if self.at_most else figure >= self.bound

    def __str__(self) -> str:
        sign = "<=" if self.at_most else ">="
        return f"{sign} {self.bound:.2f}x" if self.of_ratio else f"{sign} {number(self.bound)}"


def at_most(bound: float) -> Target:
    """Return the target of a value that is to be small."""
    return Target(bound, at_most=True, of_ratio=False)


def at_least(bound: float) -> Target:
    """Return the target of a value that is to be large."""
    return Target(bound, at_most=False, of_ratio=False)


def at_most_floors(bound: float) -> Target:
    """Return the target of a cost: at most so many times the floor."""
    return Target(bound, at_most=True, of_ratio=True)


def at_least_floors(bound: float) -> Target:
    """Return the target of a rate: at least so many times the floor."""
    return Target(bound, at_most=False, of_ratio=True)


@dataclass(frozen=True)
class Row:
    """One measured figure, with the floor of the same run and the target where there are any."""

    id: str
    what: str
    value: float
    unit: str
    floor: float | None = None
    target: Target | None = None

    @property
    def ratio(self) -> float | None:
        """The value in floors; None where there is no floor."""
        return self.value / self.floor if self.floor else None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none, or no floor to hold it against."""
        if self.target is None:
            return None
        figure = self.ratio if self.target.of_ratio else self.value
        return None if figure is None else self.target.holds(figure)


def printed(rows: Sequence[Row]) -> str:
    """Return the rows as one aligned table."""
    cells = [("", "what", "value", "floor", "ratio", "target", "")]
    for row in rows:
        cells.append(
            (
                row.id,
                row.what,
                f"{number(row.value)} {row.unit}".rstrip(),
                "-" if row.floor is None else number(row.floor),
                "-" if row.ratio is None else f"{row.ratio:.2f}x",
                "-" if row.target is None else str(row.target),
                {True: "met", False: "not met", None: ""}[row.met],
            )
        )
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def write(rows: Sequence[Row], path: Path) -> None:
    """Write the rows as a JSON list; `floor`, `ratio`, `target` and `met` may be null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    listed = [
        {
            "id": row.id,
            "what": row.what,
            "value": row.value,
            "unit": row.unit,
            "floor": row.floor,
            "ratio": None if row.ratio is None else round(row.ratio, 3),
            "target": None if row.target is None else str(row.target),
            "met": row.met,
        }
        for row in rows
    ]
    path.write_text(json.dumps(listed, indent=2) + "\n")


def number(value: float) -> str:
    """Return a figure with the digits that mean something: three, or all before the point."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` (0 to 1) of all are not above; raises ValueError if none."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
