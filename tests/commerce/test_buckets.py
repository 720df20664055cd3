"""The limits of API keys, counted in a real Redis."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from structlog.testing import capture_logs

from commerce import buckets, ids, redis_client


@pytest.fixture(autouse=True)
def limits(settings: Any, redis_server: Any) -> None:
    settings.MERCHANT_REQUESTS_PER_MINUTE = {"read": 5, "write": 2, "bulk": 1}


@pytest.fixture
def no_redis(settings: Any) -> Iterator[None]:
    redis_client.hasty.cache_clear()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    yield
    redis_client.hasty.cache_clear()


def test_a_bucket_holds_a_minute_of_requests_and_then_says_how_long_to_wait() -> None:
    key = ids.new()

    took = [buckets.take(key_id=key, kind="read") for _ in range(6)]

    assert [each.left for each in took if each] == [4, 3, 2, 1, 0, 0]
    last = took[-1]
    assert last is not None
    assert not last.taken
    assert last.headers()["RateLimit-Policy"] == '"read";q=5;w=60'
    assert last.headers()["RateLimit"] == f'"read";r=0;t={-(-last.wait_ms // 1000)}'
    refusal = last.refusal()
    assert (refusal.code, refusal.status, refusal.data) == ("RATE_LIMITED", 429, {"kind": "read", "limit": 5})
    assert refusal.retry_ms is not None
    assert 0 < refusal.retry_ms <= 12_000


def test_a_bucket_fills_again(redis_server: Any) -> None:
    key = ids.new()
    for _ in range(3):
        buckets.take(key_id=key, kind="write")
    name = f"lc:bucket:{key.hex}:write"
    # As if a half minute had gone by: one token of the two is back.
    redis_server.hset(name, "at", int(float(redis_server.hget(name, "at"))) - 30_000)

    took = [buckets.take(key_id=key, kind="write") for _ in range(2)]

    assert [each.taken for each in took if each] == [True, False]


def test_kinds_and_keys_have_buckets_of_their_own() -> None:
    key, other = ids.new(), ids.new()

    for of, kind in ((key, "bulk"), (other, "bulk"), (key, "read")):
        standing = buckets.take(key_id=of, kind=kind)  # type: ignore[arg-type]
        assert standing is not None
        assert standing.taken


def test_no_burst_slips_through() -> None:
    key = ids.new()

    with ThreadPoolExecutor(16) as pool:
        took = list(pool.map(lambda _: buckets.take(key_id=key, kind="read"), range(40)))

    assert sum(each.taken for each in took if each) == 5


def test_a_bucket_that_is_full_again_is_forgotten(redis_server: Any) -> None:
    key = ids.new()
    buckets.take(key_id=key, kind="read")

    assert 0 < redis_server.pttl(f"lc:bucket:{key.hex}:read") <= 60_000


def test_without_redis_requests_go_through_and_it_is_logged(no_redis: None) -> None:
    with capture_logs() as lines:
        assert buckets.take(key_id=ids.new(), kind="read") is None

    assert [line["event"] for line in lines] == ["ratelimit.not_counted"]
