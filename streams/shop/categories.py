"""HTTP doors for shoppers who browse: the categories that have something on sale."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import browsing
from catalog.models import Category
from commerce import http
from commerce.schema import THROTTLED
from streams.shop import filters, shapes, views


class TreeOrder(http.CursorPagination):
    """Every category before what is below it."""

    ordering = "path"
    page_size = 100
    max_page_size = 500


class CategoriesView(views.ShopView, generics.GenericAPIView[Category]):
    """The tree of what is on sale."""

    queryset = Category.objects.none()
    serializer_class = shapes.ShopBranchSerializer
    filterset_class = filters.BranchFilter
    pagination_class = TreeOrder

    def get_queryset(self) -> QuerySet[Category]:
        """Return the categories that are not empty."""
        return browsing.categories()

    @extend_schema(
        tags=["Shop"],
        operation_id="shop_category_list",
        auth=[],
        extensions=THROTTLED,
        responses=views.answers(shapes.ShopBranchSerializer(many=True)),
    )
    def get(self, request: Request) -> Response:
        """List the categories that have something on sale, there or below, in the order of their tree."""
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response([_branch(row) for row in rows])


class CategoryView(views.ShopView):
    """One category with something on sale."""

    @extend_schema(
        tags=["Shop"],
        operation_id="shop_category_get",
        auth=[],
        extensions=THROTTLED,
        responses=views.answers(shapes.ShopShelfSerializer),
    )
    def get(self, request: Request, code: str) -> Response:
        """Return a category with those around it, and what its products can be narrowed by."""
        shelf = browsing.shelf(code)
        return Response(
            {
                **_branch(shelf.category),
                "above": [_head(each) for each in shelf.above],
                "below": [_head(each) for each in shelf.below],
                "looked_at": shelf.looked_at,
                "facets": [_facet(each) for each in shelf.facets],
            }
        )


def _head(row: Category) -> dict[str, Any]:
    return {"code": row.code, "name": row.name, "path": row.path}


def _branch(row: Category) -> dict[str, Any]:
    return {**_head(row), "parent": row.parent.code if row.parent else None}


def _facet(one: browsing.Facet) -> dict[str, Any]:
    said = one.definition
    values = [{"value": value, "products": count} for value, count in one.values]
    return {"code": said.code, "name": said.name, "kind": said.kind, "unit": said.unit, "values": values}
