"""What the gateway shows to Prometheus."""

from prometheus_client import Gauge, Histogram

CALLS = Histogram(
    "yellowcart_provider_seconds",
    "Calls to the payment provider: answered, refused (4xx), slow_down (429), failed (5xx), lost (no answer),"
    " unreachable; not_asked took no time.",
    ["call", "outcome"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
BREAKER_OPEN = Gauge(
    "yellowcart_provider_left_alone", "1 while the payment provider is not asked since it hardly answers."
)
