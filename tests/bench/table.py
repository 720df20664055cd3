"""What a benchmark reports, and how it is printed and written."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One measured figure beside the floor of the same run; `ratio` is value / floor."""

    id: str
    what: str
    value: float
    unit: str
    floor: float
    target: float  # Of the ratio.

    @property
    def ratio(self) -> float:
        return self.value / self.floor

    @property
    def met(self) -> bool:
        return self.ratio >= self.target


def printed(rows: Sequence[Row]) -> str:
    """Return the rows as one aligned table."""
    cells = [("", "what", "value", "floor", "ratio", "target", "")]
    for row in rows:
        cells.append(
            (
                row.id,
                row.what,
                f"{row.value:,.0f} {row.unit}",
                f"{row.floor:,.0f}",
                f"{row.ratio:.2f}x",
                f">= {row.target:.2f}x",
                "met" if row.met else "not met",
            )
        )
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def write(rows: Sequence[Row], path: Path) -> None:
    """Write the rows as a JSON list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    listed = [{**asdict(row), "ratio": round(row.ratio, 3), "met": row.met} for row in rows]
    path.write_text(json.dumps(listed, indent=2) + "\n")
