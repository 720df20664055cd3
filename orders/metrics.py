"""What the till shows to Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

TILL_BATCH = Histogram(
    "yellowcart_till_batch",
    "Purchases in a batch of the till.",
    buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000),
)
TILL_WAIT = Histogram(
    "yellowcart_till_wait_seconds",
    "From a purchase's arrival to the beginning of its batch; of a batch the longest.",
    buckets=_SECONDS,
)
TILL_WRITE = Histogram(
    "yellowcart_till_write_seconds", "Time to read, decide and commit a batch.", buckets=_SECONDS
)
TILL_OUTCOMES = Counter(
    "yellowcart_till_outcomes", "Purchases by what came of them: accepted, replayed, or a code.", ["outcome"]
)
TILL_WAITING = Gauge("yellowcart_till_waiting", "Purchases that wait for the till now.")
