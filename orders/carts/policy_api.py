"""HTTP door of a merchant's rules for carts: for how long goods are held, and for whom not."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from commerce import etags, http, schema
from orders.carts import bodies, policies, shapes
from orders.models import CartHolder, Hoarder


class PolicyView(http.MerchantView):
    """For how long the merchant's goods are held for a cart."""

    @extend_schema(
        tags=["Carts"],
        operation_id="cart_policy_get",
        responses=shapes.PolicySerializer,
        extensions=schema.MAY_BE_MISSING,
    )
    def get(self, request: Request) -> Response:
        return self.answer(self._about())

    @extend_schema(
        tags=["Carts"],
        operation_id="cart_policy_set",
        parameters=[schema.IDEMPOTENCY_KEY, schema.IF_MATCH],
        request=shapes.PolicySetSerializer,
        responses=shapes.PolicySerializer,
        description="Hold goods for carts from now on. What is held already keeps its end.",
    )
    def put(self, request: Request) -> Response:
        body = shapes.PolicySetSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked, now = body.validated_data, timezone.now()

        def put() -> tuple[int, Any]:
            policy = policies.set_policy(merchant_id=self.merchant.id, now=now, **asked)
            return 200, shapes.PolicySerializer(policy).data

        return http.write_once(request, put, self._about())

    @extend_schema(
        tags=["Carts"],
        operation_id="cart_policy_drop",
        parameters=[schema.IDEMPOTENCY_KEY, schema.IF_MATCH],
        responses={204: None},
        description="First paid, first served, from now on. What is held already keeps its end.",
    )
    def delete(self, request: Request) -> Response:
        def drop() -> tuple[int, None]:
            policies.drop_policy(merchant_id=self.merchant.id)
            return 204, None

        return http.write_once(request, drop, self._about())

    def _about(self) -> etags.Resource:
        merchant_id = self.merchant.id

        def look() -> Any:
            return shapes.PolicySerializer(policies.read(merchant_id=merchant_id)).data

        return etags.Resource(look, lambda: policies.lock(merchant_id), etags.of("hold_seconds"))


@extend_schema_view(
    get=extend_schema(
        tags=["Carts"],
        operation_id="cart_holder_list",
        description="Shoppers for whose carts goods of the merchant were held, newest first.",
    )
)
class HoldersView(http.MerchantView, generics.ListAPIView[CartHolder]):
    """For whom goods were held."""

    queryset = CartHolder.objects.none()  # For the schema; the real one starts from the caller.
    serializer_class = shapes.HolderSerializer
    pagination_class = http.CursorPagination

    def get_queryset(self) -> QuerySet[CartHolder]:
        return bodies.holders(merchant_id=self.merchant.id)


@extend_schema_view(
    get=extend_schema(tags=["Carts"], operation_id="hoarder_list", description="Newest first.")
)
class HoardersView(http.MerchantView, generics.ListAPIView[Hoarder]):
    """For whom nothing is held."""

    queryset = Hoarder.objects.none()  # For the schema; the real one starts from the caller.
    serializer_class = shapes.HoarderSerializer
    pagination_class = http.CursorPagination

    def get_queryset(self) -> QuerySet[Hoarder]:
        return Hoarder.objects.filter(merchant=self.merchant)


class HoarderView(http.MerchantView):
    """Whether goods are held for one shopper."""

    @extend_schema(
        tags=["Carts"],
        operation_id="hoarder_add",
        request=shapes.BarSerializer,
        responses=shapes.HoarderSerializer,
        description="Hold nothing more for this shopper's carts. Only those on the list of holders count.",
    )
    def put(self, request: Request, shopper_id: UUID) -> Response:
        body = shapes.BarSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        row = policies.bar(
            merchant_id=self.merchant.id,
            buyer_id=shopper_id,
            by_id=None,
            now=timezone.now(),
            **body.validated_data,
        )
        return Response(shapes.HoarderSerializer(row).data)

    @extend_schema(
        tags=["Carts"],
        operation_id="hoarder_remove",
        responses={204: None},
        description="Hold for this shopper's carts again.",
    )
    def delete(self, request: Request, shopper_id: UUID) -> Response:
        policies.pardon(merchant_id=self.merchant.id, buyer_id=shopper_id)
        return Response(status=204)
