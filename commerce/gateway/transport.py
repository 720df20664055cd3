"""How a request of the SDK gets to the provider: paced, within a deadline, counted.

A read's timeout is begun anew by each byte, so an answer that trickles would hold a thread for as long as it
likes. Here the whole answer has one deadline.
"""

import http.client
import io
import socket
import time
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import stripe
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from commerce.gateway import metrics, pacing

CONNECT_SECONDS = 5.0
KEPT = 64  # Connections that are kept for threads at once; more are opened and closed.

_NOT_MADE = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)


class Transport(stripe.HTTPClient):
    """Sends the requests of any thread; none is sent twice."""

    name = "urllib3"

    def __init__(self, *, base: str, seconds: float, direct: bool) -> None:
        """`seconds` for the whole answer; `direct` goes past any proxy that the environment names."""
        super().__init__(verify_ssl_certs=True, proxy=None)
        options: dict[str, Any] = {
            "num_pools": 2,
            "maxsize": KEPT,
            "timeout": urllib3.Timeout(connect=min(CONNECT_SECONDS, seconds), read=seconds),
            "retries": False,
            "ca_certs": stripe.ca_bundle_path,
        }
        parts = urlsplit(base)
        proxy = None if direct else urllib.request.getproxies().get(parts.scheme)
        if proxy and not urllib.request.proxy_bypass(parts.netloc):
            self._pools: urllib3.PoolManager = urllib3.ProxyManager(proxy, **options)
        else:
            self._pools = urllib3.PoolManager(**options)
        self._pools.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """Return body, status and headers of the answer; raises stripe.APIConnectionError."""
        call = name_of(method, url)
        try:
            tried = pacing.breaker.enter()
        except pacing.NotAsked as refusal:
            raise _not_asked(call, refusal) from refusal
        outcome, begun = "not_asked", time.monotonic()
        try:
            pacing.limiter.wait(per_second=pacing.allowed_per_second())
            begun, outcome = time.monotonic(), "lost"
            answer = self._pools.request(method, url, body=post_data, headers=headers, redirect=False)
            outcome = _outcome(answer.status)
            return answer.data.decode(), answer.status, answer.headers
        except pacing.NotAsked as refusal:
            raise _not_asked(call, refusal) from refusal
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            if isinstance(error, _NOT_MADE):
                outcome = "unreachable"
            raise _no_answer(f"{type(error).__name__}: {error}") from error
        finally:
            # Whoever had no turn has learnt nothing of the provider.
            answered = None if outcome == "not_asked" else outcome in ("answered", "refused")
            pacing.breaker.leave(answered=answered, tried=tried)
            if answered is not None:
                metrics.CALLS.labels(call, outcome).observe(time.monotonic() - begun)

    def close(self) -> None:
        """Close the connections."""
        self._pools.clear()


def name_of(method: str, url: str) -> str:
    """Return what is asked, without ids: payment_intents.capture, refunds.list."""
    parts = urlsplit(url).path.strip("/").split("/")[1:]
    words, asks = ".".join(parts[::2]), method.upper() == "GET"
    if len(parts) == 1:
        return f"{words}.{'list' if asks else 'create'}"
    if len(parts) == 2:
        return f"{words}.{'retrieve' if asks else 'update'}"
    return words


def _not_asked(call: str, refusal: pacing.NotAsked) -> stripe.APIConnectionError:
    metrics.CALLS.labels(call, "not_asked").observe(0.0)
    return _no_answer(str(refusal))


def _no_answer(why: str) -> stripe.APIConnectionError:
    return stripe.APIConnectionError(why, should_retry=False)  # type: ignore[no-untyped-call]


def _outcome(status: int) -> str:
    if status == 429:
        return "slow_down"
    if status >= 500:
        return "failed"
    return "refused" if status >= 400 else "answered"


class _Reader(io.RawIOBase):
    """Reads an answer until a moment, whatever a read's own timeout is."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._raw = sock, sock.makefile("rb", buffering=0)
        left = sock.gettimeout()
        self._until = None if left is None else time.monotonic() + left

    def readable(self) -> bool:
        """Say that it can be read from."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what has come; raises TimeoutError past the moment."""
        if self._until is not None:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer took too long")
            self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Let the socket go."""
        if not self.closed:
            self._raw.close()
        super().close()


class _Timed:
    """A socket whose answer is to come, all of it, within the time that one read has."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, *_: Any) -> io.BufferedReader:
        """Return what the answer is read from; its time begins now."""
        return io.BufferedReader(_Reader(self._sock))


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(_Timed(sock), *args, **kwargs)  # type: ignore[arg-type]


class _Connection(HTTPConnection):
    response_class = _Answer


class _SecureConnection(HTTPSConnection):
    response_class = _Answer


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
