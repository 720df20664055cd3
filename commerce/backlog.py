"""What waits in the outbox and in Celery's queues, as the relay shows it to Prometheus."""

import time
from collections.abc import Iterator

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from commerce import outbox, redis_client

log = structlog.get_logger(__name__)

_BEAT = "beat:at"
BEAT_KEPT_SECONDS = 86_400


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


class Queues(Collector):
    """Asks Redis whenever somebody looks; where it does not answer, the values are missing."""

    def __init__(self) -> None:
        self._broker = redis.Redis.from_url(settings.QUEUES_URL, socket_timeout=2, socket_connect_timeout=2)

    def describe(self) -> list[GaugeMetricFamily]:
        """Name nothing ahead, so that registering asks nothing."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the length of each queue, and how long ago a worker heard of beat."""
        length = GaugeMetricFamily(
            "yellowcart_queue_messages", "Messages that no worker has taken yet.", labels=["queue"]
        )
        try:
            for name in settings.CELERY_TASK_QUEUES:
                length.add_metric([name], self._broker.llen(name))
            heard = redis_client.sync().get(_BEAT)
        except RedisError as error:
            log.warning("queues.unknown", error=str(error))
            return
        yield length
        if heard is not None:
            yield GaugeMetricFamily(
                "yellowcart_beat_age_seconds",
                "Since a worker was last rung for by beat.",
                value=max(0.0, time.time() - float(heard)),
            )


def heard_of_beat() -> None:
    """Note that beat, the broker and a worker do their work; raises RedisError."""
    redis_client.sync().set(_BEAT, time.time(), ex=BEAT_KEPT_SECONDS)
