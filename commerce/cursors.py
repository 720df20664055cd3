"""What the cursors of pages look like that go on behind a value of one column."""

import re
from base64 import b64decode
from urllib.parse import parse_qsl, urlencode

MAX_LENGTH = 1_000

# How far behind the value, whether backwards, and the value.
_PLACE = re.compile(r"(?:o=[1-9][0-9]{0,9}(?:&|$))?(?:r=1(?:&|$))?(?:p=[^&]*)?")


def is_place(cursor: str) -> bool:
    """Tell whether a cursor is written as ours are; whether the value can be one, its column knows."""
    if len(cursor) > MAX_LENGTH:
        return False
    try:
        said = b64decode(cursor.encode(), validate=True).decode("ascii")
    except ValueError:
        return False
    again = urlencode(parse_qsl(said, keep_blank_values=True))
    return bool(said and _PLACE.fullmatch(said)) and again == said
