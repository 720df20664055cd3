"""Background work of the trade. A task may run twice or never: the database says what is left to do."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.utils import timezone
from redis.exceptions import RedisError

from commerce import clock, errors, turnstile
from orders import contacts, expiry, notifications, recovery
from orders.books import earning
from orders.carts import lapsing
from orders.payouts import debts, paying, reversing, sending
from orders.reconciling import notices, reconciler
from orders.settling import capturing, repaying
from orders.waitlist import keeping

PRUNED_AT_ONCE = 20_000


@shared_task(name="orders.settle", queue="settle")
def settle(*, purchases: list[str], **_: object) -> None:
    """Charge accepted purchases."""
    recovery.settle(purchase_ids=[UUID(each) for each in purchases], clock=timezone.now)


@shared_task(name="orders.capture", queue="settle")
def capture(*, purchase_id: str, **_: object) -> None:
    """Take a pre-order's money, whose parcel is ready."""
    recovery.threads().call(lambda: capturing.capture(purchase_id=UUID(purchase_id), now=timezone.now()))


@shared_task(
    name="orders.let_go",
    queue="settle",
    autoretry_for=(errors.Unavailable,),
    retry_backoff=2,
    retry_backoff_max=60,
    max_retries=10,
)
def let_go(*, payment_id: str, **_: object) -> None:
    """End at the provider what nobody wants any more; what is still open there is found by `reconcile`."""
    recovery.threads().call(lambda: capturing.let_go(payment_id=UUID(payment_id), now=timezone.now()))


@shared_task(name="orders.read_notice", queue="settle")
def read_notice(*, notice_id: int, **_: object) -> None:
    """Take in what the provider's notice is about."""
    recovery.threads().call(lambda: notices.read(notice_id=notice_id, now=timezone.now()))


@shared_task(name="orders.refund", queue="settle")
def refund(*, refund_id: str, **_: object) -> None:
    """Have the provider carry out a refund."""
    recovery.threads().call(lambda: repaying.send(refund_id=UUID(refund_id), now=timezone.now()))


@shared_task(name="orders.earn", queue="notify")
@turnstile.one_at_a_time
def earn(**_: object) -> int:
    """Make earned what goods can hardly come back of any more, by the database's clock."""
    return earning.sweep(now=clock.database_now())


@shared_task(name="orders.payout", queue="notify")
@turnstile.one_at_a_time
def payout(**_: object) -> int:
    """Write down a payout for everybody who can be paid; their legs are sent one by one afterwards."""
    return len(paying.begin_all(now=clock.database_now()))


@shared_task(name="orders.send_payout", queue="settle")
def send_payout(*, payout_id: str, **_: object) -> None:
    """Have the provider send a payout's legs."""
    recovery.threads().call(lambda: sending.send_all(payout_id=UUID(payout_id), now=timezone.now()))


@shared_task(name="orders.take_back", queue="notify")
@turnstile.one_at_a_time
def take_back(**_: object) -> int:
    """Write down to be taken back what payees have owed for long and nothing has netted."""
    return len(debts.take_back_all(now=clock.database_now()))


@shared_task(name="orders.send_reversal", queue="settle")
def send_reversal(*, reversal_id: str, **_: object) -> None:
    """Have the provider take money back from a payee."""
    recovery.threads().call(lambda: reversing.send(reversal_id=UUID(reversal_id), now=timezone.now()))


# No sweep asks the buyer, so what fails is tried again.
@shared_task(
    name="orders.ask_buyer",
    queue="notify",
    autoretry_for=(errors.Unavailable, RedisError),
    retry_backoff=2,
    retry_backoff_max=60,
    max_retries=10,
)
def ask_buyer(*, purchase_id: str, **_: object) -> None:
    """Send the buyer what she needs to satisfy her bank."""
    notifications.ask_buyer(purchase_id=UUID(purchase_id))


@shared_task(
    name="orders.tell_carts",
    queue="notify",
    autoretry_for=(errors.Unavailable, RedisError),
    retry_backoff=2,
    retry_backoff_max=60,
    max_retries=10,
)
def tell_carts(*, buyers: list[str], **_: object) -> None:
    """Tell shoppers' devices their carts as they are."""
    for buyer_id in buyers:
        notifications.tell_cart(buyer_id=UUID(buyer_id), stream_id=None)


@shared_task(name="orders.tell_waiting", queue="notify")
@turnstile.one_at_a_time
def tell_waiting(**_: object) -> int:
    """Tell buyers whose purchases wait to be charged how long about."""
    return notifications.tell_waiting(look=round(timezone.now().timestamp() / 2))


@shared_task(name="orders.expire", queue="sweep")
@turnstile.one_at_a_time
def expire(**_: object) -> int:
    """Give back what purchases held that were not paid in time, by the database's clock."""
    return expiry.sweep(now=clock.database_now())


@shared_task(name="orders.sweep_carts", queue="sweep")
@turnstile.one_at_a_time
def sweep_carts(**_: object) -> dict[str, int]:
    """Warn before holds for carts end and give back those that are over, by the database's clock."""
    return lapsing.sweep(now=clock.database_now())


@shared_task(name="orders.prune_carts", queue="notify")
def prune_carts(**_: object) -> int:
    """Delete carts of guests who do not come back."""
    return lapsing.prune(now=clock.database_now(), limit=PRUNED_AT_ONCE)


@shared_task(name="orders.prune_notices", queue="notify")
def prune_notices(**_: object) -> int:
    """Delete notices of the provider that were read long ago: they name people."""
    kept = timedelta(days=settings.NOTICE_KEEP_DAYS)
    return notices.prune(before=clock.database_now() - kept, limit=PRUNED_AT_ONCE)


@shared_task(name="orders.erase_contacts", queue="notify")
@turnstile.one_at_a_time
def erase_contacts(**_: object) -> int:
    """Erase the contact of buyers whose orders are over long enough."""
    return contacts.sweep(now=clock.database_now())


@shared_task(name="orders.reconcile", queue="notify")
def reconcile(**_: object) -> dict[str, int]:
    """Read the provider's lists since the last time, by the database's clock."""
    return reconciler.reconcile(now=clock.database_now())


@shared_task(name="orders.sweep", queue="notify")
@turnstile.one_at_a_time
def sweep(**_: object) -> dict[str, Any]:
    """Finish what lost tasks and webhooks left behind, by the database's clock."""
    return recovery.finish(now=clock.database_now())


@shared_task(name="orders.sweep_lines", queue="sweep")
@turnstile.one_at_a_time
def sweep_lines(**_: object) -> dict[str, int]:
    """End turns and waits that are over, by the database's clock, and tell how long the lines are."""
    return keeping.sweep(now=clock.database_now())
