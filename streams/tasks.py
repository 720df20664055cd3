"""What beat asks of the streams room."""

from celery import shared_task

from commerce import clock, turnstile
from streams import coupons, offers


@shared_task(name="streams.sweep", queue="sweep")
@turnstile.one_at_a_time
def sweep(**_: object) -> int:
    """End the offers and coupons whose time is over, then open the offers whose time has come."""
    now = clock.database_now()
    return offers.close_due(now=now) + offers.open_due(now=now) + coupons.close_due(now=now)
