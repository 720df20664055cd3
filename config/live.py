"""The live process: sockets, by `python -m config.live`."""

import os

import uvicorn
from django.conf import settings


def main() -> None:
    """Serve until told to stop."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    uvicorn.run(
        "config.asgi:application",
        host=settings.LIVE_HOST,
        port=settings.LIVE_PORT,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
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
        forwarded_allow_ips="*" if settings.TRUST_PROXY else "",
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
