"""`python loopback.py MODULE ...`: run a module as a program that listens on this machine only and keeps no
files. It runs by itself, for servers of others that would listen to everybody.
"""

import builtins
import os
import runpy
import socket
import sys
from typing import Any

_open = builtins.open
_bind = socket.socket.bind


def bind_to_loopback(self: socket.socket, address: Any) -> None:
    """Take the port on 127.0.0.1, whatever address is asked for."""
    if self.family == socket.AF_INET6:
        address = ("::ffff:127.0.0.1", address[1])
    elif self.family == socket.AF_INET:
        address = ("127.0.0.1", address[1])
    _bind(self, address)


def open_nothing_to_write(file: Any, mode: str = "r", *args: Any, **more: Any) -> Any:
    """Let everything be read; what is written goes nowhere."""
    return _open(os.devnull if set(mode) & set("wax+") else file, mode, *args, **more)


if __name__ == "__main__":
    socket.socket.bind = bind_to_loopback  # type: ignore[method-assign, assignment]
    builtins.open = open_nothing_to_write
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
