"""The Celery app and the timetable of beat. Queues and limits are in the settings."""

import os
import warnings
from typing import Any

from celery import Celery
from celery.exceptions import CPendingDeprecationWarning
from celery.schedules import crontab
from celery.signals import beat_init, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# Said at every lost connection, about a default of a later version.
warnings.simplefilter("ignore", CPendingDeprecationWarning)

app = Celery("yellowcart")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

PAYOUTS = crontab(hour="4", minute="15")  # Once a day, in UTC.
ERASING = crontab(minute="25")  # Once an hour.
TAKE_BACK = crontab(hour="4", minute="45")

TIMETABLE: dict[str, dict[str, Any]] = {
    # Offers whose window is over; pages count down by themselves, so a moment's delay is not seen.
    "streams.sweep": {"task": "streams.sweep", "schedule": 2.0, "options": {"expires": 2.0}},
    # Purchases that were not paid in time.
    "orders.expire": {"task": "orders.expire", "schedule": 2.0, "options": {"expires": 2.0}},
    # Places of those who wait to be charged; nobody, but in a rush.
    "orders.tell_waiting": {"task": "orders.tell_waiting", "schedule": 2.0, "options": {"expires": 2.0}},
    # What lost tasks and webhooks left behind, and late purchases whose charge is under way.
    "orders.sweep": {"task": "orders.sweep", "schedule": 5.0, "options": {"expires": 5.0}},
    # What webhooks did not bring, and whether the provider's books are ours.
    "orders.reconcile": {"task": "orders.reconcile", "schedule": 60.0, "options": {"expires": 60.0}},
    # What goods can hardly come back of any more, and paying it out to whom it belongs.
    "orders.earn": {"task": "orders.earn", "schedule": 300.0, "options": {"expires": 300.0}},
    "orders.payout": {"task": "orders.payout", "schedule": PAYOUTS, "options": {"expires": 3600.0}},
    # What payees owe and nothing has netted, once the day's payouts have.
    "orders.take_back": {"task": "orders.take_back", "schedule": TAKE_BACK, "options": {"expires": 3600.0}},
    # Holds for carts: the word before their end, and the end. Pages count down by themselves.
    "orders.sweep_carts": {"task": "orders.sweep_carts", "schedule": 2.0, "options": {"expires": 2.0}},
    "orders.prune_carts": {"task": "orders.prune_carts", "schedule": 600.0, "options": {"expires": 600.0}},
    # Turns of the waitlist that are over, lines of what has ended, and how long the lines are.
    "orders.sweep_lines": {"task": "orders.sweep_lines", "schedule": 2.0, "options": {"expires": 2.0}},
    # The contact of buyers whose orders are over long enough.
    "orders.erase_contacts": {
        "task": "orders.erase_contacts",
        "schedule": ERASING,
        "options": {"expires": 3600.0},
    },
    # The provider's notices, which name people.
    "orders.prune_notices": {
        "task": "orders.prune_notices",
        "schedule": 600.0,
        "options": {"expires": 600.0},
    },
    # A killed worker's imports and exports are taken up again by this, and old files dropped.
    "catalog.sweep": {"task": "catalog.sweep", "schedule": 15.0, "options": {"expires": 15.0}},
    # Prices that were announced for now; buyers pay them from when they are applied.
    "catalog.apply_prices": {"task": "catalog.apply_prices", "schedule": 1.0, "options": {"expires": 2.0}},
    # Pictures that were named or uploaded, and those to be tried again; and files of pictures nobody has.
    "catalog.look_at_pictures": {
        "task": "catalog.look_at_pictures",
        "schedule": 2.0,
        "options": {"expires": 2.0},
    },
    # Feeds that merchants have us fetch.
    "catalog.fetch_feeds": {"task": "catalog.fetch_feeds", "schedule": 10.0, "options": {"expires": 10.0}},
    "catalog.tidy_pictures": {
        "task": "catalog.tidy_pictures",
        "schedule": 600.0,
        "options": {"expires": 600.0},
    },
    # What merchants' systems are to be told: new messages whose ring was lost, and those to be tried again.
    "commerce.send_webhooks": {
        "task": "commerce.send_webhooks",
        "schedule": 2.0,
        "options": {"expires": 2.0},
    },
    # Sessions whose process stopped, or lost its machine, in the middle of a COPY.
    "commerce.end_stalled": {
        "task": "commerce.end_stalled",
        "schedule": 30.0,
        "options": {"expires": 30.0},
    },
    # What an alarm looks at: beat, the broker and a worker do their work.
    "commerce.beat": {"task": "commerce.beat", "schedule": 10.0, "options": {"expires": 10.0}},
    # Told events and used keys, of which there are some for every purchase.
    "commerce.prune": {"task": "commerce.prune", "schedule": 600.0, "options": {"expires": 600.0}},
}
app.conf.beat_schedule = TIMETABLE


@worker_init.connect
@beat_init.connect
def show_metrics(**_: object) -> None:
    """Show Prometheus what a worker or beat counts of itself."""
    from commerce import metrics

    metrics.serve()
