"""What beat asks of the streams room."""

from celery import shared_task

from commerce import clock, turnstile
from streams import coupons, offers


@shared_task(name="streams.sweep", queue="sweep")
@turnstile.one_at_a_time
def sweep(**_: object) -> int:
    """End the offers and coupons whose time is over, or whose price the merchant does not take any more, and
    open the offers whose time has come.
    """
    now = clock.database_now()
    ended = offers.close_due(now=now) + offers.end_below(now=now) + coupons.close_due(now=now)
    return ended + offers.open_due(now=now)
