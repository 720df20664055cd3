"""Looking names up in time: the system's own look-up has no limit, and nobody can end it.

So each is a thread's, which is left behind when the time is over, and ends when the system gives up. There
are never more than MOST_AT_ONCE of them in a process: whose turn does not come in time is told so.
"""

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

MOST_AT_ONCE = 32

Resolver = Callable[[str, int], list[str]]

_places = threading.BoundedSemaphore(MOST_AT_ONCE)


def look_up(host: str, port: int) -> list[str]:
    """Return the addresses that a name stands for, however long that takes; raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(each[4][0]) for each in found]


def in_time(resolver: Resolver, host: str, port: int, *, seconds: float) -> list[str]:
    """Return what a resolver finds within these seconds; raises TimeoutError, and what it raises itself."""
    until = time.monotonic() + seconds
    if not _places.acquire(timeout=max(0.0, seconds)):
        raise TimeoutError("others look up too many names")
    found: Future[list[str]] = Future()

    def ask() -> None:
        try:
            found.set_result(resolver(host, port))
        except BaseException as error:
            found.set_exception(error)
        finally:
            _places.release()

    try:
        # A daemon: what hangs keeps no process from ending.
        threading.Thread(target=ask, name="look-up", daemon=True).start()
    except RuntimeError:
        _places.release()
        raise
    return found.result(timeout=max(0.0, until - time.monotonic()))
