"""A COPY whose client sends nothing more keeps what it has locked, until its session is ended."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection

from commerce import stalled
from commerce.models import User
from tests.orders import make

pytestmark = pytest.mark.django_db(transaction=True)
AWAITED = 20.0  # Seconds until a test that waits for a thread gives up.


class Source:
    """The bytes of a COPY, the next of which come when they are let."""

    def __init__(self) -> None:
        self.asked, self.go_on = threading.Event(), threading.Event()
        self.ended_by = ""

    def read(self, size: int = -1) -> str:
        """Return nothing more, when it is let."""
        self.asked.set()
        assert self.go_on.wait(AWAITED)
        return ""


@contextmanager
def copying(user: User, source: Source, before: str = "") -> Iterator[threading.Thread]:
    """A thread that has a user's row locked and stands in the middle of a COPY."""

    def work() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    f"BEGIN; SET LOCAL statement_timeout = 200; {before};"
                    "SET LOCAL idle_in_transaction_session_timeout = 200"
                )
                cursor.execute("SELECT 1 FROM commerce_user WHERE id = %s FOR UPDATE", [user.pk])
                with connection.wrap_database_errors:
                    cursor.copy_expert("COPY commerce_host (id) FROM STDIN", source)
        except DatabaseError as error:
            source.ended_by = str(error)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert source.asked.wait(AWAITED)
    yield thread
    source.go_on.set()
    thread.join(AWAITED)


def is_locked(user: User) -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM commerce_user WHERE id = %s FOR UPDATE NOWAIT", [user.pk])
    except OperationalError:
        return True
    return False


def age(seconds: float) -> None:
    """Let the COPY grow so much older, by the server's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [seconds])


def until_waiting() -> None:
    """Return when the server waits for the client's next bytes."""
    at = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'ClientRead' AND query LIKE 'COPY commerce_host%'"
    for _ in range(10_000):
        with connection.cursor() as cursor:
            cursor.execute(at)
            if cursor.fetchone():
                return
    raise AssertionError("it never waited")


def test_a_session_that_stalled_in_a_copy_is_ended_and_lets_go() -> None:
    user, source = make.user(), Source()
    with copying(user, source) as thread:
        until_waiting()
        assert is_locked(user)

        age(0.4)
        assert stalled.end(after=0.3, watched=0.1) == 1

        with connection.cursor() as cursor:  # Whoever waits for the row has it now.
            cursor.execute("SELECT 1 FROM commerce_user WHERE id = %s FOR UPDATE", [user.pk])
        source.go_on.set()
        thread.join(AWAITED)
    assert "terminating connection" in source.ended_by or "closed the connection" in source.ended_by


def test_control_nothing_else_ends_it() -> None:
    user, source = make.user(), Source()
    with copying(user, source):
        until_waiting()
        assert stalled.end(after=3600.0, watched=0.0) == 0
        age(1.0)  # Five times what its own limits say.
        assert is_locked(user)


@pytest.mark.parametrize(
    ("before", "moves"),
    [("SET LOCAL application_name = 'somebody else'", False), ("SELECT 1", True)],
    ids=["not one of ours", "one that goes on"],
)
def test_who_is_not_ours_and_who_goes_on_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, before: str, moves: bool
) -> None:
    user, source = make.user(), Source()
    look: Callable[[float], set[tuple[Any, ...]]] = stalled._stalled
    looks: list[set[tuple[Any, ...]]] = []

    def looked(after: float) -> set[tuple[Any, ...]]:
        looks.append({(*row[:2], row[2] + len(looks) * moves) for row in look(after)})
        return looks[-1]

    monkeypatch.setattr(stalled, "_stalled", looked)
    with copying(user, source, before):
        until_waiting()
        age(0.2)
        assert stalled.end(after=0.1, watched=0.0) == 0
        assert bool(looks[0]) == moves
        assert is_locked(user)
