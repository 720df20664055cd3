"""`python -m commerce.stripe_simulator --port 12111`: run the simulator on the loopback address until it is
stopped.
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from pathlib import Path

import uvloop
from aiohttp import web

from commerce.stripe_simulator.refusals import Refused
from commerce.stripe_simulator.server import Server
from commerce.stripe_simulator.simulator import Simulator

HOST = "127.0.0.1"


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="stripe_simulator", description=sys.modules[__name__].__doc__)
    parser.add_argument(
        "--port", type=int, default=12111, help="port on 127.0.0.1; 0 takes a free one (default 12111)"
    )
    parser.add_argument(
        "--webhook-url", action="append", default=[], help="send events here; may be repeated"
    )
    parser.add_argument(
        "--webhook-event",
        action="append",
        default=[],
        help="send only events of this type to --webhook-url; may be repeated",
    )
    parser.add_argument(
        "--webhook-secret", action="append", default=[], help="whsec_..., one for each --webhook-url"
    )
    parser.add_argument(
        "--connect-webhook-url",
        action="append",
        default=[],
        help="send the events of connected accounts here; may be repeated",
    )
    parser.add_argument(
        "--connect-webhook-secret",
        action="append",
        default=[],
        help="whsec_..., one for each --connect-webhook-url",
    )
    parser.add_argument(
        "--latency-ms", type=int, default=0, help="wait this long before every call is carried out"
    )
    parser.add_argument(
        "--later-ms", type=int, default=5000, help="how long what happens by itself takes (default 5000)"
    )
    parser.add_argument("--state-file", type=Path, help="keep what happens in this file and continue from it")
    parser.add_argument("--verbose", action="store_true", help="log every request")
    given = parser.parse_args()
    if len(given.webhook_url) != len(given.webhook_secret):
        parser.error("give one --webhook-secret for each --webhook-url")
    if len(given.connect_webhook_url) != len(given.connect_webhook_secret):
        parser.error("give one --connect-webhook-secret for each --connect-webhook-url")
    if not all(secret.startswith("whsec_") for secret in given.webhook_secret + given.connect_webhook_secret):
        parser.error("a webhook secret starts with whsec_")
    return given


async def run(given: argparse.Namespace, listener: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM."""
    base = f"http://{HOST}:{listener.getsockname()[1]}"
    simulator = Simulator(base, given.state_file)
    simulator.faults.latency_ms = given.latency_ms
    simulator.patience = given.later_ms / 1000
    for number, (url, secret) in enumerate(zip(given.webhook_url, given.webhook_secret, strict=True), 1):
        simulator.register(url, secret, number, enabled_events=given.webhook_event or ["*"])
    connect = zip(given.connect_webhook_url, given.connect_webhook_secret, strict=True)
    for number, (url, secret) in enumerate(connect, 1):
        simulator.register(url, secret, number, connect=True)
    runner = web.AppRunner(Server(simulator).app(), access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    await simulator.sender.start()
    time = asyncio.create_task(simulator.keep_time())
    await web.SockSite(runner, listener).start()
    stopped = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, stopped.set)
    print(f"SIMULATED payments at {base} (this is not Stripe, no money moves)", flush=True)
    await stopped.wait()
    time.cancel()
    await simulator.sender.stop()
    await runner.cleanup()


def main() -> int:
    """Run; return the exit status."""
    given = arguments()
    logging.basicConfig(
        level=logging.DEBUG if given.verbose else logging.INFO, format="%(message)s", stream=sys.stdout
    )
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    try:
        listener = socket.create_server((HOST, given.port), backlog=1024)
    except OSError as error:
        print(
            f"port {given.port} on {HOST} cannot be taken: {os.strerror(error.errno or 0)}", file=sys.stderr
        )
        return 1
    try:
        uvloop.run(run(given, listener))
    except BlockingIOError:
        print(f"{given.state_file} is in use by another simulator", file=sys.stderr)
        return 1
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
