"""What waits in the outbox, as the relay shows it to Prometheus."""

from collections.abc import Iterator

import structlog
from django.db import DatabaseError, connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from commerce import outbox

log = structlog.get_logger(__name__)


class Backlog(Collector):
    """Asks the database whenever somebody looks; where it does not answer, the three values are missing."""

    def describe(self) -> list[GaugeMetricFamily]:
        """Name nothing ahead, so that registering asks nothing."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the outbox's three values."""
        try:
            backlog = outbox.backlog()
        except DatabaseError as error:
            log.warning("backlog.unknown", error=str(error))
            return
        finally:
            connection.close()  # Every look comes in a thread of its own.
        yield GaugeMetricFamily(
            "yellowcart_outbox_waiting_events", "Events not delivered yet.", value=backlog.waiting
        )
        yield GaugeMetricFamily(
            "yellowcart_outbox_oldest_seconds",
            "Age of the oldest event that is not delivered, 0 where none waits.",
            value=backlog.oldest_seconds,
        )
        yield GaugeMetricFamily(
            "yellowcart_outbox_quarantined_events",
            "Events that failed too often and wait for a human.",
            value=backlog.quarantined,
        )
