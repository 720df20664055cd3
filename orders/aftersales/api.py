"""HTTP doors of cancelling, refunds, returns and disputes: a buyer's, and her merchant's."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.filters import Filters, TextFilter
from commerce import etags, http, paging
from commerce.models import Merchant
from commerce.moments import MomentFilter
from commerce.money import Money
from commerce.schema import IF_MATCH
from orders import conditions, doors, queries
from orders.aftersales import cancelling, disputes, refunding, returning, shapes
from orders.models import Dispute, Refund, Return
from orders.serializers.merchants import OrderSerializer
from orders.serializers.shown import PurchaseSerializer

MERCHANT = refunding.Actor(Refund.By.MERCHANT)


def _units(lines: list[dict[str, Any]]) -> list[refunding.Wanted]:
    return [refunding.Wanted(each["line"], each["quantity"]) for each in lines]


def money_of(amount: dict[str, Any] | None) -> Money | None:
    """Return an amount as it was sent."""
    return Money(amount["amount"], amount["currency"]) if amount else None


# --- buyers ---


class CancelView(http.ShopperView):
    """Cancel one merchant's part of a purchase."""

    @extend_schema(
        tags=["Purchases"],
        operation_id="purchase_cancel",
        request=shapes.CancelSerializer,
        responses=PurchaseSerializer,
        description="Until `cancel_until` the money goes back at once. Later its merchant is asked.",
    )
    def post(self, request: Request, purchase_id: UUID, order_id: UUID) -> Response:
        body = shapes.CancelSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        cancelling.cancel_by_buyer(
            buyer_id=doors.buyer_of(request),
            purchase_id=purchase_id,
            order_id=order_id,
            now=timezone.now(),
            **body.validated_data,
        )
        return Response(queries.purchase_body(purchase_id))


class AskReturnView(http.ShopperView):
    """Ask to send goods back."""

    @extend_schema(
        tags=["Purchases"],
        operation_id="purchase_return",
        parameters=[doors.IDEMPOTENCY_KEY],
        request=shapes.AskReturnSerializer,
        responses={201: PurchaseSerializer},
        description="Of a shipped order, until `return_until`. Its merchant approves or refuses.",
    )
    def post(self, request: Request, purchase_id: UUID, order_id: UUID) -> Response:
        body = shapes.AskReturnSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked, buyer_id, now = body.validated_data, doors.buyer_of(request), timezone.now()

        def ask() -> tuple[int, object]:
            returning.ask(
                buyer_id=buyer_id,
                purchase_id=purchase_id,
                order_id=order_id,
                lines=_units(asked["lines"]),
                reason=Return.Reason(asked["reason"]),
                note=asked["note"],
                now=now,
            )
            return 201, queries.purchase_body(purchase_id)

        return http.write_once(request, ask)


# --- merchants ---


class WindowsView(http.MerchantView):
    """Until when buyers may cancel by themselves, and send back."""

    @extend_schema(tags=["Orders"], operation_id="return_policy_get", responses=shapes.WindowsSerializer)
    def get(self, request: Request) -> Response:
        return self.answer(self._about())

    @extend_schema(
        tags=["Orders"],
        operation_id="return_policy_set",
        parameters=[doors.IDEMPOTENCY_KEY, IF_MATCH],
        request=shapes.WindowsSetSerializer,
        responses=shapes.WindowsSerializer,
        description="Counts at once, also for what was bought before.",
    )
    def put(self, request: Request) -> Response:
        body = shapes.WindowsSetSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        about = self._about()

        def put() -> tuple[int, Any]:
            cancelling.set_windows(merchant_id=self.merchant.id, **body.validated_data)
            return 200, about.look()

        return http.write_once(request, put, about)

    def _about(self) -> etags.Resource:
        rows = Merchant.objects.filter(pk=self.merchant.id)

        def look() -> Any:
            return shapes.WindowsSerializer(rows.get()).data

        return etags.Resource(look, lambda: rows.select_for_update(no_key=True).get())


class RefundFilter(Filters):
    """Which of a merchant's refunds are listed."""

    kind = filters.ChoiceFilter(choices=Refund.Kind.choices)
    order = filters.UUIDFilter("order_id")
    created_from = MomentFilter("created_at", lookup_expr="gte")
    created_before = MomentFilter("created_at", lookup_expr="lt")


