"""Fixtures that every room's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis
from django.conf import settings
from django.contrib.auth import hashers
from django.db import connection
from pytest_django import DjangoDbBlocker

from commerce import redis_client
from commerce.gateway import pacing
from orders import recovery
from orders.settling import conveyor
from orders.till import counter
from tests import database, emptying, settings_end

pytest_plugins = [
    "tests.demo_process",
    "tests.browsing",
    "tests.stripe_server",
    "tests.live_server",
    "tests.worker_process",
    "tests.shopper",
]
emptying.install()
settings_end.install()
# Passwords are kept as in earnest, but for their cost: a fifth of a second for each user of a test.
hashers.Argon2PasswordHasher.time_cost = 1
hashers.Argon2PasswordHasher.memory_cost = 8
hashers.Argon2PasswordHasher.parallelism = 1


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
    django_db_blocker: DjangoDbBlocker,
    pytestconfig: pytest.Config,
) -> None:
    """The database of this process is a copy of one that is migrated already."""
    assert pytestconfig.cache is not None
    with django_db_blocker.unblock():
        database.offer(pytestconfig.cache.mkdir("database"))


@pytest.fixture(autouse=True)
def clean_redis() -> None:
    """Every test begins with an empty Redis."""
    redis_client.sync().flushall()


@pytest.fixture(autouse=True)
def answering_provider() -> None:
    """No test begins with a provider that is left alone since another test had it fail."""
    pacing.begin_anew()


@pytest.fixture(autouse=True)
def closed_till() -> Iterator[None]:
    """No test leaves a till behind, whose connection would be to a database that goes."""
    yield
    counter.close()


@pytest.fixture(autouse=True)
def closed_pool() -> Iterator[None]:
    """Nor pools of threads, for the same reason."""
    yield
    for made in (recovery.threads, conveyor.belt):
        made().close()
        made.cache_clear()


@pytest.fixture
def redis_server() -> redis.Redis:
    """The Redis of this test process."""
    return redis_client.sync()


@pytest.fixture
def process_env(transactional_db: None) -> dict[str, str]:
    """What a process needs in its environment to work on this test's database and Redis."""
    named = urlsplit(settings.DATABASE_URL)._replace(path=f"/{connection.settings_dict['NAME']}")
    return {"DATABASE_URL": urlunsplit(named), "REDIS_URL": settings.REDIS_URL}
