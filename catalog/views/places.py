"""HTTP doors of locations, of stock as a list, and of its log; rows start from the merchant of the key."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import bodies, queries
from catalog.models import Location, Stock, StockMovement, Variant
from catalog.serializers import places as shapes
from catalog.shelf import locations, places
from catalog.views import edge, stockfilters, tagged
from catalog.views.moments import MomentPagination
from commerce import http
from commerce.schema import IDEMPOTENCY_KEY, IF_MATCH, MAY_BE_MISSING


class LocationsView(edge.PagedView):
    """The places where a merchant's goods lie."""

    queryset = Location.objects.none()
    serializer_class = shapes.LocationSerializer
    filterset_class = stockfilters.LocationFilter
    show = staticmethod(shapes.location)

    def get_queryset(self) -> QuerySet[Location]:
        """Return the merchant's locations."""
        return queries.locations(merchant_id=self.merchant.pk)

    @extend_schema(
        tags=["Stock"], operation_id="location_list", responses=shapes.LocationSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """List your locations, newest first."""
        return self.page(request)

    @extend_schema(
        tags=["Stock"],
        operation_id="location_create",
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.LocationWriteSerializer,
        responses={201: shapes.LocationSerializer},
    )
    def post(self, request: Request) -> Response:
        """Name a location. The first is the main one: all your stock is there until you say otherwise."""
        sent = edge.sent(shapes.LocationWriteSerializer, request)

        def run() -> tuple[int, bodies.Body]:
            made = locations.create(merchant_id=self.merchant.pk, now=timezone.now(), **sent)
            return 201, shapes.location(made)

        return http.write_once(request, run)


class LocationView(http.MerchantView):
    """One location."""

    @extend_schema(tags=["Stock"], operation_id="location_get", responses=shapes.LocationSerializer)
    def get(self, request: Request, location_id: UUID) -> Response:
        """Return a location."""
        return self.answer(tagged.location(self.merchant.pk, location_id))

    @extend_schema(
        tags=["Stock"],
        operation_id="location_change",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        request=shapes.LocationChangeSerializer,
        responses=shapes.LocationSerializer,
    )
    def patch(self, request: Request, location_id: UUID) -> Response:
        """Change a location, or close it once nothing lies there."""
        changes = edge.sent(shapes.LocationChangeSerializer, request)

        def run() -> tuple[int, bodies.Body]:
            row = locations.change(
                merchant_id=self.merchant.pk, location_id=location_id, changes=changes, now=timezone.now()
            )
            return 200, shapes.location(row)

        return http.write_once(request, run, tagged.location(self.merchant.pk, location_id))


class LevelsView(edge.PagedView):
    """What can be promised of all variants, and what lies where."""

    queryset = Stock.objects.none()
    serializer_class = shapes.LevelSerializer
    filterset_class = stockfilters.LevelFilter
    show = staticmethod(shapes.level)

    class pagination_class(http.CursorPagination):
        """Newest variants first."""

        ordering = "-variant_id"

    def get_queryset(self) -> QuerySet[Stock]:
        """Return the merchant's stock."""
        return queries.levels(merchant_id=self.merchant.pk)

    @extend_schema(tags=["Stock"], operation_id="stock_list", responses=shapes.LevelSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List what can be promised of your variants, newest variants first. Bundles have no stock."""
        return self.page(request)


class MovementsView(edge.PagedView):
    """The log of stock."""

    queryset = StockMovement.objects.none()
    serializer_class = shapes.LoggedMovementSerializer
    filterset_class = stockfilters.MovementFilter
    pagination_class = MomentPagination
    show = staticmethod(shapes.logged)

    def get_queryset(self) -> QuerySet[StockMovement]:
        """Return the merchant's movements."""
        return queries.movement_log(merchant_id=self.merchant.pk)

    @extend_schema(
        tags=["Stock"],
        operation_id="stock_movement_list",
        responses=shapes.LoggedMovementSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List all changes of stock other than sales, newest first: what, where, why and by whom."""
        return self.page(request)


class TransfersView(http.MerchantView):
    """Goods on their way from one location to another."""

    @extend_schema(
        tags=["Stock"],
        operation_id="stock_transfer",
        extensions=MAY_BE_MISSING,
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.TransferSerializer,
        responses={200: shapes.LevelSerializer(many=True)},
    )
    def post(self, request: Request) -> Response:
        """Move units from one location to another, all or none. What can be promised stays."""
        sent = edge.sent(shapes.TransferSerializer, request)
        who = edge.caller(request)

        def run() -> tuple[int, list[bodies.Body]]:
            units = _units(self.merchant.pk, sent["lines"])
            places.transfer(
                merchant_id=self.merchant.pk,
                origin=sent["from_location"],
                target=sent["to_location"],
                units=units,
                note=sent["note"],
                now=timezone.now(),
                by=who,
            )
            rows = queries.levels(merchant_id=self.merchant.pk).filter(pk__in=list(units)).order_by("pk")
            return 200, [shapes.level(row) for row in rows]

        return http.write_once(request, run)


def _units(merchant_id: UUID, lines: list[dict[str, Any]]) -> dict[UUID, int]:
    """Return the units per variant; raises UnknownGoods, ValidationError for one that comes twice."""
    skus = [line["sku"] for line in lines if "sku" in line]
    known = dict(Variant.objects.filter(merchant_id=merchant_id, sku__in=skus).values_list("sku", "pk"))
    units: dict[UUID, int] = {}
    for line in lines:
        pk = line["variant"] if "variant" in line else known.get(line["sku"])
        if pk is None:
            raise places.UnknownGoods(sku=line["sku"])
        if pk in units:
            raise serializers.ValidationError({"lines": ["A variant comes twice."]}, code="DUPLICATE_VARIANT")
        units[pk] = line["units"]
    return units
