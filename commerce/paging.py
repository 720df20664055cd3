"""Lists that come page by page."""

import re
from abc import ABC, abstractmethod
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.db.models.expressions import Col
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from commerce import http

_CURSOR = re.compile(r"([<>])([0-9]{1,9}):([0-9a-f]{32})")


class PagedView(generics.GenericAPIView[Any], ABC):
    """A list that comes page by page; who may see it says the view that it is joined with."""

    pagination_class = http.CursorPagination

    @staticmethod
    @abstractmethod
    def show(row: Any) -> dict[str, Any]:
        """Render one row."""

    def shown(self, rows: Sequence[Any]) -> list[dict[str, Any]]:
        """Render the rows of a page."""
        return [self.show(row) for row in rows]

    def page(self, request: Request) -> Response:
        """Answer with the page that the query asks for."""
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.shown(rows or []))


class KeysetPagination(http.CursorPagination, ABC):
    """Newest first, or by a whole number and an id: then a cursor is both, of the row it goes on from."""

    _links: tuple[str | None, str | None] | None = None

    @abstractmethod
    def keys(self, queryset: Any) -> tuple[str, str] | None:
        """Return number and id that the rows are ordered by, both with a `-` or none; None: newest first."""

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        """Return the page that the query asks for; raises BadCursor for a cursor that we did not give."""
        keys = self.keys(queryset)
        if keys is None:
            return super().paginate_queryset(queryset, request, view)
        self.request = request
        size = self.get_page_size(request)
        text = request.query_params.get(self.cursor_query_param)
        back, at = _read(text) if text else (False, None)
        number, pk = (name.removeprefix("-") for name in keys)
        down = keys[0].startswith("-") != back
        sign = "-" if down else ""
        rows = queryset.order_by(sign + number, sign + pk)
        if at is not None:
            side = "lt" if down else "gt"
            if isinstance(queryset.query.annotations.get(number), Col):
                # An index of a column is read from here on only when it is told so by itself.
                rows = rows.filter(**{f"{number}__{side}e": at[0]})
            beyond = Q(**{f"{number}__{side}": at[0]})
            rows = rows.filter(beyond | Q(**{number: at[0], f"{pk}__{side}": at[1]}))
        found = list(rows[: size + 1])
        more, page = len(found) > size, found[:size]
        if back:
            page.reverse()
        behind, ahead = (more, at is not None) if back else (at is not None, more)
        self._links = (
            self._link(">", page[0], number, pk) if page and behind else None,
            self._link("<", page[-1], number, pk) if page and ahead else None,
        )
        return page

    def get_previous_link(self) -> str | None:
        """Return the address of the page before, None where there is none."""
        return super().get_previous_link() if self._links is None else self._links[0]

    def get_next_link(self) -> str | None:
        """Return the address of the page after, None where there is none."""
        return super().get_next_link() if self._links is None else self._links[1]

    def _link(self, side: str, row: Any, number: str, pk: str) -> str:
        text = f"{side}{getattr(row, number)}:{getattr(row, pk).hex}"
        cursor = urlsafe_b64encode(text.encode()).decode()
        return str(replace_query_param(self.request.build_absolute_uri(), self.cursor_query_param, cursor))


def _read(cursor: str) -> tuple[bool, tuple[int, UUID]]:
    """Return whether a cursor goes back, and the number and id it goes on from; raises BadCursor."""
    try:
        found = _CURSOR.fullmatch(urlsafe_b64decode(cursor.encode()).decode())
    except ValueError as error:
        raise http.BadCursor from error
    if found is None:
        raise http.BadCursor
    return found[1] == ">", (int(found[2]), UUID(found[3]))
