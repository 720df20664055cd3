"""Connections to other people's machines: checked where the socket is opened, and over in time.

A name is looked up once; each of its addresses has to be public; the socket goes to one of them, never to the
name, while TLS and `Host` keep the name. So a name that changes between check and connection changes nothing.
No proxy of the environment is asked: httpcore does not.
"""

import ssl
import time
from collections.abc import Iterable
from functools import cache

import httpcore

from commerce.outside import addresses
from commerce.outside.resolving import Resolver, in_time

TRIED_ADDRESSES = 3


class Refused(Exception):
    """A name stands for an address that is not public: nobody is connected to."""


class UnknownName(Exception):
    """A name stands for nothing."""


@cache
def trusted() -> ssl.SSLContext:
    """Return whom we trust on the public internet; made once, as reading the certificates takes 30 ms."""
    return httpcore.default_ssl_context()


class Checked(httpcore.NetworkBackend):
    """Opens sockets to public addresses only, and has all that is done with them end in time."""

    def __init__(self, *, resolver: Resolver, loopback: bool, seconds: float) -> None:
        self._resolver, self._loopback, self._seconds = resolver, loopback, seconds
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to one of the addresses of a name, all of which have to be public; raises Refused."""
        until = time.monotonic() + self._seconds
        try:
            found = list(dict.fromkeys(in_time(self._resolver, host, port, seconds=self._seconds)))
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("the name was not looked up in time") from error
        except (OSError, UnicodeError) as error:
            raise UnknownName from error
        if not found:
            raise UnknownName
        if not all(addresses.allowed(each, loopback=self._loopback) for each in found):
            raise Refused
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
        """Refuse: no merchant is there."""
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


def host_of(target: addresses.Target) -> str:
    """Return what `Host` says of a target."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    usual = {"https": 443, "http": 80}[target.scheme]
    return host if target.port == usual else f"{host}:{target.port}"


def why(error: BaseException) -> str:
    """Return the code of why nobody could be connected to."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "BAD_CERTIFICATE"
        if isinstance(cause, ssl.SSLError):
            return "TLS_FAILED"
        cause = cause.__cause__ or cause.__context__
    return "CANNOT_CONNECT"
