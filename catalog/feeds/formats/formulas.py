"""Cells that a spreadsheet would run: made texts by a leading apostrophe, and read back without it. Pure.

https://owasp.org/www-community/attacks/CSV_Injection
"""

import csv
import io
import re
from collections.abc import Sequence

_RUNS = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


def escape(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; `unescape` makes it the same text again."""
    return f"'{text}" if _RUNS.match(text) else text


def unescape(text: str) -> str:
    """Return the text that `escape` was given; other texts as they are."""
    return text[1:] if text.startswith("'") and _RUNS.match(text) else text


def join(parts: Sequence[str]) -> str:
    """Return several texts as one cell, with commas between them, which `split` reads back."""
    plain = ", ".join(parts)
    if _plainly(plain) == list(parts) and '"' not in plain:
        return plain
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="").writerow(parts)
    return file.getvalue()


def split(cell: str) -> list[str]:
    """Return the texts of a cell: between commas, without blanks and repetitions, or quoted as they are."""
    if not (cell.startswith('"') and cell.endswith('"')):
        return _plainly(cell)
    try:
        return next(csv.reader(io.StringIO(cell, newline=""), strict=True), [])
    except csv.Error:
        return _plainly(cell)


def _plainly(cell: str) -> list[str]:
    return list(dict.fromkeys(text for part in cell.split(",") if (text := part.strip())))
