"""HTTP doors of statements: a merchant's, and a host's own."""

from datetime import datetime

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from commerce import http, strict
from orders.books import statements
from streams.studio.api import HostView

PERIOD = [
    OpenApiParameter("since", OpenApiTypes.DATETIME, required=True, description="From then on."),
    OpenApiParameter("until", OpenApiTypes.DATETIME, required=True, description="Not any more."),
]
CSV = {(200, "text/csv"): OpenApiTypes.STR}


class PeriodSerializer(strict.StrictSerializer):
    """From when to when. A time without a zone is taken as UTC."""

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
