"""Pages of what was searched for, best first: a cursor is the rank and the id of the row it goes on from."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from uuid import UUID

from django.db.models import Q
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from catalog import search
from commerce import http

_CURSOR = re.compile(r"([<>])([0-9]{1,9}):([0-9a-f]{32})")


class SearchPagination(http.CursorPagination):
    """Newest first, and best first where the query searches."""

    _links: tuple[str | None, str | None] | None = None

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        """Return the page that the query asks for; raises BadCursor for a cursor that we did not give."""
        if search.ANNOTATION not in queryset.query.annotations:
            return super().paginate_queryset(queryset, request, view)
        self.request = request
        size = self.get_page_size(request)
        text = request.query_params.get(self.cursor_query_param)
        back, at = _read(text) if text else (False, None)
        sign = "" if back else "-"
        rows = queryset.order_by(sign + search.ANNOTATION, sign + "id")
        if at is not None:
            side = "gt" if back else "lt"
            rank, pk = at
            beyond = Q(**{f"{search.ANNOTATION}__{side}": rank})
            rows = rows.filter(beyond | Q(**{search.ANNOTATION: rank, f"id__{side}": pk}))
        found = list(rows[: size + 1])
        more, page = len(found) > size, found[:size]
        if back:
            page.reverse()
        behind, ahead = (more, at is not None) if back else (at is not None, more)
        self._links = (
            self._link(">", page[0]) if page and behind else None,
            self._link("<", page[-1]) if page and ahead else None,
        )
        return page

    def get_previous_link(self) -> str | None:
        """Return the address of the page before, None where there is none."""
        return super().get_previous_link() if self._links is None else self._links[0]

    def get_next_link(self) -> str | None:
        """Return the address of the page after, None where there is none."""
        return super().get_next_link() if self._links is None else self._links[1]

    def _link(self, side: str, row: Any) -> str:
        text = f"{side}{getattr(row, search.ANNOTATION)}:{row.pk.hex}"
        cursor = urlsafe_b64encode(text.encode()).decode()
        return str(replace_query_param(self.request.build_absolute_uri(), self.cursor_query_param, cursor))


def _read(cursor: str) -> tuple[bool, tuple[int, UUID]]:
    """Return whether a cursor goes back, and the rank and id it goes on from; raises BadCursor."""
    try:
        found = _CURSOR.fullmatch(urlsafe_b64decode(cursor.encode()).decode())
    except ValueError as error:
        raise http.BadCursor from error
    if found is None:
        raise http.BadCursor
    return found[1] == ">", (int(found[2]), UUID(found[3]))
