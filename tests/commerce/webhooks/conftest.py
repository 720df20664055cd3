"""What every test of webhooks has: a receiver on loopback, and senders that may reach it."""

from collections.abc import Iterator
from typing import Any

import pytest

from commerce.webhooks import running
from tests.commerce.webhooks.receiver import Receiver, listening


@pytest.fixture
def on_loopback(settings: Any) -> Iterator[None]:
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    running.client.cache_clear()
    yield
    running.threads().close()
    running.threads.cache_clear()
    running.client.cache_clear()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as ours:
        yield ours
