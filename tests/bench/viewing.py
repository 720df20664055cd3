"""One viewer of the load client and its group: its socket, its handshake, its place in the lane."""

import errno
import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.bench import frames

CONNECTING, COMING, IN = range(3)
BACK_OFF_SECONDS = (0.5, 30.0)  # The protocol's: a random time up to the first, doubling up to the second.
PROTOCOL = "livecommerce.v1"
# As many connections come from one loopback address; a server may limit them per address.
PER_ADDRESS = 40
HELLO_NUMBER = 1
PLACE = ("epoch", "offset")


@dataclass(slots=True)
class Group:
    """Viewers that are opened, measured and closed together: what was ordered, and what was counted."""

    name: str
    n: int
    port: int
    path: str = "/"
    handshake: bool = True  # Otherwise a bare connection on which frames come.
    hello: bool = True  # Otherwise the room is entered by connecting.
    rate: float = 2000.0  # Connections begun in a second.
    cookies: list[str] = field(default_factory=list)  # One each, for the first viewers.
    origin: str = ""
    receive_buffer: int = 0  # SO_RCVBUF; 0 is the system's.
    back: bool = False  # Lost connections come back.

    whole: int = 0
    refused: int = 0
    unrecovered: int = 0
    most_tries: int = 0
    lost_sockets: int = 0
    over: bool = False
    first_address: int = 0
    closes: dict[str, int] = field(default_factory=dict)  # Close codes of the server.
    begun: float = 0.0
    # Since the last `begin`:
    frames: int = 0
    bytes: int = 0
    lines: int = 0
    gaps: int = 0
    latencies: list[int] = field(default_factory=list)  # Nanoseconds.
    marks: dict[int, int] = field(default_factory=dict)  # By how many viewers a mark was seen.
    cpu: float = 0.0
    measured: float = 0.0

    def begin(self) -> None:
        """Count from now on."""
        self.frames = self.bytes = self.lines = self.gaps = self.refused = self.unrecovered = 0
        self.lost_sockets = self.most_tries = 0
        self.latencies, self.marks = [], {}
        self.cpu, self.measured, self.begun = time.process_time(), time.monotonic(), time.monotonic()

    @property
    def addresses(self) -> int:
        """How many loopback addresses its connections come from."""
        return -(-self.n // PER_ADDRESS)

    def reached(self, mark: int) -> bool:
        """Count one more viewer that saw a mark; True when it was the last."""
        seen = self.marks[mark] = self.marks.get(mark, 0) + 1
        return seen == self.n


class Viewer:
    """One connection after another of the same viewer."""

    __slots__ = (
        "_error",
        "_socket",
        "epoch",
        "fd",
        "goal",
        "group",
        "index",
        "offset",
        "own",
        "receive",
        "rest",
        "state",
        "tries",
        "upgraded",
        "wait",
        "whole",
    )

    def __init__(self, group: Group, index: int) -> None:
        self.group, self.index = group, index
        self.epoch, self.offset = "", -1
        self.own: tuple[str, int] | None = None  # The place in lane u.
        self.tries = 0
        self.whole = False  # Welcomed, and knows everything up to where the lane was then.

    # --- coming ---

    def connect(self) -> None:
        """Begin to connect, from one of many loopback addresses."""
        self.state, self.upgraded, self.rest = CONNECTING, not self.group.handshake, b""
        self.goal: int | None = None
        self.wait: float | None = None
        self._socket = socket.socket()
        self._socket.setblocking(False)
        if self.group.receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.group.receive_buffer)
        number = self.group.first_address + self.index // PER_ADDRESS
        # The port is chosen when the connection is made, so that all addresses share all ports.
        self._socket.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
        self._socket.bind((f"127.0.{1 + number // 250}.{1 + number % 250}", 0))
        self.fd = self._socket.fileno()
        self.receive: Callable[[int], bytes] = self._socket.recv
        self._error = self._socket.connect_ex(("127.0.0.1", self.group.port))

    def failed_to_connect(self) -> bool:
        """Say whether the attempt came to nothing."""
        error = self._error if self._error != errno.EINPROGRESS else 0
        return bool(error or self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))

    def shake_hands(self) -> None:
        """Ask for the websocket."""
        self.state = COMING
        lines = [
            f"GET {self.group.path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.group.port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
        ]
        if self.group.hello:
            lines.append(f"Sec-WebSocket-Protocol: {PROTOCOL}")
        if self.index < len(self.group.cookies):
            lines += [f"Cookie: {self.group.cookies[self.index]}", f"Origin: {self.group.origin}"]
        self._socket.send("\r\n".join([*lines, "", ""]).encode())

    def upgrade(self) -> tuple[int, float]:
        """Read the answer to the handshake and say hello; returns status and Retry-After in seconds."""
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        named = dict(line.lower().split(": ", 1) for line in lines)
        status = int(first.split(" ")[1])
        if status == 101:
            self.upgraded = True
            if self.group.hello:
                self._say_hello()
        return status, float(named.get("retry-after", "1"))

    def _say_hello(self) -> None:
        body: dict[str, object] = {}
        if self.offset >= 0:
            lanes = {"s": (self.epoch, self.offset), "u": self.own}
            body["resume"] = {name: dict(zip(PLACE, at, strict=True)) for name, at in lanes.items() if at}
        self._send({"v": 1, "t": "hello", "id": HELLO_NUMBER, "d": body})

    # --- being there ---

    def place(self, epoch: str, offset: int) -> bool:
        """Take an event's place in lane s; False when it is a repetition."""
        if epoch != self.epoch or offset <= self.offset:
            return epoch != self.epoch
        if offset != self.offset + 1:
            self.group.gaps += 1
        self.offset = offset
        return True

    def answer(self, digest: frames.Digest) -> None:
        """Do what the rarer frames ask for."""
        for payload in digest.pings:
            self._socket.send(frames.masked(payload, 0xA))
        for event in digest.rare:
            match event["t"]:
                case "ping":
                    self._send({"v": 1, "t": "pong", "d": {}})
                case "welcome":
                    if not event["d"]["recovered"]["u"]:
                        self._owns(event["d"]["position"].get("u"))
                    if event["d"]["recovered"]["s"]:
                        self.goal = event["d"]["position"]["s"]["offset"]
                    elif self.offset >= 0:
                        self.group.unrecovered += 1
                case "snapshot":
                    self.epoch, self.offset = event["e"], event["o"]
                    self.goal = event["o"]
                    self._owns(event["d"].get("u"))

    def send_bytes(self, data: bytes) -> None:
        """Send a frame that is made already."""
        self._socket.send(data)

    @property
    def end(self) -> tuple[str, int]:
        """The client's address and port of the connection; other addresses have the same ports."""
        address, port = self._socket.getsockname()
        return address, port

    def disconnect(self) -> None:
        """Close the socket."""
        self._socket.close()
        self.state = CONNECTING

    def _owns(self, place: dict[str, Any] | None) -> None:
        if place:
            self.own = (place["epoch"], place["offset"])

    def _send(self, event: dict[str, object]) -> None:
        self._socket.send(frames.masked(json.dumps(event).encode()))


_BIND_ADDRESS_NO_PORT = 24  # Linux's; Python has no name for it.
