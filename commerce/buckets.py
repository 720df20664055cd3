"""How fast one API key may call: a bucket of tokens per key and kind of request, kept in Redis.

A bucket holds what is allowed in a minute and fills evenly; a request takes one token, in one step.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import redis
import structlog
from django.conf import settings

from commerce import errors, redis_client
from commerce.scopes import Kind

log = structlog.get_logger(__name__)

WINDOW_SECONDS = 60

# Redis' own clock: processes whose clocks differ fill the same bucket. Answers tokens left, whether one was
# taken, and the milliseconds until there is one (of an empty bucket) or until it is full.
_TAKE = """
local at = redis.call('TIME')
local now = at[1] * 1000 + math.floor(at[2] / 1000)
local most, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local kept = redis.call('HMGET', KEYS[1], 'left', 'at')
local left, since = tonumber(kept[1]) or most, tonumber(kept[2]) or now
left = math.min(most, left + math.max(0, now - since) * most / window)
local taken = 0
if left >= 1 then left, taken = left - 1, 1 end
redis.call('HSET', KEYS[1], 'left', left, 'at', now)
redis.call('PEXPIRE', KEYS[1], window)
local until_tokens = most
if left < 1 then until_tokens = 1 end
return {math.floor(left), taken, math.ceil((until_tokens - left) * window / most)}
"""


class RateLimited(errors.TooMany):
    """The key has called too often; `data["kind"]` says for which limit, `Retry-After` for how long."""

    message = "This key has called too often. Wait a little and go on more slowly."


@dataclass(frozen=True)
class Standing:
    """Where a key stands after a request: requests it may send at once, and when there are more."""

    kind: Kind
    most: int
    left: int
    wait_ms: int
    taken: bool

    def headers(self) -> dict[str, str]:
        """Return the fields of draft-ietf-httpapi-ratelimit-headers-11; whole seconds, rounded up."""
        return {
            "RateLimit-Policy": f'"{self.kind}";q={self.most};w={WINDOW_SECONDS}',
            "RateLimit": f'"{self.kind}";r={self.left};t={-(-self.wait_ms // 1000)}',
        }

    def refusal(self) -> RateLimited:
        """Return what a request without a token is refused with."""
        refused = RateLimited(kind=self.kind, limit=self.most)
        refused.retry_ms = max(1, self.wait_ms)  # type: ignore[misc]  # the wait of this one, not of its class
        return refused


def take(*, key_id: UUID, kind: Kind) -> Standing | None:
    """Take one token of a key; None when Redis is away: a merchant's system is not stopped by that."""
    most = settings.MERCHANT_REQUESTS_PER_MINUTE[kind]
    try:
        reply: Any = redis_client.hasty().eval(
            _TAKE, 1, f"lc:bucket:{key_id.hex}:{kind}", most, WINDOW_SECONDS * 1000
        )
    except redis.RedisError as error:
        log.warning("ratelimit.not_counted", error=type(error).__name__)
        return None
    left, taken, wait = reply
    return Standing(kind, most, int(left), int(wait), bool(taken))
