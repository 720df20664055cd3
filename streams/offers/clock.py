"""What the clock does to offers: they open and close. The sweep only writes down what is true already."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from streams import sweeping
from streams.models import Offer
from streams.offers import rows, rules


def open_due(*, now: datetime) -> int:
    """Open the announced offers whose time has come, tell their rooms, and return how many there were."""
    due = Offer.objects.filter(status=Offer.Status.ANNOUNCED, opens_at__lte=now).order_by("opens_at")
    items = dict(due.values_list("pk", "item_id"))
    return sweeping.each("offers.open", items, lambda pk: _open(pk, items[pk], now))


def close_due(*, now: datetime) -> int:
    """End the offers whose window is over, tell their rooms, and return how many there were."""
    due = _over(now).order_by("closes_at").values_list("pk", flat=True)
    return sweeping.each("offers.close", list(due), lambda pk: _close(pk, now))


def end_due(*, now: datetime, item_id: UUID) -> None:
    """End the offers of an item whose window is over, inside the caller's transaction."""
    due = _over(now).select_for_update(of=("self",), no_key=True).filter(item_id=item_id)
    for offer in due.order_by("pk"):
        rows.end(offer, reason=Offer.Reason.TIME, at=offer.closes_at)


def _over(now: datetime) -> QuerySet[Offer]:
    return Offer.objects.filter(status__in=(Offer.Status.OPEN, Offer.Status.ANNOUNCED), closes_at__lte=now)


def _close(offer_id: UUID, now: datetime) -> bool:
    with transaction.atomic():
        # A purchase that holds it is let through, and the next sweep ends the offer.
        free = _over(now).select_for_update(of=("self",), no_key=True, skip_locked=True)
        offer = free.filter(pk=offer_id).first()
        if offer is None:
            return False
        rows.end(offer, reason=Offer.Reason.TIME, at=offer.closes_at)
    return True


def _open(offer_id: UUID, item_id: UUID, now: datetime) -> bool:
    with transaction.atomic():
        locked = Offer.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        current = locked.select_related("item").filter(item_id=item_id).exclude(status=Offer.Status.ENDED)
        its = {offer.pk: offer for offer in current.order_by("pk")}
        offer = its.pop(offer_id, None)
        if offer is None or offer.status != Offer.Status.ANNOUNCED or offer.opens_at > now:
            return False
        for before in its.values():
            if before.status == Offer.Status.OPEN:
                # Over by the clock, or sold out and open again since this one was announced for that time.
                rows.end(before, reason=Offer.Reason.TIME, at=min(before.closes_at, offer.opens_at))
        try:
            rows.begin(offer, at=offer.opens_at)
        except rules.OfferAlreadyOpen:
            return False  # Somebody keeps the one before locked: the next sweep ends it.
    return True
