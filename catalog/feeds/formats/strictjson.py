"""One line of JSON, strictly: no name twice, no field that is not known, nothing that no database keeps."""

import json
import re
from typing import Any

import msgspec

from catalog.feeds.formats.fields import shorten

MAX_LINE_CHARS = 4_000_000
_STEP = re.compile(r"([^.\[\]]+)|\[([0-9]+)\]")


class Wrong(Exception):
    """A line or a part of one that is not taken; where, which code, what it says, why."""

    def __init__(self, column: str, code: str, value: str, message: str) -> None:
        self.column, self.code, self.value = column, code, value
        super().__init__(message)


def decoded(text: str, *, damaged: bool) -> Any:
    """Return what a line says; `damaged`: what could not be read was replaced. Raises Wrong."""
    if len(text) > MAX_LINE_CHARS:
        message = f"The line is longer than {MAX_LINE_CHARS} characters."
        raise Wrong("", "ROW_TOO_LONG", text[:80].replace("\0", ""), message)
    text = text.lstrip("\ufeff")
    if damaged and "\ufffd" in text:
        raise Wrong("", "BAD_ENCODING", _snippet(text), "The line has bytes that are not UTF-8.")
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except Wrong:
        raise
    except RecursionError as error:
        raise Wrong("", "TOO_DEEP", _snippet(text), "The JSON is nested too deeply.") from error
    except ValueError as error:
        raise Wrong("", "BAD_JSON", _snippet(text), f"This is not JSON: {str(error)[:150]}.") from error
    if "\\u" in text:
        _storable(text, found)
    return found


def _storable(text: str, found: Any) -> None:
    """Refuse what JSON can escape and no database keeps: NUL, and halves of a pair of surrogates."""
    try:
        whole = json.dumps(found, ensure_ascii=False)
        whole.encode()
    except UnicodeEncodeError as error:
        raise Wrong("", "BAD_ENCODING", _snippet(text), "The line has half a character.") from error
    if "\\u0000" in whole:
        raise Wrong("", "NUL_BYTE", _snippet(text), "The line has a NUL character.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        name = next(name for name in names if names.count(name) > 1)
        raise Wrong(shorten(name), "DUPLICATE_KEY", "", "The object has this name twice.")
    return found


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is not a number")


def convert(sent: Any, shape: Any, where: str) -> Any:
    """Return a part of a line in its shape; `where` is its place in the line. Raises Wrong."""
    try:
        return msgspec.convert(sent, shape)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        path = path.rstrip("`").lstrip(".") if path else ""
        column = ".".join(part for part in (where, path) if part)
        code = "BAD_VALUE"
        if "unknown field" in message:
            name = message.rpartition("unknown field ")[2].strip("`")
            column, code = ".".join(part for part in (column, name) if part), "UNKNOWN_FIELD"
        elif "missing required field" in message:
            column = ".".join(part for part in (column, message.rpartition("field ")[2].strip("`")) if part)
            code = "MISSING_FIELD"
        elif "length <=" in message:
            code = "TOO_LONG"
        raise Wrong(column[:255], code, _at(sent, path), f"{message[:250]}.") from error


def _at(sent: Any, path: str) -> str:
    """Return what a line says at a place, as JSON; "" where that cannot be told."""
    for name, index in _STEP.findall(path):
        try:
            sent = sent[name] if name else sent[int(index)]
        except (LookupError, TypeError, ValueError):
            return ""
    return json.dumps(sent, ensure_ascii=False)[:300] if not isinstance(sent, dict | list) else ""


def _snippet(text: str) -> str:
    return text[:80].strip().replace("\0", "")
