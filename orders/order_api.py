"""HTTP doors of a merchant's orders: listed, filtered, combined, exported."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.filters import Filters, TextFilter, TruthFilter
from commerce import http, paging
from commerce.moments import MomentFilter
from orders import combining, conditions, exporting, queries, slips
from orders.models import Cancellation, Order, OrderLine, OrderMove
from orders.serializers import merchants

PDF = {(200, "application/pdf"): OpenApiTypes.BINARY}


class OrderFilter(Filters):
    """Which of a merchant's orders are listed."""

    status = filters.ChoiceFilter(
        choices=[(each.value, each.label) for each in Order.Status if each != Order.Status.PENDING]
    )
    acknowledged = TruthFilter(
        "acknowledged_at",
        lookup_expr="isnull",
        exclude=True,
        help_text="false: what your system has not said yet that it has.",
    )
    reference = TextFilter(help_text="Your own number of it.")
    stream = TextFilter("purchase__stream__slug", help_text="The show it was bought in.")
    sku = TextFilter(method="of_sku", help_text="A line has it.")
    q = TextFilter(
        method="of_number", help_text="The id of an order or a purchase, your own number, or a parcel's."
    )
    cancellation = filters.ChoiceFilter(
        field_name="cancellation__status",
        choices=Cancellation.Status.choices,
        help_text="Whose buyer asked to cancel.",
    )
    created_from = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")
    paid_from = MomentFilter(
        method="opened_from", help_text="It became yours to send, as it was paid, then or later."
    )
    paid_before = MomentFilter(method="opened_before")
    updated_since = MomentFilter(
        "updated_at",
        lookup_expr="gte",
        help_text="Changed then or later; the list begins with what changed first.",
    )

    def of_sku(self, rows: QuerySet[Order], name: str, value: str) -> QuerySet[Order]:
        """Narrow to orders of a SKU."""
        return rows.filter(pk__in=OrderLine.objects.filter(sku=value).values("order"))

    def of_number(self, rows: QuerySet[Order], name: str, value: str) -> QuerySet[Order]:
        """Narrow to orders that are known by a number."""
        return queries.by_number(rows, merchant_id=self.request.auth.merchant_id, text=value)

    def opened_from(self, rows: QuerySet[Order], name: str, value: datetime) -> QuerySet[Order]:
        """Narrow to orders that were opened then or later."""
        return rows.filter(pk__in=_opened().filter(at__gte=value).values("order"))

    def opened_before(self, rows: QuerySet[Order], name: str, value: datetime) -> QuerySet[Order]:
        """Narrow to orders that were opened before."""
        return rows.filter(pk__in=_opened().filter(at__lt=value).values("order"))


def _opened() -> QuerySet[OrderMove]:
    return OrderMove.objects.filter(new=Order.Status.OPEN)


class OrderPages(http.CursorPagination):
    """Newest first; with `updated_since` what changed first, so that what changes meanwhile comes again."""

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        """Return what the pages are ordered by."""
        return ("updated_at", "id") if "updated_since" in request.query_params else ("-id",)


@extend_schema_view(
    get=extend_schema(
        tags=["Orders"],
        operation_id="order_list",
        description="Paid orders, newest first; with `updated_since` those first that changed first.",
    )
)
class OrdersView(http.MerchantView, generics.ListAPIView[Order]):
    """The merchant's orders."""

    queryset = Order.objects.none()  # For the schema; the real one starts from the caller.
    serializer_class = merchants.OrderSerializer
    pagination_class = OrderPages
    filterset_class = OrderFilter

    def get_queryset(self) -> QuerySet[Order]:
        return queries.orders_of(merchant_id=self.merchant.id)


class OrderView(http.MerchantView):
    """One of the merchant's orders."""

    @extend_schema(tags=["Orders"], operation_id="order_get", responses=merchants.OrderSerializer)
    def get(self, request: Request, order_id: UUID) -> Response:
        return self.answer(conditions.order(self.merchant.id, order_id))


class SlipView(http.MerchantView):
    """A packing slip."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Take any Accept header: a PDF is what there is."""
        return super().perform_content_negotiation(request, force=True)

    def sent(self, content: bytes, name: UUID) -> HttpResponse:
        """Return the file, to be shown."""
        headers = {"Content-Disposition": f'inline; filename="packing-slip-{name}.pdf"'}
        return HttpResponse(content, content_type="application/pdf", headers=headers)


