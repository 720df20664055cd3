"""What the moderation views share: who calls, which rights it takes, and lists page by page."""

from typing import Any, cast
from uuid import UUID

from django.utils import timezone

from commerce import errors, http, paging, sites
from commerce.models import User
from commerce.strict import StrictSerializer
from streams.moderation import standing


class NotAHost(errors.Forbidden):
    message = "This is for hosts."


class View(http.ShopperView):
    """A view for somebody who is signed in."""

    @property
    def user(self) -> User:
        """The caller."""
        return cast(User, self.request.user)

    @property
    def host_id(self) -> UUID:
        """The id of the host that the caller is; raises NotAHost."""
        host = sites.active_host(self.user)
        if host is None:
            raise NotAHost
        return host.id

    def keeping(self, stream_id: UUID, *rights: str) -> standing.Standing:
        """Return how the caller stands in a show; raises UnknownShow, MissingRight without one of these."""
        return standing.allowed(
            stream_id=stream_id, user_id=self.user.id, now=timezone.now(), rights=rights or standing.ALL
        )

    def read(self, shape: type[StrictSerializer]) -> dict[str, Any]:
        """Return the body's fields, checked."""
        body = shape(data=self.request.data)
        body.is_valid(raise_exception=True)
        return cast(dict[str, Any], body.validated_data)


class PagedView(View, paging.PagedView):
    """A list for somebody who is signed in, page by page."""
