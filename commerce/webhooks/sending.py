"""One request to a merchant's system: to a checked address, within a time, and a little of the answer.

The check is made where the socket is opened (commerce/outside). Redirects are not followed, so there is no
further hop.
"""

import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpcore

from commerce.outside import addresses, connecting, resolving

SECONDS = 15.0  # For all of it: looking the name up, connecting, the handshake, the request, the answer.
KEPT_BYTES = 500
READ_BYTES = 4_096  # Of the answer; what comes behind is left unread.


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


@dataclass(frozen=True)
class Client:
    """Sends requests; `loopback` lets it reach this machine, for development."""

    loopback: bool = False
    resolver: resolving.Resolver = resolving.look_up
    tls: ssl.SSLContext = field(default_factory=connecting.trusted)
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
        except connecting.Refused:
            return end("NOT_PUBLIC")
        except connecting.UnknownName:
            return end("UNKNOWN_NAME")
        except ssl.SSLCertVerificationError:
            return end("BAD_CERTIFICATE")
        except httpcore.TimeoutException:
            return end("TIMEOUT")
        except httpcore.ConnectError as error:
            return end(connecting.why(error))
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError, ValueError):
            # A protocol error is also what an answer without end gives, in its headers.
            return end("BROKEN_ANSWER")

    def _post(
        self, target: addresses.Target, headers: Mapping[str, str], body: bytes, begun: float
    ) -> Outcome:
        backend = connecting.Checked(resolver=self.resolver, loopback=self.loopback, seconds=self.seconds)
        url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        asked = [
            ("Host", connecting.host_of(target)),
            ("Connection", "close"),
            ("Content-Length", str(len(body))),
        ]
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


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
