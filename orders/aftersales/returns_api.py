"""HTTP doors of returns, for merchants."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.filters import Filters
from commerce import etags, http, paging
from commerce.moments import MomentFilter
from commerce.schema import IF_MATCH
from orders import claims, doors
from orders.aftersales import returning, shapes
from orders.aftersales.api import MERCHANT, money_of
from orders.models import Return
from orders.serializers.shown import ReturnSerializer


def _about(merchant_id: UUID, return_id: UUID) -> etags.Resource:
    def look() -> Any:
        return claims.goods_back(returning.of_merchant(merchant_id=merchant_id, return_id=return_id))

    return etags.Resource(look, lambda: returning.lock(merchant_id, return_id))


class ReturnFilter(Filters):
    """Which of a merchant's returns are listed."""

    status = filters.ChoiceFilter(choices=Return.Status.choices)
    reason = filters.ChoiceFilter(choices=Return.Reason.choices)
    order = filters.UUIDFilter("order_id")
    created_from = MomentFilter("created_at", lookup_expr="gte")
    created_before = MomentFilter("created_at", lookup_expr="lt")


class ReturnsView(http.MerchantView, paging.PagedView):
    """Goods that come back to the merchant."""

    queryset = Return.objects.none()  # For the schema; the real one starts from the caller.
    filterset_class = ReturnFilter
    show = staticmethod(claims.goods_back)

    def get_queryset(self) -> QuerySet[Return]:
        return Return.objects.filter(merchant=self.merchant).prefetch_related("lines")

    @extend_schema(
        tags=["Returns"],
        operation_id="return_list",
        responses=ReturnSerializer(many=True),
        description="Newest first.",
    )
    def get(self, request: Request) -> Response:
        return self.page(request)


class ReturnView(http.MerchantView):
    """One return."""

    @extend_schema(tags=["Returns"], operation_id="return_get", responses=ReturnSerializer)
    def get(self, request: Request, return_id: UUID) -> Response:
        return self.answer(_about(self.merchant.id, return_id))


class AnswerReturnView(http.MerchantView):
    """What the merchant answers a buyer who wants to send goods back."""

    verb: Callable[..., Return]

    @extend_schema(
        tags=["Returns"],
        parameters=[doors.IDEMPOTENCY_KEY, IF_MATCH],
        request=shapes.ClaimAnswerSerializer,
        responses=ReturnSerializer,
    )
    def post(self, request: Request, return_id: UUID) -> Response:
        body = shapes.ClaimAnswerSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked, now = body.validated_data, timezone.now()

        def answer() -> tuple[int, object]:
            row = self.verb(
                merchant_id=self.merchant.id, return_id=return_id, actor=MERCHANT, now=now, **asked
            )
            return 200, claims.goods_back(row)

        return http.write_once(request, answer, _about(self.merchant.id, return_id))


@extend_schema_view(post=extend_schema(operation_id="return_approve"))
class ApproveReturnView(AnswerReturnView):
    """Let the goods come."""

    verb = staticmethod(returning.approve)


@extend_schema_view(post=extend_schema(operation_id="return_refuse"))
class RefuseReturnView(AnswerReturnView):
    """Say no."""

    verb = staticmethod(returning.refuse)


class ReceiveReturnView(http.MerchantView):
    """The goods are there."""

    @extend_schema(
        tags=["Returns"],
        operation_id="return_receive",
        parameters=[doors.IDEMPOTENCY_KEY, IF_MATCH],
        request=None,
        responses=ReturnSerializer,
    )
    def post(self, request: Request, return_id: UUID) -> Response:
        now = timezone.now()

        def receive() -> tuple[int, object]:
            row = returning.receive(
                merchant_id=self.merchant.id, return_id=return_id, actor=MERCHANT, now=now
            )
            return 200, claims.goods_back(row)

        return http.write_once(request, receive, _about(self.merchant.id, return_id))


class RefundReturnView(http.MerchantView):
    """Give the money back for a return."""

    @extend_schema(
        tags=["Returns"],
        operation_id="return_refund",
        parameters=[doors.IDEMPOTENCY_KEY, IF_MATCH],
        request=shapes.ReturnRefundSerializer,
        responses=ReturnSerializer,
        description="Once, and also for goods that need not come back. Restocked is only what was received.",
    )
    def post(self, request: Request, return_id: UUID) -> Response:
        body = shapes.ReturnRefundSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked, now = body.validated_data, timezone.now()

        def refund() -> tuple[int, object]:
            row = returning.refund(
                merchant_id=self.merchant.id,
                return_id=return_id,
                restock=asked["restock"],
                amount=money_of(asked["amount"]),
                actor=MERCHANT,
                now=now,
            )
            return 200, claims.goods_back(row)

        return http.write_once(request, refund, _about(self.merchant.id, return_id))
