"""Who follows whom. The only writer of Follow."""

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from commerce import errors
from streams import queries
from streams.models import Follow, Stream


class OwnShow(errors.Conflict):
    code = "OWN_SHOW"
    message = "You cannot follow yourself."


def follow(*, stream_id: UUID, user_id: UUID, now: datetime) -> None:
    """Follow the host of a show; again is once. Raises UnknownShow, OwnShow."""
    stream = _show(stream_id)
    if stream.host.user_id == user_id:
        raise OwnShow
    Follow.objects.bulk_create(
        [Follow(user_id=user_id, host_id=stream.host_id, at=now)], ignore_conflicts=True
    )


def unfollow(*, stream_id: UUID, user_id: UUID) -> None:
    """Follow the host of a show no longer; again is once. Raises UnknownShow."""
    Follow.objects.filter(user_id=user_id, host_id=_show(stream_id).host_id).delete()


def of_host(*, host_id: UUID) -> QuerySet[Follow]:
    """Return a host's followers, the latest first."""
    return Follow.objects.filter(host_id=host_id, user__is_active=True).select_related("user").order_by("-id")


def _show(stream_id: UUID) -> Stream:
    stream = Stream.objects.select_related("host").filter(pk=stream_id, host__is_active=True).first()
    if stream is None:
        raise queries.UnknownShow
    return stream
