"""Background work of the kernel. A task may run twice."""

from uuid import UUID

from celery import shared_task

from commerce import cards, errors


@shared_task(
    name="commerce.forget_card",
    queue="notify",
    autoretry_for=(errors.Unavailable,),
    retry_backoff=2,
    retry_backoff_max=60,
    max_retries=10,
)
def forget_card(*, card_id: str, **_: object) -> None:
    """Have the provider forget a card that its owner removed."""
    cards.detach(card_id=UUID(card_id))
