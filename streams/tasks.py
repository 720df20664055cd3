"""What beat asks of the streams room."""

from celery import shared_task
from django.utils import timezone

from streams import offers


@shared_task(name="streams.sweep")
def sweep(**_: object) -> int:
    """End the offers whose window is over, then open those whose time has come."""
    now = timezone.now()
    return offers.close_due(now=now) + offers.open_due(now=now)
