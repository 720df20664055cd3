"""What a process counts of itself, shown to Prometheus on a port of its own, with its memory and CPU.

That port is never the shop's. It listens on loopback unless METRICS_HOST says otherwise, has no password, and
must stay inside one's own network. Labels take few values each: no user, viewer or show is ever one.
"""

from django.conf import settings
from django.http import HttpRequest
from prometheus_client import REGISTRY, Counter, Histogram, start_http_server
from prometheus_client.registry import Collector

REQUESTS = Histogram(
    "yellowcart_http_request_seconds",
    "Time to answer a request, by the pattern of its address.",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
EVENTS = Counter(
    "yellowcart_events",
    "Events of the outbox that were tried: delivered, failed, put_off while a part is away, or quarantined.",
    ["event", "outcome"],
)
EVENT_LAG = Histogram(
    "yellowcart_event_lag_seconds",
    "From the record of an event to its delivery.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
WEBHOOK_TRIES = Counter(
    "yellowcart_webhook_tries",
    "Messages to merchants' systems: delivered, refused by another answer than 2xx, or unanswered.",
    ["outcome"],
)
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def serve(*collectors: Collector) -> int | None:
    """Show this process's metrics, and what the collectors add, where the settings say; return the port.

    None where METRICS_PORT is 0. Raises SystemExit when the port cannot be had.
    """
    if not settings.METRICS_PORT:
        return None
    for collector in collectors:
        REGISTRY.register(collector)
    try:
        start_http_server(settings.METRICS_PORT, addr=settings.METRICS_HOST)
    except OSError as error:
        where = f"{settings.METRICS_HOST}:{settings.METRICS_PORT}"
        raise SystemExit(
            f"Metrics cannot be shown on {where} (METRICS_HOST, METRICS_PORT): {error}"
        ) from None
    return int(settings.METRICS_PORT)


def answered(request: HttpRequest, *, status: int, seconds: float) -> None:
    """Count a request that was answered."""
    # A scanner's made-up methods and addresses must not become labels.
    method = request.method if request.method in METHODS else "other"
    match = request.resolver_match
    REQUESTS.labels(method, match.route if match else "none", f"{status // 100}xx").observe(seconds)
