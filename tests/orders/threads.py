"""Acts of several people at the same moment, each in a thread with a connection of its own."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection


def at_once(acts: Sequence[Callable[[], Any]], *, seconds: float = 30) -> list[Any]:
    """Run the acts together; return what each returned, or the exception it raised."""
    outcomes: list[Any] = [None] * len(acts)
    line = threading.Barrier(len(acts))

    def run(number: int, act: Callable[[], Any]) -> None:
        try:
            line.wait(10)
            outcomes[number] = act()
        except Exception as error:
            outcomes[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    assert not any(thread.is_alive() for thread in threads)
    return outcomes


def somebody_waits() -> bool:
    """Say whether somebody in this database waits for a lock, other test processes' databases left out."""
    with connection.cursor() as cursor:
        # Within a transaction the list of connections stays as it was looked at first.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"
            " AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database()))"
        )
        return bool(cursor.fetchone()[0])


def comes_to_wait(seconds: float = 10) -> bool:
    """Say whether somebody waits for a lock by now, or within so many seconds."""
    end = time.monotonic() + seconds
    while not somebody_waits():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
