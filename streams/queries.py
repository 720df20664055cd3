"""Reads of shows. A host's read starts from the host, so that another host's show does not exist for her."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from commerce import errors
from streams import states
from streams.models import Offer, ShowcaseItem, Stream


class UnknownShow(errors.NotFound):
    message = "There is no such show."


class UnknownItem(errors.NotFound):
    message = "This product is not in the showcase."


class UnknownMessage(errors.NotFound):
    message = "There is no such chat line."


class StreamNotLive(errors.Conflict):
    code = "STREAM_NOT_LIVE"
    message = "The show is not live."


class ShowOver(errors.Conflict):
    code = "SHOW_OVER"
    message = "The show is over and cannot be changed."


def shows_of_host(*, host_id: UUID) -> QuerySet[Stream]:
    """Return the shows of one host, the latest planned first."""
    return Stream.objects.filter(host_id=host_id).order_by("-starts_at", "-id")


def shows(stream_ids: Collection[UUID]) -> QuerySet[Stream]:
    """Return these shows with their hosts, the latest planned first."""
    found = Stream.objects.filter(pk__in=stream_ids).select_related("host")
    return found.order_by("-starts_at", "-id")


def show(*, host_id: UUID, stream_id: UUID) -> Stream:
    """Return the host's show; raises UnknownShow."""
    found = shows_of_host(host_id=host_id).select_related("host").filter(pk=stream_id).first()
    if found is None:
        raise UnknownShow
    return found


def locked_show(*, host_id: UUID, stream_id: UUID) -> Stream:
    """Lock and return the host's show until the transaction ends; raises UnknownShow.

    All of a host's actions on a show queue here. The lock leaves the key alone (FOR NO KEY UPDATE), so
    purchases and chat, which refer to the show, do not wait for it.
    """
    found = Stream.objects.select_for_update(no_key=True, of=("self",)).filter(pk=stream_id, host_id=host_id)
    stream = found.first()
    if stream is None:
        raise UnknownShow
    return stream


def live_show(*, host_id: UUID, stream_id: UUID) -> Stream:
    """Lock and return the host's show; raises UnknownShow, or StreamNotLive."""
    stream = locked_show(host_id=host_id, stream_id=stream_id)
    if stream.status != Stream.Status.LIVE:
        raise StreamNotLive(status=stream.status)
    return stream


def editable_show(*, host_id: UUID, stream_id: UUID) -> Stream:
    """Lock and return the host's show; raises UnknownShow, or ShowOver when it has ended or was cancelled."""
    stream = locked_show(host_id=host_id, stream_id=stream_id)
    if stream.status not in states.EDITABLE:
        raise ShowOver(status=stream.status)
    return stream


def showcase(*, stream_id: UUID) -> QuerySet[ShowcaseItem]:
    """Return the items that are in the showcase now, in order."""
    return ShowcaseItem.objects.filter(stream_id=stream_id, removed_at=None).order_by("position", "id")


def item(*, stream_id: UUID, item_id: UUID) -> ShowcaseItem:
    """Return an item that is in the showcase now; raises UnknownItem."""
    found = showcase(stream_id=stream_id).filter(pk=item_id).first()
    if found is None:
        raise UnknownItem
    return found


def current_offers(*, stream_id: UUID) -> QuerySet[Offer]:
    """Return the show's open and announced offers with their items, the first to open first."""
    return (
        Offer.objects.filter(stream_id=stream_id)
        .exclude(status=Offer.Status.ENDED)
        .select_related("item")
        .order_by("opens_at", "id")
    )


def sold_out_offers(*, stream_id: UUID, now: datetime) -> QuerySet[Offer]:
    """Return a live show's offers that are sold out while their time runs, the latest of each item.

    One may line up at their price. Not where another offer of the item is open by now.
    """
    running = Offer.objects.filter(item=OuterRef("item"), status=Offer.Status.OPEN)
    gone = Offer.objects.filter(
        ~Exists(running),
        stream_id=stream_id,
        stream__status=Stream.Status.LIVE,
        status=Offer.Status.ENDED,
        reason=Offer.Reason.SOLD_OUT,
        closes_at__gt=now,
    )
    return gone.select_related("item").order_by("item", "-ended_at").distinct("item")


def with_counts(streams: QuerySet[Stream]) -> QuerySet[Stream]:
    """Add `products`, the number of items in each show's showcase."""
    there = Count("items", filter=Q(items__removed_at=None))
    return streams.annotate(products=there)
