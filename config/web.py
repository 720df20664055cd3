"""The web process: API, pages and admins, by `python -m config.web`."""

import os

import uvicorn
from django.conf import settings

from commerce import metrics
from config.http_protocol import HttpProtocol

# Longer than proxies keep a connection that nobody uses (Caddy 120 s, others 60): what they send on one that
# is just being closed is lost, and a POST is not sent again. https://www.uvicorn.org/settings/#timeouts
KEEP_ALIVE_SECONDS = 150


def main() -> None:
    """Serve until told to stop."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    metrics.serve()
    uvicorn.run(
        "config.asgi:application",
        host=settings.WEB_HOST,
        port=settings.WEB_PORT,
        loop="uvloop",
        http=HttpProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # They are read in config.forwarded.
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
