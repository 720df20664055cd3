"""HTTP doors for shoppers who look around, without an account: what is on sale, and where it is live."""

from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import QuerySet
from django.middleware.http import ConditionalGetMiddleware
from django.utils import timezone
from django.utils.decorators import decorator_from_middleware, method_decorator
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics, permissions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog import storefront
from catalog.media import shelved
from catalog.models import Product
from commerce import errors, http, paging, throttles
from commerce.schema import THROTTLED
from commerce.views import network_of
from streams import discovery
from streams.models import Stream
from streams.shop import filters, shapes

log = structlog.get_logger(__name__)

FRESH_SECONDS = 3  # For so long a cache between us and the shopper may answer in our place.
MOST_LIVE = 24
_UNCHANGED = OpenApiResponse(description="What `If-None-Match` names is what it still is.")


def answers(shape: Any) -> dict[int, Any]:
    """Return what a door may answer, for the API document."""
    return {200: shape, 304: _UNCHANGED}


@method_decorator(decorator_from_middleware(ConditionalGetMiddleware), name="dispatch")
class ShopView(APIView):
    """A door that tells everybody the same, so that a cache may stand before it."""

    authentication_classes = []
    permission_classes = [permissions.AllowAny]

    def check_throttles(self, request: Request) -> None:
        """Count the request for its network; raises TooOften."""
        try:
            throttles.spend(
                what="shop", who=network_of(request), limit=settings.SHOP_READS_PER_MINUTE, seconds=60
            )
        except errors.Unavailable:
            # Nothing is guessed here by trying; a shop without its counter is better than none.
            log.warning("shop.uncounted")

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Let caches keep what was found for a moment, and pages of other sites read it."""
        final = super().finalize_response(request, response, *args, **kwargs)
        found = final.status_code == 200
        final["Cache-Control"] = f"public, max-age={FRESH_SECONDS}" if found else "no-store"
        final["Access-Control-Allow-Origin"] = "*"
        return final


class ShopPagination(paging.KeysetPagination):
    """In the order that the filters gave."""

    page_size = 24
    max_page_size = 100

    def keys(self, queryset: Any) -> tuple[str, str] | None:
        """Return rank or price and its id; None: newest first."""
        order = queryset.query.order_by
        return (str(order[0]), str(order[1])) if len(order) == 2 else None


class ShowPagination(http.CursorPagination):
    """The latest planned first."""

    ordering = ("-starts_at", "-id")  # type: ignore[assignment]  # the stubs forget tuples
    page_size = 20
    max_page_size = 50


class ProductsView(ShopView, generics.GenericAPIView[Product]):
    """What is on sale."""

    queryset = Product.objects.none()
    serializer_class = shapes.ShopProductSerializer
    filterset_class = filters.ShopFilter
    pagination_class = ShopPagination

    def get_queryset(self) -> QuerySet[Product]:
        """Return what anybody may see."""
        return storefront.on_sale()

    @extend_schema(
        tags=["Shop"],
        operation_id="shop_product_list",
        auth=[],
        extensions=THROTTLED,
        responses=answers(shapes.ShopProductSerializer(many=True)),
    )
    def get(self, request: Request) -> Response:
        """List what is on sale, newest first.

        With `q` best first, of the newest 1,000 that it finds.
        """
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        currency = request.query_params.get("currency")
        return self.get_paginated_response(cards(rows, currency=currency))


class ProductView(ShopView):
    """One product on sale."""

    @extend_schema(
        tags=["Shop"],
        operation_id="shop_product_get",
        auth=[],
        extensions=THROTTLED,
        responses=answers(shapes.ShopProductWholeSerializer),
    )
    def get(self, request: Request, product_id: UUID) -> Response:
        """Return a product with its variants and pictures, and where it is live now."""
        return Response(whole(storefront.product(product_id)))


class ShowsView(ShopView, generics.GenericAPIView[Stream]):
    """The shows of a product."""

    queryset = Stream.objects.none()
    serializer_class = shapes.ShopShowSerializer
    filterset_class = filters.ShowFilter
    pagination_class = ShowPagination

    @extend_schema(
        tags=["Shop"],
        operation_id="shop_product_shows",
        auth=[],
        extensions=THROTTLED,
        responses=answers(shapes.ShopShowSerializer(many=True)),
    )
    def get(self, request: Request, product_id: UUID) -> Response:
        """List the shows to come, live and over that have this product, with the moments that show it.

        The latest planned first.
        """
        if not storefront.is_on_sale(product_id):
            raise storefront.UnknownProduct
        found = discovery.shows(now=timezone.now(), product_id=product_id)
        rows = self.paginate_queryset(self.filter_queryset(found)) or []
        moments = discovery.moments(rows, product_id=product_id)
        offers = discovery.offers(rows, product_id=product_id)
        return self.get_paginated_response(
            [{**discovery.card(row), "moments": moments[row.pk], "offers": offers[row.pk]} for row in rows]
        )


class StreamsView(ShopView, generics.GenericAPIView[Stream]):
    """The shows, by what is sold in them."""

    queryset = Stream.objects.none()
    serializer_class = shapes.ShopStreamSerializer
    filterset_class = filters.StreamFilter
    pagination_class = ShowPagination

    @extend_schema(
        tags=["Shop"],
        operation_id="shop_stream_list",
        auth=[],
        extensions=THROTTLED,
        responses=answers(shapes.ShopStreamSerializer(many=True)),
    )
    def get(self, request: Request) -> Response:
        """List the shows to come, live and over, the latest planned first."""
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response([discovery.card(row) for row in rows])


class MerchantView(ShopView):
    """One merchant."""

    @extend_schema(
        tags=["Shop"],
        operation_id="shop_merchant_get",
        auth=[],
        extensions=THROTTLED,
        responses=answers(shapes.ShopMerchantSerializer),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Return a merchant, and the live shows that have its goods."""
        merchant = storefront.merchant(slug)
        live = discovery.shows(now=timezone.now(), merchant_id=merchant.pk, status=Stream.Status.LIVE)[
            :MOST_LIVE
        ]
        return Response(
            {
                "slug": merchant.slug,
                "name": merchant.name,
                "logo": merchant.logo_url,
                "live_now": [discovery.card(each) for each in live],
            }
        )


