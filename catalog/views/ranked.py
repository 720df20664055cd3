"""Pages of what was searched for, best first."""

from typing import Any

from catalog import search
from commerce import following, paging


class SearchPagination(paging.KeysetPagination, following.FollowingPagination):
    """Newest first, best first where the query searches, in their order where it follows changes."""

    def keys(self, queryset: Any) -> tuple[str, str] | None:
        """Return the rank of what was found, and its id."""
        return (f"-{search.ANNOTATION}", "-id") if search.ANNOTATION in queryset.query.annotations else None
