"""Addresses on the web in viewers' lines: the usual way to lure shoppers out of the show."""

import re
import unicodedata

from streams.moderation import rules
from streams.moderation.filters import Finding

# Endings that are no words one could begin a sentence with after a forgotten blank ("lovely.top quality").
_SURE = "com|net|org|info|xyz|ru|cn|gg|ly|biz|io|eu|uk"
_DOT = r"(?:\.|\[\.\]|\(\.\)|\s?[\[(]dot[\])]\s?)"
_link = re.compile(
    r"https?://\S+|(?<!\w)www\.\w\S*"
    rf"|(?<![\w@.])(?:[\w\-]+{_DOT})+(?:{_SURE})(?![\w\-])"
    r"|(?<!\w)[\w\-]+(?:\s?\.\s?|\s+dot\s+)com(?!\w)"
    r"|(?<![\w@])[\w\-]+\.[a-z]{2,12}/[\w?]",
    re.I,
)


class Links:
    """Finds addresses, written plainly or with a dot in disguise."""

    prompt = True

    def check(self, text: str) -> Finding | None:
        """Return the first address in a line."""
        plain = "".join(
            character
            for character in unicodedata.normalize("NFKC", text)
            if unicodedata.category(character) != "Cf"
        )
        found = _link.search(plain)
        return Finding(rules.LINKS, found.group()) if found else None
