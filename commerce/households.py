"""Households: who shares an address or a card, known by keyed hashes alone.

A key says that two purchases go to one door, or are paid with one card. Nobody can read the address or the
card from it, or make one without this installation's SECRET_KEY; a new SECRET_KEY begins new households.
Names are no part of it, since one address under ten names is what a limit per household is for. Writing
variants are folded only where they hardly ever mean another door: a neighbour who is refused is worse than a
cousin who is not found.
"""

import re
import unicodedata
from collections.abc import Mapping

from django.utils.crypto import salted_hmac

# The words of a street, as they are shortened in addresses.
_SHORT = {
    "street": "st",
    "saint": "st",
    "road": "rd",
    "avenue": "ave",
    "av": "ave",
    "boulevard": "blvd",
    "lane": "ln",
    "drive": "dr",
    "apartment": "apt",
    "floor": "fl",
    "number": "no",
    "nr": "no",
}
_UMLAUTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d"}
)
_MARKS = re.compile("[\u0300-\u036f]")
_RUNS = re.compile(r"\d+|[^\W\d_]+")


def keys(*, address: Mapping[str, str], fingerprint: str) -> list[str]:
    """Return the keys of an address (`line1`, `line2`, `postal_code`, `city`, `country`) and of a card.

    Each is 64 hex digits. What is empty has none.
    """
    door = "/".join(
        (
            _folded(address.get("country", "")),
            _folded(address.get("postal_code", "")),
            _folded(address.get("city", "")),
            _folded(f"{address.get('line1', '')} {address.get('line2', '')}"),
        )
    )
    known = [] if door == "///" else [_key("address", door)]
    return [*known, _key("card", fingerprint)] if fingerprint else known


def _key(kind: str, value: str) -> str:
    return salted_hmac(f"commerce.households.{kind}", value, algorithm="sha256").hexdigest()


def _folded(text: str) -> str:
    """Return letters and digits alone, in one writing: 'Müller-Straße 5 A' is 'Muellerstr. 5a'."""
    text = unicodedata.normalize("NFKC", text).casefold().translate(_UMLAUTS)
    # Accents of Latin letters are often left out; a mark of another script makes another letter.
    text = unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFD", text)))
    folded = ""
    for run in _RUNS.findall(text):
        word = re.sub("strasse$", "str", _SHORT.get(run, run))
        # Two numbers side by side stay two: 1 12 is not 11 2.
        folded += f"-{word}" if folded[-1:].isdigit() and word[0].isdigit() else word
    return folded
