"""All that looks at a viewer's line before the room sees it, in one call."""

import hashlib
import re
from uuid import UUID

import structlog

from commerce import redis_client
from streams import showlog
from streams.moderation import filters, folding, rules, words
from streams.moderation.filters import Finding
from streams.moderation.standing import Standing

log = structlog.get_logger(__name__)

_between = re.compile(r"[\W_]+")  # What is put between and behind words to make a text another.

FLOOD_MS = 60_000
OWN_LENGTH, OWN_TIMES = 6, 3  # One viewer: the same text of so many characters, the third time in a minute.
ALL_LENGTH, ALL_PEOPLE = 24, 6  # Many viewers: as raids do. Short cheers of a crowd are welcome.

# Per text a hash of author -> times; returns how often this author and how many authors said it.
_COUNT = """
local times = redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
if times == 1 and redis.call('HLEN', KEYS[1]) == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return {times, redis.call('HLEN', KEYS[1])}
"""


def look(text: str, *, author: Standing, has_card: bool) -> Finding | None:
    """Return why a viewer's line should be looked at; whatever goes wrong is a reason, too."""
    if has_card:
        return Finding(rules.CARD)
    try:
        found = words.found_in(text, host_id=author.host_id) or filters.platform().check(text)
        return found or _flood(text, stream_id=author.stream_id, author_id=author.user_id)
    except Exception:
        log.exception("filter.failed")
        return Finding(rules.UNCHECKED)


def _flood(text: str, *, stream_id: UUID, author_id: UUID) -> Finding | None:
    folded = _between.sub(" ", folding.folded(text)).strip()
    if len(folded) < OWN_LENGTH:
        return None
    digest = hashlib.sha256(folded.encode()).hexdigest()[:24]
    key = f"{showlog.base(stream_id)}:f:{digest}"
    times, people = redis_client.run(_COUNT, [key], [str(author_id), FLOOD_MS])
    if times >= OWN_TIMES or (len(folded) >= ALL_LENGTH and people >= ALL_PEOPLE):
        return Finding(rules.FLOOD, text)
    return None
