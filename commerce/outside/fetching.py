"""Fetching what is at an address: a few redirects, each hop checked anew, so many bytes, so much time.

What comes is written to a file as it comes. Packed bytes are unpacked as they come, and count unpacked, so
that a small answer cannot become a large one.
"""

import hashlib
import ssl
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import quote, urldefrag, urljoin

import httpcore

from commerce.outside import addresses, connecting, resolving

MOST_REDIRECTS = 3
MAX_LENGTH = 2_000
AGENT = "Yellowcart-Fetch/1"
_CHUNK = 1 << 16
_REDIRECTS = (301, 302, 303, 307, 308)
_KEPT = "".join(map(chr, range(0x21, 0x7F)))  # Visible ASCII is said as it is, escapes too.


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of asking: an HTTP status and what was written, or the code of why there is none."""

    status: int | None
    error: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)  # By names in lower case.
    sha256: str = ""  # Of what was written.
    size: int = 0
    redirects: int = 0

    @property
    def whole(self) -> bool:
        """Whether it is all there."""
        return self.status == 200 and not self.error

    @property
    def passing(self) -> bool:
        """Whether asking again later may help."""
        if self.status is not None and not self.error:
            return self.status >= 500 or self.status in (408, 425, 429)
        return self.error in _PASSING


_PASSING = frozenset(
    {"TIMEOUT", "UNKNOWN_NAME", "CANNOT_CONNECT", "TLS_FAILED", "BAD_CERTIFICATE", "BROKEN_ANSWER"}
)


class _Stop(Exception):
    def __init__(self, code: str) -> None:
        self.code = code


@dataclass(frozen=True)
class Client:
    """Fetches; `loopback` lets it reach this machine, for development. Seconds are for all hops together."""

    loopback: bool = False
    resolver: resolving.Resolver = resolving.look_up
    tls: ssl.SSLContext = field(default_factory=connecting.trusted)
    seconds: float = 30.0

    def get(
        self,
        url: str,
        *,
        into: BinaryIO,
        most: int,
        headers: Mapping[str, str] | None = None,
        secret: Mapping[str, str] | None = None,
        plain: bool = False,
        unpack: bool = False,
    ) -> Fetched:
        """Write what is at an address to a file; raises nothing that the other side can bring about.

        `most` is in bytes, unpacked. `secret` headers go to the address's own origin only. `plain` takes
        http, and `unpack` files that are packed with gzip. Codes are NOT_PUBLIC, UNKNOWN_NAME, TIMEOUT,
        CANNOT_CONNECT, TLS_FAILED, BAD_CERTIFICATE, BROKEN_ANSWER, TOO_MANY_REDIRECTS, TOO_LARGE and
        UNKNOWN_ENCODING; an answer that is not 200 has none.
        """
        until = time.monotonic() + self.seconds
        here, home, redirects = url, None, 0
        asked = dict(headers or {})
        try:
            while True:
                target = addresses.read(
                    quote(urldefrag(here)[0], safe=_KEPT),
                    loopback=self.loopback,
                    plain=plain,
                    longest=MAX_LENGTH,
                )
                origin = (target.scheme, target.host, target.port)
                home = home or origin
                said = {**asked, **(secret or {})} if origin == home else asked
                with self._asked(target, said, until) as response:
                    got = _headers(response.headers)
                    if response.status in _REDIRECTS and "location" in got:
                        if redirects == MOST_REDIRECTS:
                            return Fetched(response.status, "TOO_MANY_REDIRECTS", redirects=redirects)
                        redirects += 1
                        here = urljoin(here, got["location"])
                        continue
                    if response.status != 200:
                        return Fetched(response.status, headers=got, redirects=redirects)
                    coming = _counted(response.iter_stream(), most + most // 100 + 1_000)
                    sha256, size = _write(_unpacked(coming, got, unpack), into, most)
                    return Fetched(200, "", got, sha256, size, redirects)
        except _Stop as stop:
            return Fetched(None, stop.code, redirects=redirects)
        except (addresses.NotPublic, connecting.Refused):
            return Fetched(None, "NOT_PUBLIC", redirects=redirects)
        except connecting.UnknownName:
            return Fetched(None, "UNKNOWN_NAME", redirects=redirects)
        except ssl.SSLCertVerificationError:
            return Fetched(None, "BAD_CERTIFICATE", redirects=redirects)
        except httpcore.TimeoutException:
            return Fetched(None, "TIMEOUT", redirects=redirects)
        except httpcore.ConnectError as error:
            return Fetched(None, connecting.why(error), redirects=redirects)
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError, ValueError, zlib.error):
            return Fetched(None, "BROKEN_ANSWER", redirects=redirects)

    def _asked(self, target: addresses.Target, headers: Mapping[str, str], until: float) -> "_Asked":
        left = until - time.monotonic()
        if left <= 0:
            raise _Stop("TIMEOUT")
        backend = connecting.Checked(resolver=self.resolver, loopback=self.loopback, seconds=left)
        pool = httpcore.ConnectionPool(
            ssl_context=self.tls, max_connections=1, retries=0, network_backend=backend
        )
        return _Asked(pool, target, headers, left)


class _Asked:
    """A request, and its answer until the block is left."""

    def __init__(
        self, pool: httpcore.ConnectionPool, target: addresses.Target, headers: Mapping[str, str], left: float
    ) -> None:
        url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        usual = {"User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "gzip"}
        said = {"Host": connecting.host_of(target), "Connection": "close", **usual, **headers}
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), left)
        self._pool = pool
        # What a host has said of itself, such as a tag, is in Latin-1 here and goes back as it came.
        raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in said.items()]
        self._stream = pool.stream("GET", url, headers=raw, extensions={"timeout": timeouts})

    def __enter__(self) -> httpcore.Response:
        try:
            return self._stream.__enter__()
        except BaseException:
            self._pool.close()
            raise

    def __exit__(self, *error: object) -> None:
        # What is left unread goes with the connection.
        self._stream.__exit__(None, None, None)
        self._pool.close()


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1").strip() for name, value in raw}


def _counted(parts: Iterable[bytes], most: int) -> Iterator[bytes]:
    """Count what comes before it is unpacked, too: of packed nothing there may be any amount."""
    size = 0
    for part in parts:
        size += len(part)
        if size > most:
            raise _Stop("TOO_LARGE")
        yield part


def _unpacked(parts: Iterable[bytes], headers: Mapping[str, str], unpack: bool) -> Iterator[bytes]:
    coming = iter(parts)
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding in ("gzip", "x-gzip"):
        coming = _gunzipped(coming)
    elif encoding not in ("", "identity"):
        raise _Stop("UNKNOWN_ENCODING")
    if not unpack:
        yield from coming
        return
    head = b""
    for part in coming:
        head += part
        if len(head) >= 2:
            break
    whole = _then(head, coming)
    yield from _gunzipped(whole) if head.startswith(b"\x1f\x8b") else whole


def _then(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest


def _gunzipped(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack as it comes, a little at a time; raises zlib.error for what is not gzip or ends early."""
    packed, begun = zlib.decompressobj(wbits=31), False
    for part in parts:
        while part:
            begun = True
            if got := packed.decompress(part, _CHUNK):
                yield got
            part = packed.unconsumed_tail
            if packed.eof:  # Another member may follow.
                part, packed, begun = packed.unused_data, zlib.decompressobj(wbits=31), False
    if begun:
        # What was held back by the limit above has come out: the loop ends with nothing unread.
        raise zlib.error("it ends early")


def _write(parts: Iterable[bytes], into: BinaryIO, most: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    for part in parts:
        size += len(part)
        if size > most:
            raise _Stop("TOO_LARGE")
        digest.update(part)
        into.write(part)
    return digest.hexdigest(), size