class RefundsView(http.MerchantView, paging.PagedView):
    """The merchant's refunds."""

    queryset = Refund.objects.none()  # For the schema; the real one starts from the caller.
    filterset_class = RefundFilter
    show = staticmethod(shapes.merchant_refund)

    def get_queryset(self) -> QuerySet[Refund]:
        return refunding.of_merchant(merchant_id=self.merchant.id)

    @extend_schema(
        tags=["Orders"],
        operation_id="refund_list",
        responses=shapes.MerchantRefundSerializer(many=True),
        description="Newest first.",
    )
    def get(self, request: Request) -> Response:
        return self.page(request)


class OrderRefundsView(http.MerchantView):
    """Give money back for an order."""

    @extend_schema(
        tags=["Orders"],
        operation_id="order_refund",
        parameters=[doors.IDEMPOTENCY_KEY, IF_MATCH],
        request=shapes.RefundSetSerializer,
        responses={201: shapes.MerchantRefundSerializer},
        description="For units, for units and a smaller amount, an amount alone, or all that is left. Buyer,"
        " host and platform are settled with it. Send an Idempotency-Key: without one it counts twice.",
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        body = shapes.RefundSetSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked, now = body.validated_data, timezone.now()

        def refund() -> tuple[int, object]:
            row = refunding.refund(
                merchant_id=self.merchant.id,
                order_id=order_id,
                reason=asked["reason"],
                actor=MERCHANT,
                now=now,
                lines=_units(asked["lines"]),
                amount=money_of(asked["amount"]),
                restock=asked["restock"],
            )
            return 201, shapes.merchant_refund(row)

        return http.write_once(request, refund, conditions.order(self.merchant.id, order_id))


class OrderCancelView(http.MerchantView):
    """Cancel an order that was not shipped."""

    @extend_schema(
        tags=["Orders"],
        operation_id="order_cancel",
        parameters=[doors.IDEMPOTENCY_KEY, IF_MATCH],
        request=shapes.MerchantCancelSerializer,
        responses=OrderSerializer,
        description="The buyer gets her money back, whether she asked or not. Again changes nothing.",
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        body = shapes.MerchantCancelSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        now = timezone.now()

        def cancel() -> tuple[int, object]:
            cancelling.cancel_by_merchant(
                merchant_id=self.merchant.id,
                order_id=order_id,
                actor=MERCHANT,
                now=now,
                **body.validated_data,
            )
            row = queries.order_of(merchant_id=self.merchant.id, order_id=order_id)
            return 200, OrderSerializer(row).data

        return http.write_once(request, cancel, conditions.order(self.merchant.id, order_id))


class RefuseCancellationView(http.MerchantView):
    """Do not cancel an order whose buyer asked for it."""

    @extend_schema(
        tags=["Orders"],
        operation_id="order_cancellation_refuse",
        parameters=[doors.IDEMPOTENCY_KEY, IF_MATCH],
        request=shapes.ClaimAnswerSerializer,
        responses=OrderSerializer,
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        body = shapes.ClaimAnswerSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        about, now = conditions.order(self.merchant.id, order_id), timezone.now()

        def refuse() -> tuple[int, object]:
            cancelling.refuse(merchant_id=self.merchant.id, order_id=order_id, now=now, **body.validated_data)
            return 200, about.look()

        return http.write_once(request, refuse, about)


class DisputeFilter(Filters):
    """Which disputes are listed."""

    status = TextFilter(help_text="In the provider's words.")


class DisputesView(http.MerchantView, paging.PagedView):
    """Disputes of what the merchant sold."""

    queryset = Dispute.objects.none()  # For the schema; the real one starts from the caller.
    filterset_class = DisputeFilter
    show = staticmethod(shapes.dispute)

    def get_queryset(self) -> QuerySet[Dispute]:
        return disputes.of_merchant(merchant_id=self.merchant.id)

    @extend_schema(
        tags=["Orders"],
        operation_id="dispute_list",
        responses=shapes.DisputeSerializer(many=True),
        description="Newest first.",
    )
    def get(self, request: Request) -> Response:
        return self.page(request)
