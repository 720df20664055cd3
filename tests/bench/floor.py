"""The floor of a broadcast: a loop of send(2) over the same number of connections, in C where it compiles."""

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench import machine
from tests.bench.processes import HERE, Talker, compiler
from tests.bench.runs import CannotRun


@dataclass(frozen=True)
class Floor:
    """A running floor: its process, its port, and whether it is the C one."""

    talker: Talker
    port: int
    in_c: bool

    @property
    def pid(self) -> int:
        """The process id."""
        return self.talker.pid

    def ready(self) -> None:
        """Wait until all connections are taken."""
        self.talker.line(20)

    def tell(self, frame: bytes) -> None:
        """Send one frame to everybody."""
        self.talker.write(len(frame).to_bytes(4) + frame)
        if failed := int(self.talker.line(20)):
            raise CannotRun(f"the floor could not send to {failed} connections")


@contextlib.contextmanager
def running(n: int, folder: Path) -> Iterator[Floor]:
    """Run the floor for n connections; without a compiler it is Python's loop, which says so by `in_c`."""
    program = folder / "floor"
    in_c = bool(compiler()) and machine.built(compiler(), HERE / "floor.c", program)
    argv = [str(program), str(n)] if in_c else [sys.executable, "-m", "tests.bench.floor", str(n)]
    with Talker("floor", argv, core=machine.SERVER_CORE) as talker:
        yield Floor(talker, int(talker.line(10)), in_c)


def main() -> None:
    """Do what floor.c does."""
    viewers = []
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        print(listener.getsockname()[1], flush=True)
        for _ in range(int(sys.argv[1])):
            viewer, _ = listener.accept()
            viewer.setblocking(False)
            viewer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            viewers.append(viewer)
    print("ready", flush=True)
    frames = os.fdopen(0, "rb")
    while head := frames.read(4):
        frame = frames.read(int.from_bytes(head))
        failed = 0
        for viewer in viewers:
            try:
                failed += viewer.send(frame) != len(frame)
            except OSError:
                failed += 1
        print(failed, flush=True)


if __name__ == "__main__":
    machine.allow_sockets()
    main()
