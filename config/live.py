"""The live process: sockets, by `python -m config.live`."""

import argparse
import gc
import logging
import os
import socket
import sys
from typing import Any

import uvicorn
from django.conf import settings

from commerce import metrics
from config.http_protocol import HttpProtocol

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class Server(uvicorn.Server):
    """uvicorn, which on SIGTERM first asks all viewers to come back elsewhere."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen; what was loaded until now stays for good, and the collector need not look at it again."""
        from streams.live import hub

        await super().startup(sockets)
        # Waiting rooms are entered over HTTP, too: somebody has to let people in though no viewer is here.
        hub.current()
        gc.collect()
        gc.freeze()
        # Viewers leave no cycles behind. To look through all who are here takes longer than a frame may wait.
        gc.set_threshold(10_000, 20, 50)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nobody any more, drain the hub, and let uvicorn end."""
        from streams.live import hub

        for server in self.servers:
            server.close()
        await hub.finish()
        await super().shutdown(sockets)


def server(**address: Any) -> Server:
    """Return the server for an address: host and port, or fd."""
    from streams.live.uvicorn_protocol import RoomProtocol

    config = uvicorn.Config(
        "config.asgi:application",
        **address,
        loop="uvloop",
        http=HttpProtocol,
        ws=RoomProtocol,
        # A command is small; compression costs more than it saves and lets a short frame grow a thousandfold.
        ws_max_size=8192,
        ws_per_message_deflate=False,
        # The room pings by itself, in the same pass that finds stale viewers.
        ws_ping_interval=None,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=settings.TRUST_PROXY,
        timeout_graceful_shutdown=5,
    )
    return Server(config)


def main() -> None:
    """Serve until told to stop."""
    arguments = argparse.ArgumentParser(description="Serve the sockets of live shows.")
    arguments.add_argument("--host", default=settings.LIVE_HOST)
    arguments.add_argument("--port", type=int, default=settings.LIVE_PORT)
    arguments.add_argument("--fd", type=int, default=None, help="an open listening socket instead")
    given = arguments.parse_args()
    uvicorns = logging.getLogger("uvicorn.error")
    uvicorns.setLevel(logging.WARNING)  # It would log three lines per viewer,
    uvicorns.addFilter(lambda record: "Invalid UTF-8" not in record.msg)  # and as its error what is a peer's.
    # With every word to the database the till's thread lends the interpreter to the event loop, which, when
    # it is busy, would give it back after 5 ms each time.
    sys.setswitchinterval(0.001)
    from config import asgi  # noqa: F401  (loads the apps)
    from streams.live import hub
    from streams.live.collector import LiveCollector

    metrics.serve(LiveCollector(hub.running))
    where = {"fd": given.fd} if given.fd is not None else {"host": given.host, "port": given.port}
    server(**where).run()


if __name__ == "__main__":
    main()
