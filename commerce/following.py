"""Lists for those who follow changes: in the order in which rows were changed, so that none is missed."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from commerce import horizon, http

PARAMETER = "updated_since"

_CURSOR = re.compile(r"@([0-9]{1,17}):([0-9a-f]{32})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEP = timedelta(microseconds=1)


def since(rows: QuerySet[Any], moment: datetime, *, column: str = "updated_at") -> QuerySet[Any]:
    """Narrow to what was changed then or later, as far as all that was changed is to be seen by now."""
    return rows.filter(**{f"{column}__gte": moment, f"{column}__lt": horizon.moment()})


class FollowingPagination(http.CursorPagination):
    """Newest first, with `updated_since` the longest unchanged first; cursors are moment and id."""

    column = "updated_at"
    _next: str | None = None
    _follows = False

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        """Return the page that the query asks for; raises BadCursor for a cursor that we did not give."""
        if PARAMETER not in request.query_params:
            return super().paginate_queryset(queryset, request, view)
        self.request, self._follows = request, True
        size = self.get_page_size(request)
        rows = queryset.order_by(self.column, "id")
        text = request.query_params.get(self.cursor_query_param)
        if text:
            at, pk = _read(text)
            rows = rows.filter(Q(**{f"{self.column}__gte": at}))
            rows = rows.exclude(**{self.column: at, "id__lte": pk})
        found = list(rows[: size + 1])
        if len(found) > size:
            self._next = self._behind(found[size - 1])
        return found[:size]

    def get_previous_link(self) -> str | None:
        """Return the address of the page before, None where there is none, or changes are followed."""
        return None if self._follows else super().get_previous_link()

    def get_next_link(self) -> str | None:
        """Return the address of the page after, None where there is none."""
        return self._next if self._follows else super().get_next_link()

    def _behind(self, row: Any) -> str:
        text = f"@{(getattr(row, self.column) - _EPOCH) // _STEP}:{row.pk.hex}"
        cursor = urlsafe_b64encode(text.encode()).decode()
        return str(replace_query_param(self.request.build_absolute_uri(), self.cursor_query_param, cursor))


def _read(cursor: str) -> tuple[datetime, UUID]:
    """Return the moment and the id that a cursor goes on behind; raises BadCursor."""
    try:
        found = _CURSOR.fullmatch(urlsafe_b64decode(cursor.encode()).decode())
        if found is None:
            raise http.BadCursor
        return _EPOCH + int(found[1]) * _STEP, UUID(found[2])
    except (ValueError, OverflowError) as error:
        raise http.BadCursor from error
