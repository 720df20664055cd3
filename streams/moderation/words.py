"""Lists of words: the platform's, a library's, and each host's own. The only writer of BlockedWord."""

import re
import time
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.db import transaction
from glin_profanity import Filter as Library

from commerce import errors
from commerce.models import Host
from streams.models import BlockedWord
from streams.moderation import folding, rules
from streams.moderation.filters import Finding

MAX_WORDS = 500
MAX_LENGTH = 60
FRESH_SECONDS = 2.0

# On the library's list, and in a shop the words for colours, clothes, sizes, hair, yarn and kisses.
HARMLESS = [
    word
    for line in (
        "bareback|bondage|boob|boobs|bs|busty|butt|domination|erotic|escort|fingering|hardcore|hoe|kinky",
        "lolita|negro|nipple|nipples|nude|panties|panty|pissed|playboy|poof|rimming|sexy|simp|skeet",
        "snatch|snowballing|spunk|suck|sucks|swinger|tushy|twinkie|undressing|xx|xxx|lmfao|omfg|wtf",
        "big black|big breasts|blonde action|brunette action|chocolate rosebuds|girl on|god damn",
        "hard core|hot chick|how to kill|huge fat|jelly donut|make me come|strap on|tainted love",
        "taste my|tied up|tight white|tongue in a|violet wand|wrapping men",
    )
    for word in line.split("|")
]


class TooManyWords(errors.Conflict):
    code = "TOO_MANY_WORDS"
    message = f"A list holds {MAX_WORDS} words at most."


class BadWord(errors.Invalid):
    message = f"A word or phrase has 2 to {MAX_LENGTH} characters, two letters or digits at least."


class UnknownWord(errors.NotFound):
    message = "This word is not on the list."


class PlatformWords:
    """The library's list in the platform's languages, without what is harmless here."""

    prompt = True

    def __init__(self) -> None:
        self._library = Library({"languages": settings.CHAT_FILTER_LANGUAGES, "ignore_words": HARMLESS})
        self._found = lru_cache(4096)(self._look)

    def check(self, text: str) -> Finding | None:
        """Return the listed word that the text has, written plainly or in disguise."""
        found = self._found(text)
        return Finding(rules.WORDS, found) if found else None

    def _look(self, text: str) -> str:
        for each in dict.fromkeys((text, folding.folded(text))):
            if self._library.is_profane(each):
                return ", ".join(self._library.check_profanity(each).get("profane_words", [])) or each
        return ""


def of_host(host_id: UUID) -> list[BlockedWord]:
    """Return a host's list in alphabetical order."""
    return list(BlockedWord.objects.filter(host_id=host_id).order_by("folded"))


def add(*, host_id: UUID, text: str, by_id: UUID, now: datetime) -> BlockedWord:
    """Put a word or phrase on a host's list; one that means the same is there once.

    Raises BadWord, TooManyWords.
    """
    text = " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())
    folded = folding.folded(text)
    if len(text) > MAX_LENGTH or len(folding.bare(folded)) < 2:
        raise BadWord(errors={"text": f"2 to {MAX_LENGTH} characters"})
    with transaction.atomic():
        # The host's row queues those who add at the same time, so that the list keeps to its size.
        Host.objects.select_for_update(no_key=True).get(pk=host_id)
        there = BlockedWord.objects.filter(host_id=host_id, folded=folded).first()
        if there is not None:
            return there
        if BlockedWord.objects.filter(host_id=host_id).count() >= MAX_WORDS:
            raise TooManyWords
        word = BlockedWord.objects.create(host_id=host_id, text=text, folded=folded, by_id=by_id, at=now)
    _lists.pop(host_id, None)
    return word


def drop(*, host_id: UUID, word_id: UUID) -> None:
    """Take a word off a host's list; raises UnknownWord."""
    gone, _ = BlockedWord.objects.filter(host_id=host_id, pk=word_id).delete()
    if not gone:
        raise UnknownWord
    _lists.pop(host_id, None)


def found_in(text: str, *, host_id: UUID) -> Finding | None:
    """Return the word of a host's list that a line has; a change of the list counts within 2 seconds."""
    folded = folding.folded(text)
    letters = folding.skeleton(folded)
    for skeleton, pattern in _patterns(host_id):
        if skeleton in letters and (found := pattern.search(folded)):
            return Finding(rules.HOST_WORDS, found.group())
    return None


# Read anew when it is older than FRESH_SECONDS: chat does not ask for it with every line.
_lists: dict[UUID, tuple[float, list[tuple[str, re.Pattern[str]]]]] = {}
KEPT = 1000


def _patterns(host_id: UUID) -> list[tuple[str, re.Pattern[str]]]:
    kept = _lists.get(host_id)
    if kept is None or time.monotonic() - kept[0] > FRESH_SECONDS:
        words = BlockedWord.objects.filter(host_id=host_id).values_list("folded", flat=True)
        if len(_lists) >= KEPT:
            _lists.clear()
        kept = _lists[host_id] = (time.monotonic(), [_pattern(word) for word in words])
    return kept[1]


@lru_cache(8192)
def _pattern(word: str) -> tuple[str, re.Pattern[str]]:
    return folding.skeleton(folding.bare(word)), folding.pattern(word)
