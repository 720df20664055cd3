"""What the rooms show to Prometheus while they work; what they count in plain numbers is in live/tally."""

from prometheus_client import Counter, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

COMMANDS = Histogram(
    "yellowcart_command_seconds",
    "Time to carry out a socket command once it has a thread: done, refused, unsure or failed.",
    ["command", "outcome"],
    buckets=_SECONDS,
)
POOL_WAIT = Histogram(
    "yellowcart_pool_wait_seconds",
    "Time that work waited for a thread of a pool.",
    ["pool"],
    buckets=_SECONDS,
)
LOOP_LAG = Histogram(
    "yellowcart_loop_lag_seconds",
    "How late the event loop was, looked at four times a second.",
    buckets=_SECONDS,
)
HELD = Counter("yellowcart_chat_held", "Lines of chat that a filter held for a human, by rule.", ["rule"])
