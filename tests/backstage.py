"""What works behind a shop while a test looks at it: the relay, and what beat asks of the shows."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from django.conf import settings
from django.db import connection

from commerce import outbox
from commerce.relay import Relay
from streams import tasks

SWEEP_SECONDS = 0.2


@contextlib.contextmanager
def working() -> Iterator[None]:
    """Deliver events as the relay does, and sweep the shows, for the length of the block."""
    done = threading.Event()

    def relay() -> None:
        try:
            Relay(settings.SUBSCRIPTIONS).run(done.is_set)
        finally:
            connection.close()

    def sweep() -> None:
        try:
            while not done.wait(SWEEP_SECONDS):
                tasks.sweep()
            with connection.cursor() as cursor:
                cursor.execute(f"NOTIFY {outbox.CHANNEL}")  # The relay looks up and sees that it is over.
        finally:
            connection.close()

    threads = [threading.Thread(target=each) for each in (relay, sweep)]
    for each in threads:
        each.start()
    try:
        yield
    finally:
        done.set()
        for each in threads:
            each.join(20)
