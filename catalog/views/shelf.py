"""HTTP doors of prices and stock for merchants' systems; rows start from the merchant of the key."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import bodies, queries
from catalog.pricing import floors, prices
from catalog.serializers import prices as price_shapes
from catalog.serializers import stock as stock_shapes
from catalog.shelf import places, stock, thresholds
from catalog.views import edge, tagged
from commerce import http
from commerce.schema import IDEMPOTENCY_KEY, IF_MATCH


class PriceView(http.MerchantView):
    """A variant's price."""

    @extend_schema(tags=["Prices"], operation_id="price_get", responses=price_shapes.PricesSerializer)
    def get(self, request: Request, variant_id: UUID) -> Response:
        """Return the current price, the lowest of the last 30 days, and the history."""
        return self.answer(tagged.price(self.merchant.pk, variant_id))

    @extend_schema(
        tags=["Prices"],
        operation_id="price_set",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        request=price_shapes.PriceWriteSerializer,
        responses=price_shapes.PricesSerializer,
    )
    def put(self, request: Request, variant_id: UUID) -> Response:
        """Set the price from now on; the one before is closed and kept. The same price changes nothing."""
        quote = edge.quote(edge.sent(price_shapes.PriceWriteSerializer, request), self.merchant.currency)
        about = tagged.price(self.merchant.pk, variant_id)

        def run() -> tuple[int, bodies.Body]:
            prices.change(
                merchant_id=self.merchant.pk,
                variant_id=variant_id,
                amount=quote.amount,
                compare_at=quote.compare_at,
                currency=quote.currency,
                now=timezone.now(),
            )
            return 200, about.look()

        return http.write_once(request, run, about)


class FloorView(http.MerchantView):
    """What a variant is never sold below."""

    @extend_schema(tags=["Prices"], operation_id="floor_get", responses=price_shapes.FloorSerializer)
    def get(self, request: Request, variant_id: UUID) -> Response:
        """Return the floor, or null where there is none."""
        return self.answer(tagged.floor(self.merchant.pk, variant_id))

    @extend_schema(
        tags=["Prices"],
        operation_id="floor_set",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        request=price_shapes.FloorWriteSerializer,
        responses=price_shapes.FloorSerializer,
    )
    def put(self, request: Request, variant_id: UUID) -> Response:
        """Set what no host, offer or coupon may sell a unit below; an offer below it ends selling."""
        sent = edge.sent(price_shapes.FloorWriteSerializer, request)
        about = tagged.floor(self.merchant.pk, variant_id)

        def run() -> tuple[int, bodies.Body]:
            floors.set_floor(merchant_id=self.merchant.pk, variant_id=variant_id, now=timezone.now(), **sent)
            return 200, about.look()

        return http.write_once(request, run, about)

    @extend_schema(
        tags=["Prices"],
        operation_id="floor_clear",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        responses={200: price_shapes.FloorSerializer},
    )
    def delete(self, request: Request, variant_id: UUID) -> Response:
        """Take the floor away."""
        about = tagged.floor(self.merchant.pk, variant_id)

        def run() -> tuple[int, bodies.Body]:
            floors.clear_floor(merchant_id=self.merchant.pk, variant_id=variant_id)
            return 200, about.look()

        return http.write_once(request, run, about)


class StockView(http.MerchantView):
    """A variant's stock."""

    @extend_schema(tags=["Stock"], operation_id="stock_get", responses=stock_shapes.StockSerializer)
    def get(self, request: Request, variant_id: UUID) -> Response:
        """Return what can still be promised, and the latest changes that were not sales."""
        return Response(self._body(variant_id))

    @extend_schema(
        tags=["Stock"],
        operation_id="stock_set",
        parameters=[IDEMPOTENCY_KEY],
        request=stock_shapes.StockSetSerializer,
        responses=stock_shapes.StockSerializer,
    )
    def put(self, request: Request, variant_id: UUID) -> Response:
        """Say how many can be promised from now on, beside what is sold or held already."""
        sent = edge.sent(stock_shapes.StockSetSerializer, request)
        who: dict[str, Any] = {
            "merchant_id": self.merchant.pk,
            "variant_id": variant_id,
            "by": edge.caller(request),
        }
        place = sent.pop("location")

        def run() -> tuple[int, bodies.Body]:
            if place is None:
                stock.set_level(**who, **sent, now=timezone.now())
            else:
                units = sent["available"]
                places.set_level(**who, location=place, units=units, note=sent["note"], now=timezone.now())
            return 200, self._body(variant_id)

        return http.write_once(request, run)

    @extend_schema(
        tags=["Stock"],
        operation_id="stock_adjust",
        parameters=[IDEMPOTENCY_KEY],
        request=stock_shapes.StockAdjustSerializer,
        responses=stock_shapes.StockSerializer,
    )
    def post(self, request: Request, variant_id: UUID) -> Response:
        """Add units or take them away, whatever is sold meanwhile; send an Idempotency-Key with it."""
        sent = edge.sent(stock_shapes.StockAdjustSerializer, request)
        who: dict[str, Any] = {
            "merchant_id": self.merchant.pk,
            "variant_id": variant_id,
            "by": edge.caller(request),
        }
        place = sent.pop("location")

        def run() -> tuple[int, bodies.Body]:
            if place is None:
                stock.adjust(**who, **sent, now=timezone.now())
            else:
                places.adjust(**who, **sent, location=place, now=timezone.now())
            return 200, self._body(variant_id)

        return http.write_once(request, run)

    @extend_schema(
        tags=["Stock"],
        operation_id="stock_change",
        parameters=[IDEMPOTENCY_KEY],
        request=stock_shapes.StockChangeSerializer,
        responses=stock_shapes.StockSerializer,
    )
    def patch(self, request: Request, variant_id: UUID) -> Response:
        """Say from how few units on you are told that little is left (`stock.low`), or that you are not."""
        sent = edge.sent(stock_shapes.StockChangeSerializer, request)

        def run() -> tuple[int, bodies.Body]:
            if sent:
                thresholds.set_threshold(
                    merchant_id=self.merchant.pk, variant_id=variant_id, now=timezone.now(), **sent
                )
            return 200, self._body(variant_id)

        return http.write_once(request, run)

    def _body(self, variant_id: UUID) -> bodies.Body:
        row = queries.stock(merchant_id=self.merchant.pk, variant_id=variant_id)
        return bodies.stock(row, queries.movements(merchant_id=self.merchant.pk, variant_id=variant_id))
