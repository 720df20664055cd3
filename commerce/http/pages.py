"""Lists, page by page, behind a cursor."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from drf_spectacular.utils import OpenApiParameter
from rest_framework import exceptions, pagination
from rest_framework.request import Request
from rest_framework.views import APIView

from commerce import cursors, errors


class BadCursor(errors.Invalid):
    """The cursor of a page is not one that we gave."""

    code = "BAD_CURSOR"
    message = "This cursor is not valid. Begin again without one."


class BadPageSize(errors.Invalid):
    """The page size is not a number that is taken."""

    code = "BAD_PAGE_SIZE"
    message = "A page cannot have so many rows."


class CursorPagination(pagination.CursorPagination):
    """Newest first by id (UUIDv7 sorts by time); `page_size` up to 200."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        """Return the page that the query asks for; raises BadCursor for a cursor that we did not give."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (exceptions.NotFound, ValidationError, ValueError) as error:
            raise BadCursor from error

    def decode_cursor(self, request: Request) -> Any:
        """Return the place that the cursor names, None without one; raises BadCursor."""
        text = request.query_params.get(self.cursor_query_param)
        if text and not cursors.is_place(text):
            raise BadCursor
        return super().decode_cursor(request) if text else None

    def get_page_size(self, request: Request) -> int:
        """Return how many rows the query asks for; raises BadPageSize."""
        text = request.query_params.get(self.page_size_query_param, str(self.page_size))
        if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= self.max_page_size:
            raise BadPageSize(f"page_size has to be between 1 and {self.max_page_size}.")
        return int(text)

    @classmethod
    def parameters(cls) -> list[OpenApiParameter]:
        """Describe the query parameters of a list that renders its rows itself, for the API document."""
        size = {"type": "integer", "minimum": 1, "maximum": cls.max_page_size, "default": cls.page_size}
        return [
            OpenApiParameter("cursor", str, description="Follow `next` rather than making one."),
            OpenApiParameter("page_size", size),
        ]

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """Describe the query parameters, for the API document."""
        cursor, size = super().get_schema_operation_parameters(view)
        size["schema"] |= {"minimum": 1, "maximum": self.max_page_size, "default": self.page_size}
        cursor["description"] = "Follow `next` rather than making one."
        return [cursor, size]
