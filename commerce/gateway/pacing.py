"""How often the provider is asked: no more than it takes, and hardly at all while it does not answer.

All processes share the rate through Redis (https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm): each
call is given its moment and waits for it. While Redis is away each process keeps to a part of the rate.
"""

import threading
import time
from collections import deque
from functools import cache
from typing import Any

import structlog
from django.conf import settings
from redis.exceptions import RedisError

from commerce import redis_client
from commerce.gateway import metrics

log = structlog.get_logger(__name__)

LONGEST_WAIT = 5.0  # Whoever would have to wait longer is told to come again.
BURST_SECONDS = 0.1  # What may come at once, in seconds of the rate.
ALONE_SHARE = 0.4  # Of the rate, for one process while Redis is away: two of ours ask often.
WITHOUT_REDIS_SECONDS = 5.0

WINDOW_SECONDS = 10.0
FAILURES = 10  # In the window, and at least half of its calls: then the provider is left alone.
REST_SECONDS = 5.0
LONGEST_REST = 60.0

_NEXT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local due = tonumber(redis.call('GET', KEYS[1]) or '0')
-- Nobody was given a moment so late: the clock was set back, or it is no moment at all.
if not (due and due <= now + longest + interval) then due = 0 end
due = math.max(due, now - burst)
local wait = math.max(0, due - now)
if wait > longest then return -1 end
redis.call('SET', KEYS[1], string.format('%.0f', due + interval), 'PX', 60000)
return wait
"""
_KEY = "stripe:next"


class NotAsked(Exception):
    """The provider was not asked, so nothing was done."""


class Limiter:
    """Gives every call its moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due = 0.0
        self._redis_again = 0.0

    def wait(self, *, per_second: float) -> None:
        """Return when it is this call's turn; 0 per second is no limit. Raises NotAsked."""
        if not per_second:
            return
        seconds = self._shared(per_second)
        if seconds is None:
            seconds = self._alone(per_second * ALONE_SHARE)
        if seconds < 0:
            raise NotAsked("too many calls wait for the provider")
        if seconds:
            time.sleep(seconds)

    def _shared(self, per_second: float) -> float | None:
        if time.monotonic() < self._redis_again:
            return None
        numbers = (1 / per_second, BURST_SECONDS, LONGEST_WAIT)
        try:
            wait = _script()(keys=[_KEY], args=[round(each * 1_000_000) for each in numbers])
        except RedisError as error:
            log.warning("gateway.limited_alone", error=str(error))
            self._redis_again = time.monotonic() + WITHOUT_REDIS_SECONDS
            return None
        return float(wait) / 1_000_000 if wait >= 0 else -1.0

    def _alone(self, per_second: float) -> float:
        with self._lock:
            now = time.monotonic()
            due = max(self._due, now - BURST_SECONDS)
            if due - now > LONGEST_WAIT:
                return -1.0
            self._due = due + 1 / per_second
            return max(0.0, due - now)


class Breaker:
    """Leaves the provider alone when it hardly answers, and tries it again with one call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: deque[tuple[float, bool]] = deque()
        self._failed = 0  # Of these calls.
        self._rest = REST_SECONDS
        self._until = 0.0  # Of the rest; 0 while calls go through.
        self._probing = False

    def is_open(self) -> bool:
        """Say whether a call would not go through now."""
        with self._lock:
            return bool(self._until) and (self._probing or time.monotonic() < self._until)

    def enter(self) -> bool:
        """Let a call through; returns whether it is the one that tries. Raises NotAsked."""
        with self._lock:
            if not self._until:
                return False
            if self._probing or time.monotonic() < self._until:
                raise NotAsked("the provider has not answered lately")
            self._probing = True
            return True

    def leave(self, *, answered: bool | None, tried: bool) -> None:
        """Note what came of a call; None when it was not made after all."""
        with self._lock:
            now = time.monotonic()
            if tried:
                self._probing = False
                if answered:
                    self._close()
                elif answered is not None:
                    self._rest = min(2 * self._rest, LONGEST_REST)
                    self._until = now + self._rest
            elif answered is not None and not self._until:
                self._calls.append((now, answered))
                self._failed += not answered
                while self._calls[0][0] < now - WINDOW_SECONDS:
                    _, was_answered = self._calls.popleft()
                    self._failed -= not was_answered
                if not answered and self._failed >= FAILURES and 2 * self._failed >= len(self._calls):
                    self._until = now + self._rest
                    metrics.BREAKER_OPEN.set(1)
                    log.error("gateway.left_alone", failed=self._failed, calls=len(self._calls))

    def _close(self) -> None:
        self._until, self._rest = 0.0, REST_SECONDS
        self._calls.clear()
        self._failed = 0
        metrics.BREAKER_OPEN.set(0)
        log.warning("gateway.answers_again")


limiter = Limiter()
breaker = Breaker()


def is_resting() -> bool:
    """Say whether the provider is left alone for now, so that there is no use in asking."""
    return breaker.is_open()


def allowed_per_second() -> float:
    """Return how many calls a second all processes may make together; 0 is no limit."""
    return float(settings.STRIPE_CALLS_PER_SECOND)


def begin_anew() -> None:
    """Forget what was noted of the provider."""
    limiter.__init__()  # type: ignore[misc]
    breaker.__init__()  # type: ignore[misc]
    metrics.BREAKER_OPEN.set(0)


@cache
def _script() -> Any:
    return redis_client.sync().register_script(_NEXT)
