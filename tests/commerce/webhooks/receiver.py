"""A merchant's system for tests: a real HTTP server on loopback that keeps what it is sent."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from standardwebhooks.webhooks import Webhook


@dataclass(frozen=True)
class Got:
    """A request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    def verified(self, secret: str) -> Any:
        """Return what the official library reads of it; raises WebhookVerificationError."""
        return Webhook(secret).verify(self.body, self.headers)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def said(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Receiver:
    """Answers 204 unless told otherwise; `answer` gets the request and the raw connection's file."""

    port: int = 0
    scheme: str = "http"
    got: list[Got] = field(default_factory=list)
    status: int | Callable[[Got], int] = 204
    headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b""
    write: Callable[[Any], None] | None = None  # Writes to the connection by itself.
    came: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hooks?for=shop"

    def wait_for(self, count: int, seconds: float = 20.0) -> list[Got]:
        """Return what has come, once there are so many; raises TimeoutError."""
        with self.came:
            if not self.came.wait_for(lambda: len(self.got) >= count, timeout=seconds):
                raise TimeoutError(f"{len(self.got)} of {count} came")
            return list(self.got)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that hangs up, which ours does on purpose."""


@contextmanager
def listening(
    host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, **options: Any
) -> Iterator[Receiver]:
    """Listen on a free port of this machine."""
    ours = Receiver(**options)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            got = Got(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            with ours.came:
                ours.got.append(got)
                ours.came.notify_all()
            if ours.write is not None:
                ours.write(self.wfile)
                return
            status = ours.status(got) if callable(ours.status) else ours.status
            self.send_response(status)
            for name, value in ours.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(ours.answer)))
            self.end_headers()
            self.wfile.write(ours.answer)

        def log_message(self, *_: Any) -> None:
            """Stay quiet."""

    class Server(_Server):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    server = Server((host, 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        ours.scheme = "https"
    ours.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield ours
    finally:
        server.shutdown()
        server.server_close()
