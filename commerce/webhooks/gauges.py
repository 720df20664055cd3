"""What waits to be sent to merchants' systems, as the relay shows it to Prometheus."""

from collections.abc import Iterator

import structlog
from django.db import DatabaseError, connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from commerce.webhooks import deliveries

log = structlog.get_logger(__name__)


class Waiting(Collector):
    """Asks the database whenever somebody looks; where it does not answer, the value is missing."""

    def describe(self) -> list[GaugeMetricFamily]:
        """Name nothing ahead, so that registering asks nothing."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return for how long the longest due message has waited."""
        try:
            oldest = deliveries.oldest_seconds()
        except DatabaseError as error:
            log.warning("webhooks.unknown", error=str(error))
            return
        finally:
            connection.close()  # Every look comes in a thread of its own.
        yield GaugeMetricFamily(
            "yellowcart_webhooks_oldest_seconds",
            "How long the longest due message to a merchant has waited for a sender.",
            value=oldest,
        )
