"""One request to a merchant's system: to a checked address, within a time, and a little of the answer.

The check is made where the socket is opened. A name is looked up once; each of them has to be public; the
socket goes to one of them, never to the name, while TLS and `Host` keep the name. So a name that changes
between check and connection changes nothing. Redirects are not followed, so there is no further hop, and no
proxy of the environment is asked: httpcore does neither.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpcore

from commerce.webhooks import addresses

SECONDS = 15.0  # For all of it but looking a name up: connecting, the handshake, the request, the answer.
KEPT_BYTES = 500
READ_BYTES = 4_096  # Of the answer; what comes behind is left unread.
TRIED_ADDRESSES = 3

Resolver = Callable[[str, int], list[str]]


class Refused(Exception):
    """A name stands for an address that is not public: nobody is connected to."""


class UnknownName(Exception):
    """A name stands for nothing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request: an HTTP status, or the code of why there is none."""

    status: int | None
    error: str = ""
    answer: bytes = b""  # Its first bytes.
    retry_after: float | None = None  # Seconds.
    milliseconds: int = 0

    @property
    def delivered(self) -> bool:
        """Only 2xx says that the message was taken."""
        return self.status is not None and 200 <= self.status < 300


def look_up(host: str, port: int) -> list[str]:
    """Return the addresses that a name stands for; raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(each[4][0]) for each in found]


@dataclass(frozen=True)
class Client:
    """Sends requests; `loopback` lets it reach this machine, for development."""

    loopback: bool = False
    resolver: Resolver = look_up
    tls: ssl.SSLContext = field(default_factory=httpcore.default_ssl_context)
    seconds: float = SECONDS

    def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Send a message and return what became of it; raises nothing that the other side can bring about."""
        begun = time.monotonic()

        def end(error: str) -> Outcome:
            return Outcome(None, error, milliseconds=_since(begun))

        try:
            target = addresses.read(url, loopback=self.loopback)
        except addresses.NotPublic:
            return end("NOT_PUBLIC")
        try:
            return self._post(target, headers, body, begun)
        except Refused:
            return end("NOT_PUBLIC")
        except UnknownName:
            return end("UNKNOWN_NAME")
        except ssl.SSLCertVerificationError:
            return end("BAD_CERTIFICATE")
        except httpcore.TimeoutException:
            return end("TIMEOUT")
        except httpcore.ConnectError as error:
            return end(_why(error))
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError, ValueError):
            # A protocol error is also what an answer without end gives, in its headers.
            return end("BROKEN_ANSWER")

    def _post(
        self, target: addresses.Target, headers: Mapping[str, str], body: bytes, begun: float
    ) -> Outcome:
        backend = _Checked(self)
        url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        asked = [("Host", _host(target)), ("Connection", "close"), ("Content-Length", str(len(body)))]
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), self.seconds)
        with (
            httpcore.ConnectionPool(
                ssl_context=self.tls, max_connections=1, retries=0, network_backend=backend
            ) as pool,
            pool.stream(
                "POST",
                url,
                headers=[*asked, *headers.items()],
                content=body,
                extensions={"timeout": timeouts},
            ) as response,
        ):
            return Outcome(
                status=response.status,
                error="REDIRECTED" if 300 <= response.status < 400 else "",
                answer=_first_bytes(response),
                retry_after=_retry_after(response.headers),
                milliseconds=_since(begun),
            )


class _Checked(httpcore.NetworkBackend):
    """Opens sockets to public addresses only, and has all that is done with them end in time."""

    def __init__(self, client: Client) -> None:
        self._client, self._sockets = client, httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to one of the addresses of a name, all of which have to be public; raises Refused."""
        try:
            found = list(dict.fromkeys(self._client.resolver(host, port)))
        except (OSError, UnicodeError) as error:
            raise UnknownName from error
        if not found:
            raise UnknownName
        if not all(addresses.allowed(each, loopback=self._client.loopback) for each in found):
            raise Refused
        # Looking a name up has no limit of its own and takes nothing from the others'.
        until = time.monotonic() + self._client.seconds
        *others, last = found[:TRIED_ADDRESSES]
        for address in others:
            try:
                return _Timed(self._sockets.connect_tcp(address, port, timeout=_left(until)), until)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return _Timed(self._sockets.connect_tcp(last, port, timeout=_left(until)), until)

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Refuse: nothing that is sent to merchants goes there."""
        raise Refused


class _Timed(httpcore.NetworkStream):
    """A connection that ends at a moment, however often a little of the answer comes."""

    def __init__(self, stream: httpcore.NetworkStream, until: float) -> None:
        self._stream, self._until = stream, until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what has come; raises ReadTimeout past the moment."""
        return self._stream.read(max_bytes, _left(self._until))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write; raises WriteTimeout past the moment."""
        self._stream.write(buffer, _left(self._until))

    def close(self) -> None:
        """Close it."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Agree on TLS with whom the name says; raises ssl.SSLCertVerificationError for somebody else."""
        try:
            secure = self._stream.start_tls(ssl_context, server_hostname, _left(self._until))
        except httpcore.ConnectError as error:
            if isinstance(error.__cause__, ssl.SSLCertVerificationError):
                raise error.__cause__ from error
            raise
        return _Timed(secure, self._until)

    def get_extra_info(self, info: str) -> object:
        """Return what the connection knows of itself."""
        return self._stream.get_extra_info(info)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time for all of it is over")
    return left


def _first_bytes(response: httpcore.Response) -> bytes:
    """Return the beginning of an answer; that the rest never comes takes nothing from its status."""
    got = b""
    try:
        for part in response.iter_stream():
            got += part
            if len(got) >= READ_BYTES:
                break
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        pass
    return got[:KEPT_BYTES]


def _retry_after(headers: Iterable[tuple[bytes, bytes]]) -> float | None:
    text = next((value.decode("latin-1") for name, value in headers if name.lower() == b"retry-after"), "")
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        at = parsedate_to_datetime(text)
        return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _host(target: addresses.Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    usual = {"https": 443, "http": 80}[target.scheme]
    return host if target.port == usual else f"{host}:{target.port}"


def _why(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "BAD_CERTIFICATE"
        if isinstance(cause, ssl.SSLError):
            return "TLS_FAILED"
        cause = cause.__cause__ or cause.__context__
    return "CANNOT_CONNECT"


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
