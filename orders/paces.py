"""How often one shopper may press buy, and who is let in at a drop. It sheds load; the till alone grants.

A whole batch is counted in one journey to Redis, in one hash per minute and offer. Without Redis everybody is
let through: the till is exact, and slower at worst. Belongs in a thread, never on the event loop.
"""

import re
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson
import structlog
from django.conf import settings
from redis.exceptions import RedisError

from commerce import errors, redis_client
from streams import waitingroom
from streams.models import Offer

log = structlog.get_logger(__name__)

WINDOW_MS = 60_000
AWAY_SECONDS = 5.0  # Until Redis is asked again after it did not answer.
RULES_SECONDS = 2.0  # How long an offer's rules are taken as read: no batch need ask the database for them.


class TooFast(errors.TooMany):
    """She has pressed buy as often as is allowed in a minute; nothing was done."""

    message = "You are pressing too often. Nothing was done; wait a moment."


@dataclass(frozen=True, slots=True)
class Rule:
    """What an offer limits: presses of one buyer in a minute, and whether she must have been let in."""

    tries_per_minute: int | None
    waits: bool


# KEYS: the count of all presses, then per offer its count, its queue and who was let in. ARGV: a JSON object.
# Answers presses that may not be: its number and 'r' (too fast), or 'w' and the place in the waiting room.
_COUNT = """
local asked = cjson.decode(ARGV[1])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local answers = {}
for n, press in ipairs(asked.presses) do
  local buyer, answer = press[1], ''
  if redis.call('HINCRBY', KEYS[1], buyer, 1) > asked.limit then answer = 'r' end
  for _, offer in ipairs(press[2]) do
    local at, rule = 2 + 3 * (offer - 1), asked.rules[offer]
    if rule[1] > 0 and redis.call('HINCRBY', KEYS[at], buyer, 1) > rule[1] then answer = 'r' end
    if rule[2] and answer == '' then
      if tonumber(redis.call('HGET', KEYS[at + 2], buyer) or 0) <= now then
        local place = redis.call('ZRANK', KEYS[at + 1], buyer)
        answer = 'w' .. (place and (place + 1) or 0)
      end
    end
  end
  if answer ~= '' then answers[#answers + 1] = n .. answer end
end
redis.call('PEXPIRE', KEYS[1], asked.keep)
for n, rule in ipairs(asked.rules) do
  if rule[1] > 0 then redis.call('PEXPIRE', KEYS[2 + 3 * (n - 1)], asked.keep) end
end
return answers
"""

_ANSWER = re.compile(r"(\d+)([rw])(\d*)")

_away_until = 0.0
_rules: dict[UUID, tuple[float, Rule]] = {}


def allow_many(presses: Sequence[tuple[UUID, Collection[UUID]]]) -> list[errors.Refusal | None]:
    """Count presses (buyer, offers), in order, and return for each why it may not be, or None if it may."""
    if not presses:
        return []
    rules = _rules_of({offer_id for _, offer_ids in presses for offer_id in offer_ids})
    # The window is this process's clock: processes that differ by a moment count a moment's presses apart.
    now_ms = time.time_ns() // 1_000_000
    window = now_ms // WINDOW_MS
    places = {offer_id: n for n, offer_id in enumerate(rules, 1)}
    keys = [f"lc:pace:{window}"]
    for offer_id in rules:
        _, queue, let_in = waitingroom.keys(offer_id)
        keys += [f"lc:pace:{window}:{offer_id}", queue, let_in]
    asked = {
        "limit": settings.PURCHASES_PER_MINUTE,
        "keep": 2 * WINDOW_MS,
        "rules": [[rule.tries_per_minute or 0, rule.waits] for rule in rules.values()],
        "presses": [
            [str(buyer_id), [places[offer_id] for offer_id in offer_ids if offer_id in places]]
            for buyer_id, offer_ids in presses
        ],
    }
    global _away_until
    if time.monotonic() < _away_until:
        return [None] * len(presses)
    try:
        answers = redis_client.run(_COUNT, keys, [orjson.dumps(asked).decode()])
    except RedisError:
        # A Redis that hangs costs its timeout; not every batch shall wait for it.
        _away_until = time.monotonic() + AWAY_SECONDS
        log.warning("paces.uncounted", presses=len(presses), exc_info=True)
        return [None] * len(presses)
    wait_ms = WINDOW_MS - now_ms % WINDOW_MS
    refusals: list[errors.Refusal | None] = [None] * len(presses)
    for answer in answers:
        number, why, place = _ANSWER.fullmatch(answer.decode()).groups()  # type: ignore[union-attr]
        refusals[int(number) - 1] = _refusal(why, place, wait_ms)
    return refusals


def _refusal(why: str, place: str, wait_ms: int) -> errors.Refusal:
    if why == "w":
        return waitingroom.NotYourTurn(position=int(place) or None)
    refusal = TooFast()
    refusal.retry_ms = wait_ms  # type: ignore[misc]  # This one's; the class has a guess.
    return refusal


def _rules_of(offer_ids: Iterable[UUID]) -> dict[UUID, Rule]:
    """Return the rules of those of the offers that have any, as they were at most RULES_SECONDS ago."""
    now, wanted = time.monotonic(), set(offer_ids)
    stale = [each for each in wanted if each not in _rules or now - _rules[each][0] > RULES_SECONDS]
    if stale:
        if len(_rules) > 10_000:
            _rules.clear()
        for offer_id in stale:
            _rules[offer_id] = (now, Rule(None, waits=False))
        rows = Offer.objects.filter(pk__in=stale)
        for pk, tries, admits in rows.values_list("pk", "tries_per_minute", "admits_per_second"):
            _rules[pk] = (now, Rule(tries, waits=admits is not None))
    kept = {each: _rules[each][1] for each in sorted(wanted)}
    return {each: rule for each, rule in kept.items() if rule.tries_per_minute or rule.waits}
