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


class Agreement(Collector):
    """Asks the database whenever somebody looks; where it does not answer, the values are missing."""

    def describe(self) -> list[GaugeMetricFamily]:
        """Name nothing ahead, so that registering asks nothing."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return open discrepancies by kind, quarantined notices, and the age of the oldest mark."""
        try:
            yield from families()
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
