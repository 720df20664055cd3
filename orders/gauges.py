"""What of the money needs somebody, as the relay shows it to Prometheus."""

from collections.abc import Iterator

import structlog
from django.db import DatabaseError, connection
from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from commerce.models import Notice
from orders.models import Discrepancy, Mark

log = structlog.get_logger(__name__)


# What waits for the provider, from when it could have been asked: how many, and the age of the oldest.
_WAITING = """
    SELECT 'purchases', count(*), min(p.updated_at) FROM orders_purchase p
     WHERE p.status = 'accepted' AND NOT EXISTS (
           SELECT FROM orders_payment y WHERE y.purchase_id = p.id
              AND y.status NOT IN ('created', 'declined', 'cancelled', 'returned'))
    UNION ALL
    SELECT 'payments', count(*), min(sent_at) FROM orders_payment WHERE status IN ('sent', 'unknown')
    UNION ALL
    SELECT 'refunds', count(*), min(created_at) FROM orders_refund
     WHERE status IN ('created', 'sent', 'unknown')
    UNION ALL
    SELECT 'notices', count(*), min(received_at) FROM commerce_notice
     WHERE processed_at IS NULL AND quarantined_at IS NULL
"""


class Agreement(Collector):
    """Asks the database whenever somebody looks; where it does not answer, the values are missing."""

    def describe(self) -> list[GaugeMetricFamily]:
        """Name nothing ahead, so that registering asks nothing."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return open discrepancies by kind, quarantined notices, the age of the oldest mark, and what waits
        for the provider.
        """
        try:
            yield from families()
            yield from waiting()
        except DatabaseError as error:
            log.warning("gauges.unknown", error=str(error))
        finally:
            connection.close()  # Every look comes in a thread of its own.


def families() -> list[GaugeMetricFamily]:
    """Return the values as they are now; raises DatabaseError."""
    found = Discrepancy.objects.filter(resolved_at=None).values_list("kind")
    by_kind = dict(found.annotate(Count("id")).order_by("kind"))
    open_ = GaugeMetricFamily(
        "yellowcart_discrepancies_open",
        "Differences between the payment provider and our books that nobody has resolved.",
        labels=["kind"],
    )
    for kind in Discrepancy.Kind.values:
        open_.add_metric([kind], by_kind.get(kind, 0))
    quarantined = GaugeMetricFamily(
        "yellowcart_notices_quarantined",
        "Notices of the payment provider that could not be read and wait for a human.",
        value=Notice.objects.filter(processed_at=None).exclude(quarantined_at=None).count(),
    )
    oldest = Mark.objects.aggregate(oldest=Min("at"))["oldest"]
    if oldest is None:
        return [open_, quarantined]
    age = GaugeMetricFamily(
        "yellowcart_reconciled_age_seconds",
        "Since the provider's lists were read to their ends.",
        value=max(0.0, (timezone.now() - oldest).total_seconds()),
    )
    return [open_, quarantined, age]


def waiting() -> list[GaugeMetricFamily]:
    """Return how much waits for the provider and how old it is, by the database's clock.

    Raises DatabaseError.
    """
    many = GaugeMetricFamily(
        "yellowcart_work_waiting",
        "What waits for the payment provider: purchases nobody has charged yet, payments and refunds without"
        " an answer, notices nobody has read.",
        labels=["kind"],
    )
    oldest = GaugeMetricFamily(
        "yellowcart_work_oldest_seconds", "Age of the oldest of it, 0 where nothing waits.", labels=["kind"]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT kind, n, extract(epoch FROM clock_timestamp() - at) FROM ({_WAITING}) w (kind, n, at)"
        )
        for kind, number, seconds in cursor.fetchall():
            many.add_metric([kind], number)
            oldest.add_metric([kind], max(0.0, float(seconds or 0)))
    return [many, oldest]
