from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from commerce import errors, redis_client, throttles


def spend(who: str = "ada", limit: int = 3, seconds: int = 60) -> bool:
    try:
        throttles.spend(what="test", who=who, limit=limit, seconds=seconds)
    except throttles.TooOften:
        return False
    return True


def test_the_limit_is_the_last_that_passes() -> None:
    assert [spend() for _ in range(5)] == [True, True, True, False, False]


def test_people_are_counted_apart() -> None:
    assert not [spend() for _ in range(4)][-1]
    assert spend("bob")


def test_a_burst_from_many_threads_gets_no_more_than_the_limit() -> None:
    with ThreadPoolExecutor(16) as pool:
        passed = list(pool.map(lambda _: spend(limit=10), range(64)))
    assert passed.count(True) == 10


def test_the_refusal_says_how_long_to_wait() -> None:
    spend(limit=1)
    with pytest.raises(throttles.TooOften) as refused:
        throttles.spend(what="test", who="ada", limit=1, seconds=60)
    assert refused.value.code == "RATE_LIMITED"
    assert refused.value.temporary
    assert 0 < (refused.value.retry_ms or 0) <= 60_000


def test_the_counter_runs_out(redis_server: redis.Redis) -> None:
    spend(limit=1, seconds=30)
    (key,) = redis_server.keys("lc:throttle:test:*")
    assert 0 < redis_server.pttl(key) <= 30_000
    assert b"ada" not in key
    redis_server.pexpire(key, 0)
    assert spend(limit=1)


def test_clearing_forgets() -> None:
    spend(limit=1)
    throttles.clear(what="test", who="ada")
    assert spend(limit=1)


def test_without_redis_nobody_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    away = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 3))
    monkeypatch.setattr(redis_client, "sync", lambda: away)
    with pytest.raises(errors.Unavailable):
        throttles.spend(what="test", who="ada", limit=3, seconds=60)
    throttles.clear(what="test", who="ada")
