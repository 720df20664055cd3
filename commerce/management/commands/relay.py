import signal
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.module_loading import import_string

from commerce import metrics
from commerce.backlog import Backlog
from commerce.relay import Relay

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Deliver recorded events to their hearers (sockets, Celery) until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = False

        def ask_to_stop(*_: object) -> None:
            nonlocal stop
            stop = True

        signal.signal(signal.SIGTERM, ask_to_stop)
        signal.signal(signal.SIGINT, ask_to_stop)
        metrics.serve(Backlog(), *(import_string(path)() for path in settings.GAUGES))
        relay = Relay(settings.SUBSCRIPTIONS)
        log.info("relay.ready", events=sorted(relay.hearers))
        relay.run(lambda: stop)
