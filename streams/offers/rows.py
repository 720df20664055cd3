"""An offer's row under lock, and its moves from announced to open to ended, each told to the room."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from streams import announce, bodies, queries
from streams.models import Offer
from streams.offers import references
from streams.offers.rules import OfferAlreadyOpen, UnknownOffer


def locked(offer_id: UUID) -> Offer:
    """Lock and return an offer until the transaction ends; raises UnknownOffer."""
    found = (
        Offer.objects.select_for_update(of=("self",), no_key=True).select_related("item").filter(pk=offer_id)
    )
    offer = found.first()
    if offer is None:
        raise UnknownOffer
    return offer


def of_host(*, host_id: UUID, offer_id: UUID) -> Offer:
    """Lock the show and then the offer, if both are the host's; raises UnknownOffer."""
    stream_id = Offer.objects.filter(pk=offer_id).values_list("stream_id", flat=True).first()
    if stream_id is None:
        raise UnknownOffer
    try:
        queries.locked_show(host_id=host_id, stream_id=stream_id)
    except queries.UnknownShow:
        raise UnknownOffer from None
    return locked(offer_id)


def save(offer: Offer, *fields: str) -> None:
    """Write these fields with the next version."""
    offer.version += 1
    offer.save(update_fields=[*fields, "version"])


def begin(offer: Offer, *, at: datetime) -> None:
    """Open an announced offer as of `at` and tell the room; raises OfferAlreadyOpen, with nothing changed.

    The reference price is looked up again: the reduction applies from now, and prices may have changed since
    it was announced.
    """
    offer.status = Offer.Status.OPEN
    offer.closes_at += at - offer.opens_at
    offer.opens_at = at
    offer.reference_amount = references.of(offer, at=at)
    try:
        with transaction.atomic():
            save(offer, "status", "opens_at", "closes_at", "reference_amount")
    except IntegrityError as error:
        if "offer_one_open_per_item" not in str(error):
            raise
        offer.refresh_from_db()
        raise OfferAlreadyOpen from None
    announce.tell_room(stream_id=offer.stream_id, t="offer.started", d=bodies.offer(offer))


def end(offer: Offer, *, reason: Offer.Reason, at: datetime) -> None:
    """End an offer and tell the room why."""
    offer.status = Offer.Status.ENDED
    offer.reason = reason
    offer.ended_at = at
    save(offer, "status", "reason", "ended_at", "left")
    announce.tell_room(
        stream_id=offer.stream_id, t="offer.ended", d={"id": str(offer.id), "reason": str(reason)}
    )


def stop(offer: Offer, *, now: datetime) -> None:
    """End an offer by its host's hand, or by its time where that was over before."""
    in_time = now < offer.closes_at
    reason = Offer.Reason.HOST if in_time else Offer.Reason.TIME
    end(offer, reason=reason, at=now if in_time else offer.closes_at)


def reopen(offer: Offer, *, now: datetime) -> None:
    """Open a sold-out offer again, until the next one for the same item begins; not when that has begun."""
    following = Offer.objects.filter(
        item_id=offer.item_id, status=Offer.Status.ANNOUNCED, opens_at__lt=offer.closes_at
    )
    begins = following.values_list("opens_at", flat=True).first()
    if begins is not None and begins <= now:
        return
    offer.status = Offer.Status.OPEN
    offer.closes_at = begins or offer.closes_at
    offer.reason = ""
    offer.ended_at = None
    try:
        with transaction.atomic():
            save(offer, "status", "reason", "ended_at", "closes_at")
    except IntegrityError as error:
        if "offer_one_open_per_item" not in str(error):
            raise
        offer.refresh_from_db()
        return
    announce.tell_room(stream_id=offer.stream_id, t="offer.started", d=bodies.offer(offer))
