"""Pages of what happened, newest first: a cursor is the moment and the id of the row it goes on from."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from commerce import http

_CURSOR = re.compile(r"([<>])([0-9]{1,17}):([0-9]{1,18})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


class MomentPagination(http.CursorPagination):
    """Newest first by `at`, then by id: thousands may have the same moment."""

    _links: tuple[str | None, str | None] = (None, None)

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        """Return the page that the query asks for; raises BadCursor for a cursor that we did not give."""
        self.request = request
        size = self.get_page_size(request)
        text = request.query_params.get(self.cursor_query_param)
        back, place = _read(text) if text else (False, None)
        sign, side = ("", "gt") if back else ("-", "lt")
        rows = queryset.order_by(f"{sign}at", f"{sign}id")
        if place is not None:
            at, pk = place
            # The first half is what the index is entered by.
            rows = rows.filter(**{f"at__{side}e": at}).filter(
                Q(**{f"at__{side}": at}) | Q(**{f"id__{side}": pk})
            )
        found = list(rows[: size + 1])
        more, page = len(found) > size, found[:size]
        if back:
            page.reverse()
        behind, ahead = (more, place is not None) if back else (place is not None, more)
        self._links = (
            self._link(">", page[0]) if page and behind else None,
            self._link("<", page[-1]) if page and ahead else None,
        )
        return page

    def get_previous_link(self) -> str | None:
        """Return the address of the page before, None where there is none."""
        return self._links[0]

    def get_next_link(self) -> str | None:
        """Return the address of the page after, None where there is none."""
        return self._links[1]

    def _link(self, side: str, row: Any) -> str:
        text = f"{side}{(row.at - _EPOCH) // _TICK}:{row.pk}"
        cursor = urlsafe_b64encode(text.encode()).decode()
        return str(replace_query_param(self.request.build_absolute_uri(), self.cursor_query_param, cursor))


def _read(cursor: str) -> tuple[bool, tuple[datetime, int]]:
    """Return whether a cursor goes back, and the moment and id it goes on from; raises BadCursor."""
    try:
        found = _CURSOR.fullmatch(urlsafe_b64decode(cursor.encode()).decode())
        if found is None:
            raise http.BadCursor
        return found[1] == ">", (_EPOCH + int(found[2]) * _TICK, int(found[3]))
    except (ValueError, OverflowError) as error:
        raise http.BadCursor from error
