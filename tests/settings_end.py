"""What a transaction of ours sets for itself ends with it, also where a test's own is around it.

`SET LOCAL` lasts until the outermost transaction ends. A till's five seconds of statement_timeout and of
idle_in_transaction_session_timeout would end the session of a test that takes its time later on, and its
enable_seqscan would decide the plans of whatever the test asks afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import connection

from orders import transactions

SET = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "enable_seqscan")
END = "; ".join(f"SET LOCAL {name} TO DEFAULT" for name in SET)


def ending(run: Callable[..., Any]) -> Callable[..., Any]:
    """Return `transactions.run` as it ends where it is the outermost one."""

    @wraps(run)
    def run_and_end(*args: Any, **more: Any) -> Any:
        answer = run(*args, **more)
        if connection.in_atomic_block:
            # Past Django, whose statements tests count. What fails is rolled back, with what it has set.
            with connection.connection.cursor() as cursor:
                cursor.execute(END)
        return answer

    return run_and_end


def install() -> None:
    """Have it so for every test of this run."""
    transactions.run = ending(transactions.run)
