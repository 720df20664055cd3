"""HTTP door of a merchant's shipping zones and tax rates."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from commerce import etags, http, paging, schema
from orders.models import ShippingZone, TaxRate
from orders.tariffs import keeping, shapes


class ZonesView(http.MerchantView, paging.PagedView):
    """Where the merchant ships."""

    queryset = ShippingZone.objects.none()  # For the schema; the real one starts from the caller.
    serializer_class = shapes.ShippingZoneSetSerializer  # What OPTIONS describes.
    show = staticmethod(shapes.zone)

    def get_queryset(self) -> QuerySet[ShippingZone]:
        return keeping.zones(merchant_id=self.merchant.id)

    @extend_schema(
        tags=["Tax and shipping"],
        operation_id="shipping_zone_list",
        responses=shapes.ShippingZoneSerializer(many=True),
        description="Newest first. Without any, parcels cost nothing and go anywhere.",
    )
    def get(self, request: Request) -> Response:
        return self.page(request)

    @extend_schema(
        tags=["Tax and shipping"],
        operation_id="shipping_zone_create",
        parameters=[schema.IDEMPOTENCY_KEY],
        request=shapes.ShippingZoneSetSerializer,
        responses={201: shapes.ShippingZoneSerializer},
        description="From the first zone on, nothing is sold to countries that no zone is for.",
    )
    def post(self, request: Request) -> Response:
        body = shapes.ShippingZoneSetSerializer(data=request.data)
        body.is_valid(raise_exception=True)

        def add() -> tuple[int, Any]:
            row = keeping.add_zone(merchant_id=self.merchant.id, new=body.zone(), now=timezone.now())
            return 201, shapes.zone(row)

        return http.write_once(request, add)


class ZoneView(http.MerchantView):
    """One of the merchant's zones."""

    @extend_schema(
        tags=["Tax and shipping"], operation_id="shipping_zone_get", responses=shapes.ShippingZoneSerializer
    )
    def get(self, request: Request, zone_id: UUID) -> Response:
        return self.answer(self._about(zone_id))

    @extend_schema(
        tags=["Tax and shipping"],
        operation_id="shipping_zone_set",
        parameters=[schema.IDEMPOTENCY_KEY, schema.IF_MATCH],
        request=shapes.ShippingZoneSetSerializer,
        responses=shapes.ShippingZoneSerializer,
        description="Make it what is sent, all of it. Counts for what is bought from then on.",
    )
    def put(self, request: Request, zone_id: UUID) -> Response:
        body = shapes.ShippingZoneSetSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        new, now = body.zone(), timezone.now()

        def put() -> tuple[int, Any]:
            row = keeping.change_zone(merchant_id=self.merchant.id, zone_id=zone_id, new=new, now=now)
            return 200, shapes.zone(row)

        return http.write_once(request, put, self._about(zone_id))

    @extend_schema(
        tags=["Tax and shipping"],
        operation_id="shipping_zone_drop",
        parameters=[schema.IDEMPOTENCY_KEY, schema.IF_MATCH],
        responses={204: None},
    )
    def delete(self, request: Request, zone_id: UUID) -> Response:
        def drop() -> tuple[int, None]:
            keeping.drop_zone(merchant_id=self.merchant.id, zone_id=zone_id)
            return 204, None

        return http.write_once(request, drop, self._about(zone_id))

    def _about(self, zone_id: UUID) -> etags.Resource:
        merchant_id = self.merchant.id

        def look() -> Any:
            return shapes.zone(keeping.zone(merchant_id=merchant_id, zone_id=zone_id))

        return etags.Resource(look, lambda: keeping.lock(merchant_id))