class OrderSlipView(SlipView):
    """The packing slip of what is to go out of an order."""

    @extend_schema(
        tags=["Orders"],
        operation_id="order_packing_slip",
        responses=PDF,
        description="Without prices. Of an order that went out: of all of it.",
    )
    def get(self, request: Request, order_id: UUID) -> HttpResponse:
        return self.sent(slips.of_order(merchant_id=self.merchant.id, order_id=order_id), order_id)


class ShipmentSlipView(SlipView):
    """The packing slip of a parcel."""

    @extend_schema(
        tags=["Orders"],
        operation_id="shipment_packing_slip",
        responses=PDF,
        description="Without prices: what is in it, order by order, what was sent apart and what follows.",
    )
    def get(self, request: Request, shipment_id: UUID) -> HttpResponse:
        content = slips.of_shipment(merchant_id=self.merchant.id, shipment_id=shipment_id)
        return self.sent(content, shipment_id)


class CombinableFilter(Filters):
    """Of which show."""

    stream = TextFilter(method="of_show", help_text="Only orders that were bought in that show.")

    def of_show(self, rows: QuerySet[Order], name: str, value: str) -> QuerySet[Order]:
        """Narrow nothing: what is looked at is that show's already."""
        return rows


class CombinableView(http.MerchantView, paging.PagedView):
    """Orders that may go out in one parcel."""

    queryset = Order.objects.none()  # For the schema; the real one starts from the caller.
    filterset_class = CombinableFilter
    show = staticmethod(combining.body)

    def get_queryset(self) -> QuerySet[Order]:
        return combining.groups(
            merchant_id=self.merchant.id, stream=self.request.query_params.get("stream") or None
        )

    def paginate_queryset(self, queryset: Any) -> list[Any]:
        """Return the page's groups with all of their orders."""
        page = super().paginate_queryset(queryset) or []
        return combining.fill(page, stream=self.request.query_params.get("stream") or None)

    @extend_schema(
        tags=["Orders"],
        operation_id="order_combinable_list",
        responses=merchants.CombinableSerializer(many=True),
        description="One entry per buyer and address with several paid orders of which something is to go"
        " out. Send them by `POST /shipments`.",
    )
    def get(self, request: Request) -> Response:
        return self.page(request)


class ExportFilter(OrderFilter):
    """Which of a merchant's orders are in the file, and of what kind it is."""

    format = filters.ChoiceFilter(choices=[("csv", "CSV"), ("jsonl", "JSON Lines")], method="as_file")

    def as_file(self, rows: QuerySet[Order], name: str, value: str) -> QuerySet[Order]:
        """Narrow nothing: it says how the rows are written."""
        return rows


class OrderExportView(http.MerchantView, generics.GenericAPIView[Order]):
    """The merchant's orders as a file."""

    queryset = Order.objects.none()  # For the schema; the real one starts from the caller.
    filterset_class = ExportFilter
    pagination_class = None

    def get_queryset(self) -> QuerySet[Order]:
        return queries.orders_of(merchant_id=self.merchant.id)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Take any Accept header: `format` says what comes."""
        return super().perform_content_negotiation(request, force=True)

    @extend_schema(
        tags=["Orders"],
        operation_id="order_export",
        responses={
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "The file."),
            (200, "application/jsonl"): OpenApiResponse(OpenApiTypes.STR, "The file."),
        },
        description="A row per order line, newest orders first, with the filters of the list. `format` is"
        " `csv`, in which cells that a spreadsheet would run begin with an apostrophe, or `jsonl`.",
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        rows = self.filter_queryset(self.get_queryset())
        kind = exporting.KINDS[request.query_params.get("format") or "csv"]
        # The server takes parts as the caller does: an iterator of the other kind would be read in one go.
        later = isinstance(request._request, ASGIRequest)
        return StreamingHttpResponse(
            _later(rows, kind) if later else _now(rows, kind),
            content_type=kind.media_type,
            headers={"Content-Disposition": f'attachment; filename="orders.{kind.suffix}"'},
        )


def _now(rows: QuerySet[Order], kind: exporting.Kind) -> Iterator[bytes]:
    yield kind.head()
    after: UUID | None = None
    while (part := exporting.part(rows, kind, after=after)).last is not None:
        yield part.text
        after = part.last


async def _later(rows: QuerySet[Order], kind: exporting.Kind) -> AsyncIterator[bytes]:
    yield kind.head()
    after: UUID | None = None
    while (part := await sync_to_async(exporting.part)(rows, kind, after=after)).last is not None:
        yield part.text
        after = part.last
