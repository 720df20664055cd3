"""Lists that come page by page."""

from abc import ABC, abstractmethod
from typing import Any

from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from commerce import http


class PagedView(generics.GenericAPIView[Any], ABC):
    """A list that comes page by page; who may see it says the view that it is joined with."""

    pagination_class = http.CursorPagination

    @staticmethod
    @abstractmethod
    def show(row: Any) -> dict[str, Any]:
        """Render one row."""

    def page(self, request: Request) -> Response:
        """Answer with the page that the query asks for."""
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response([self.show(row) for row in rows or []])