@extend_schema_view(
    get=extend_schema(
        tags=["Tax and shipping"],
        operation_id="tax_rate_list",
        description="Newest first, those of the past as well. Without any, nothing is taxed.",
    )
)
class TaxRatesView(http.MerchantView, generics.ListAPIView[TaxRate]):
    """How the merchant's sales are taxed."""

    queryset = TaxRate.objects.none()  # For the schema; the real one starts from the caller.
    serializer_class = shapes.TaxRateSerializer
    pagination_class = http.CursorPagination

    def get_queryset(self) -> QuerySet[TaxRate]:
        return keeping.tax_rates(merchant_id=self.merchant.id)

    @extend_schema(
        tags=["Tax and shipping"],
        operation_id="tax_rate_create",
        parameters=[schema.IDEMPOTENCY_KEY],
        request=shapes.TaxRateSetSerializer,
        responses={201: shapes.TaxRateSerializer},
    )
    def post(self, request: Request) -> Response:
        body = shapes.TaxRateSetSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        new = keeping.Tax(**body.validated_data)

        def add() -> tuple[int, Any]:
            row = keeping.add_tax(merchant_id=self.merchant.id, new=new, now=timezone.now())
            return 201, shapes.TaxRateSerializer(row).data

        return http.write_once(request, add)


class TaxRateView(http.MerchantView):
    """One of the merchant's tax rates."""

    @extend_schema(tags=["Tax and shipping"], operation_id="tax_rate_get", responses=shapes.TaxRateSerializer)
    def get(self, request: Request, rate_id: UUID) -> Response:
        return self.answer(self._about(rate_id))

    @extend_schema(
        tags=["Tax and shipping"],
        operation_id="tax_rate_set",
        parameters=[schema.IDEMPOTENCY_KEY, schema.IF_MATCH],
        request=shapes.TaxRateSetSerializer,
        responses=shapes.TaxRateSerializer,
        description="Make it what is sent, all of it. Counts for what is bought from then on.",
    )
    def put(self, request: Request, rate_id: UUID) -> Response:
        body = shapes.TaxRateSetSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        new = keeping.Tax(**body.validated_data)

        def put() -> tuple[int, Any]:
            row = keeping.change_tax(merchant_id=self.merchant.id, rate_id=rate_id, new=new)
            return 200, shapes.TaxRateSerializer(row).data

        return http.write_once(request, put, self._about(rate_id))

    @extend_schema(
        tags=["Tax and shipping"],
        operation_id="tax_rate_drop",
        parameters=[schema.IDEMPOTENCY_KEY, schema.IF_MATCH],
        responses={204: None},
    )
    def delete(self, request: Request, rate_id: UUID) -> Response:
        def drop() -> tuple[int, None]:
            keeping.drop_tax(merchant_id=self.merchant.id, rate_id=rate_id)
            return 204, None

        return http.write_once(request, drop, self._about(rate_id))

    def _about(self, rate_id: UUID) -> etags.Resource:
        merchant_id = self.merchant.id

        def look() -> Any:
            return shapes.TaxRateSerializer(keeping.tax_rate(merchant_id=merchant_id, rate_id=rate_id)).data

        return etags.Resource(look, lambda: keeping.lock(merchant_id))


class TaxPolicyView(http.MerchantView):
    """Whether the merchant's prices contain tax."""

    @extend_schema(
        tags=["Tax and shipping"], operation_id="tax_policy_get", responses=shapes.TaxPolicySerializer
    )
    def get(self, request: Request) -> Response:
        return self.answer(self._about())

    @extend_schema(
        tags=["Tax and shipping"],
        operation_id="tax_policy_set",
        parameters=[schema.IDEMPOTENCY_KEY, schema.IF_MATCH],
        request=shapes.TaxPolicySerializer,
        responses=shapes.TaxPolicySerializer,
        description="Counts for what is bought from then on.",
    )
    def put(self, request: Request) -> Response:
        body = shapes.TaxPolicySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked, now = dict(body.validated_data), timezone.now()

        def put() -> tuple[int, Any]:
            keeping.set_policy(merchant_id=self.merchant.id, now=now, **asked)
            return 200, asked

        return http.write_once(request, put, self._about())

    def _about(self) -> etags.Resource:
        merchant_id = self.merchant.id

        def look() -> Any:
            return {"prices_include_tax": keeping.prices_include_tax(merchant_id=merchant_id)}

        return etags.Resource(look, lambda: keeping.lock(merchant_id))