class SuggestView(ShopView):
    """What one may be about to type."""

    @extend_schema(
        tags=["Shop"],
        operation_id="shop_suggest",
        auth=[],
        extensions=THROTTLED,
        parameters=[
            OpenApiParameter(
                "q",
                {"type": "string", "minLength": 2, "maxLength": 100},
                required=True,
                description="What is typed so far; its last word need not be whole.",
            )
        ],
        responses=answers(shapes.SuggestionsSerializer),
    )
    def get(self, request: Request) -> Response:
        """Return titles of what is on sale, of the newest that have these words, ten at most."""
        asked = shapes.TypedSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        return Response({"suggestions": storefront.suggestions(asked.validated_data["q"])})


def cards(rows: list[Product], *, currency: str | None = None) -> list[dict[str, Any]]:
    """Return what a list tells of products, in three statements however many they are."""
    facts = storefront.facts(rows, currency=currency)
    pictures = storefront.pictures([row.pk for row in rows])
    live = discovery.live_now([row.pk for row in rows], now=timezone.now())
    # One whose last price ended since the page was read is on sale no more.
    return [
        {**_head(row), "image": pictures.get(row.pk), **_figures(facts[row.pk]), "live_now": live[row.pk]}
        for row in rows
        if row.pk in facts
    ]


def whole(row: Any) -> dict[str, Any]:
    """Return all that is told of a product that `storefront.product` gave."""
    facts = storefront.facts([row])
    variants = [storefront.variant_body(each) for each in row.sellable if each.current_prices]
    if not facts or not variants:
        raise storefront.UnknownProduct
    images = [{"url": shelved.outside(shelved.shown(each)), "alt": each.alt} for each in row.pictures]
    return {
        **_head(row),
        "description": row.description,
        "language": row.language,
        "tags": row.tags,
        "options": row.option_names,
        "image": images[0]["url"] if images else None,
        "images": images,
        **_figures(facts[row.pk]),
        "variants": variants,
        "live_now": discovery.live_now([row.pk], now=timezone.now())[row.pk],
    }


def _head(row: Product) -> dict[str, Any]:
    return {
        "id": row.pk,
        "title": row.title,
        "vendor": row.vendor,
        "type": row.product_type,
        "category": _category(row),
        "attributes": row.attributes,
        "merchant": {"slug": row.merchant.slug, "name": row.merchant.name},
    }


def _category(row: Product) -> dict[str, Any] | None:
    one = row.category
    return {"code": one.code, "name": one.name, "path": one.path} if one else None


def _figures(facts: storefront.Facts) -> dict[str, Any]:
    return {"price": facts.low.as_dict(), "price_to": facts.high.as_dict(), "stock": facts.stock}
