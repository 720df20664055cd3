"""The Celery app and the timetable of beat. Queues and limits are in the settings."""

import os
from typing import Any

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("yellowcart")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

TIMETABLE: dict[str, dict[str, Any]] = {
    # A killed worker's imports are taken up again by this.
    "catalog.sweep": {"task": "catalog.sweep", "schedule": 15.0, "options": {"expires": 15.0}},
}
app.conf.beat_schedule = TIMETABLE
