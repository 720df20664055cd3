"""HTTP doors of statements and disputes: a merchant's, and a host's own."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.filters import Filters
from commerce import http, paging, strict
from commerce.money import Money
from orders import disputes, statements
from orders.models import Dispute
from orders.serializers import MoneySerializer
from streams.bodies import unix_ms
from streams.studio_api import HostView

PERIOD = [
    OpenApiParameter("since", OpenApiTypes.DATETIME, required=True, description="From then on."),
    OpenApiParameter("until", OpenApiTypes.DATETIME, required=True, description="Not any more."),
]
CSV = {(200, "text/csv"): OpenApiTypes.STR}


class PeriodSerializer(strict.StrictSerializer):
    """From when to when; a time zone is asked for, as nobody's own is meant."""

    since = serializers.DateTimeField()
    until = serializers.DateTimeField()


def _period(request: Request) -> tuple[datetime, datetime]:
    asked = PeriodSerializer(data=request.query_params.dict())
    asked.is_valid(raise_exception=True)
    return asked.validated_data["since"], asked.validated_data["until"]


def _file(text: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)


class StatementView(http.MerchantView):
    """What the merchant is owed."""

    @extend_schema(
        tags=["Orders"],
        operation_id="statement_get",
        parameters=PERIOD,
        responses=CSV,
        description="A CSV file with opening and closing balance per currency. What was posted in the last"
        " minute may still grow: ask for times that are over.",
    )
    def get(self, request: Request) -> HttpResponse:
        since, until = _period(request)
        text = statements.of_merchant(merchant_id=self.merchant.id, since=since, until=until)
        return _file(text, f"statement-{self.merchant.slug}-{since:%Y%m%d}-{until:%Y%m%d}.csv")


@extend_schema(exclude=True)
class HostStatementView(HostView):
    """What the host is owed."""

    def get(self, request: Request) -> HttpResponse:
        since, until = _period(request)
        text = statements.of_host(host_id=self.host_id, since=since, until=until)
        return _file(text, f"commission-{since:%Y%m%d}-{until:%Y%m%d}.csv")


class DisputeSerializer(serializers.Serializer[Any]):
    """A charge that the buyer's bank wants back. Of a purchase from several merchants it is the whole."""

    id = serializers.UUIDField()
    order = serializers.UUIDField()
    amount = MoneySerializer()
    reason = serializers.CharField()
    status = serializers.CharField(help_text="As the payment provider has it: needs_response, won, lost, ...")
    due_at = serializers.IntegerField(allow_null=True, help_text="Unix milliseconds; evidence until then.")
    yours = MoneySerializer(help_text="What it took of what you are owed.")
    created_at = serializers.IntegerField(help_text="Unix milliseconds.")


class DisputeFilter(Filters):
    """Which disputes are listed."""

    status = filters.CharFilter(max_length=30)


class DisputesView(http.MerchantView, paging.PagedView):
    """Disputes of what the merchant sold."""

    queryset = Dispute.objects.none()  # For the schema; the real one starts from the caller.
    filterset_class = DisputeFilter

    def get_queryset(self) -> QuerySet[Dispute]:
        return disputes.of_merchant(merchant_id=self.merchant.id)

    @staticmethod
    def show(row: Any) -> dict[str, Any]:
        """Render one dispute."""
        return {
            "id": str(row.id),
            "order": str(row.order_id),
            "amount": Money(row.amount, row.currency).as_dict(),
            "reason": row.reason,
            "status": row.status,
            "due_at": unix_ms(row.due_at) if row.due_at else None,
            "yours": Money(row.yours, row.currency).as_dict(),
            "created_at": unix_ms(row.created_at),
        }

    @extend_schema(
        tags=["Orders"],
        operation_id="dispute_list",
        responses=DisputeSerializer(many=True),
        description="Newest first.",
    )
    def get(self, request: Request) -> Response:
        return self.page(request)
