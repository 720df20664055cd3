"""How often somebody may try something, counted in Redis in one step so that no burst slips through."""

import hashlib

import redis

from commerce import errors, redis_client

# Counting and starting the clock are one call: were the second lost, the counter would never run out.
_SPEND = """
local used = redis.call('INCR', KEYS[1])
if used == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if used > tonumber(ARGV[1]) then return redis.call('PTTL', KEYS[1]) end
return -1
"""


class TooOften(errors.TooMany):
    """Tried too often; `data["retry_ms"]` says when the next try counts again."""

    message = "Too many tries. Wait a little and try again."


def spend(*, what: str, who: str, limit: int, seconds: int) -> None:
    """Count one try of `who`; raises TooOften beyond `limit` in `seconds`, Unavailable when Redis is down."""
    digest = hashlib.sha256(who.encode()).hexdigest()[:32]
    try:
        wait = int(redis_client.sync().eval(_SPEND, 1, f"lc:throttle:{what}:{digest}", limit, seconds * 1000))
    except redis.RedisError:
        # Passwords could be tried without end if a lost counter meant yes.
        raise errors.Unavailable from None
    if wait >= 0:
        refusal = TooOften()
        refusal.retry_ms = wait  # type: ignore[misc]  # the wait of this one refusal, not of its class
        raise refusal


def clear(*, what: str, who: str) -> None:
    """Forget the tries of `who`, after one that succeeded."""
    digest = hashlib.sha256(who.encode()).hexdigest()[:32]
    try:
        redis_client.sync().delete(f"lc:throttle:{what}:{digest}")
    except redis.RedisError:
        return
