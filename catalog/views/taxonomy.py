"""HTTP doors of what goods are sorted by: the shop's categories, and the merchant's own brands and tags."""

from base64 import b64decode, urlsafe_b64encode
from functools import partial
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from catalog import bodies, filters, names, taxonomy
from catalog.models import Category, Product
from catalog.serializers import taxonomy as shapes
from catalog.views import edge
from commerce import http


class TreeOrder(http.CursorPagination):
    """Every category before what is below it."""

    ordering = "path"


class CategoriesView(edge.PagedView):
    """The shop's categories."""

    queryset = Category.objects.none()
    serializer_class = shapes.CategorySerializer
    filterset_class = filters.CategoryFilter
    pagination_class = TreeOrder

    @staticmethod
    def show(row: Category) -> bodies.Body:
        """Render one category with what itself asks for."""
        return bodies.category(row, taxonomy.definitions([row])[row.pk])

    def get_queryset(self) -> QuerySet[Category]:
        """Return the whole tree, which is the same for every merchant."""
        return taxonomy.categories()

    @extend_schema(
        tags=["Taxonomy"], operation_id="category_list", responses=shapes.CategorySerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """List the categories of the shop in the order of their tree, with what they ask of products."""
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        known = taxonomy.definitions(rows)
        return self.get_paginated_response([bodies.category(row, known[row.pk]) for row in rows])


class InOrder(http.CursorPagination):
    """Names in their order, forward only."""

    _next: str | None = None

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        """Return the names behind the cursor; raises BadCursor for a cursor that we did not give."""
        size = self.get_page_size(request)
        found = queryset(after=_read(request.query_params.get(self.cursor_query_param)), most=size + 1)
        if len(found) > size:
            cursor = urlsafe_b64encode(f">{found[size - 1].key}".encode()).decode()
            self._next = replace_query_param(request.build_absolute_uri(), self.cursor_query_param, cursor)
        return list(found[:size])

    def get_next_link(self) -> str | None:
        """Return the address of the page after, None where there is none."""
        return self._next

    def get_previous_link(self) -> str | None:
        """Return nothing: names are read forward."""
        return None


class _NamesView(edge.PagedView):
    """Names that the merchant gives its goods."""

    queryset = Product.objects.none()
    serializer_class = shapes.NameSerializer
    filterset_class = filters.NameFilter
    pagination_class = InOrder
    show = staticmethod(bodies.name)
    kind: ClassVar[str]

    def named(self, request: Request) -> Response:
        """Answer with the page that the query asks for."""
        self.filter_queryset(self.get_queryset())  # It refuses what is no filter.
        text = request.query_params.get("q", "")
        read: Any = partial(names.page, self.kind, merchant_id=self.merchant.pk, text=text)
        rows: Any = self.paginate_queryset(read)
        return self.get_paginated_response([bodies.name(row) for row in rows])


class BrandsView(_NamesView):
    """The merchant's brands."""

    kind = names.BRANDS

    @extend_schema(tags=["Taxonomy"], operation_id="brand_list", responses=shapes.NameSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the vendors of your products, in any case one, with how many products each has."""
        return self.named(request)


class TagsView(_NamesView):
    """The merchant's tags."""

    kind = names.TAGS

    @extend_schema(tags=["Taxonomy"], operation_id="tag_list", responses=shapes.NameSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the tags of your products, with how many products each has."""
        return self.named(request)


def _read(cursor: str | None) -> str:
    try:
        found = b64decode((cursor or "").encode(), b"-_", validate=True).decode()
    except ValueError as error:
        raise http.BadCursor from error
    if cursor and (len(found) > 1000 or "\x00" in found or not found.startswith(">")):
        raise http.BadCursor
    return found[1:]
