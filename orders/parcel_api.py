"""HTTP doors of parcels, for merchants: acknowledged, sent, corrected, delivered."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.filters import Filters, TextFilter, TruthFilter
from catalog.views import edge
from commerce import etags, http
from commerce.moments import MomentFilter
from commerce.schema import IF_MATCH, MAY_BE_MISSING
from orders import conditions, doors, fulfilment, queries
from orders.models import Shipment
from orders.serializers import merchants, parcels


def _parcel(request: Request, sent: dict[str, Any]) -> dict[str, Any]:
    """Return a parcel that was sent as fulfilment is asked for it."""
    label = {name: sent[name] for name in fulfilment.Label.__slots__}
    return {
        "lines": [fulfilment.Packed(each["line"], each["quantity"]) for each in sent["lines"]],
        "label": fulfilment.Label(**label),
        "location": sent["location"],
        "by": edge.caller(request),
        "now": timezone.now(),
    }


def _done(request: Request, act: Callable[[], object], about: etags.Resource) -> Response:
    """Act on an order or a parcel once, and answer with how it looks then."""

    def run() -> tuple[int, object]:
        act()
        return 200, about.look()

    return http.write_once(request, run, about)


class AcknowledgeView(http.MerchantView):
    """Say that the merchant's system has an order."""

    @extend_schema(
        tags=["Orders"],
        operation_id="order_acknowledge",
        parameters=[doors.IDEMPOTENCY_KEY, IF_MATCH],
        request=parcels.AcknowledgeSerializer,
        responses=merchants.OrderSerializer,
        description="With your own number of it, if you like. Again changes the number alone.",
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        asked = edge.sent(parcels.AcknowledgeSerializer, request)
        of: dict[str, Any] = {"merchant_id": self.merchant.id, "order_id": order_id}
        act = partial(fulfilment.acknowledge, **of, **asked, now=timezone.now())
        return _done(request, act, conditions.order(**of))


class ShipView(http.MerchantView):
    """Send an order, or a part of it."""

    @extend_schema(
        tags=["Orders"],
        operation_id="order_ship",
        parameters=[doors.IDEMPOTENCY_KEY, IF_MATCH],
        request=parcels.ShipSerializer,
        responses=merchants.OrderSerializer,
        description="Record a parcel with `lines`, or without them all that is left, and tell the buyer. What"
        " is in it leaves `location`. The same parcel again changes nothing.",
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        asked = _parcel(request, edge.sent(parcels.ShipSerializer, request))
        of: dict[str, Any] = {"merchant_id": self.merchant.id, "order_id": order_id}
        return _done(request, partial(fulfilment.pack, **of, **asked), conditions.order(**of))


class ShipmentFilter(Filters):
    """Which of a merchant's parcels are listed."""

    order = filters.UUIDFilter(method="of_order")
    tracking_number = TextFilter()
    delivered = TruthFilter("delivered_at", lookup_expr="isnull", exclude=True)
    shipped_from = MomentFilter("shipped_at", lookup_expr="gte")
    shipped_before = MomentFilter("shipped_at", lookup_expr="lt")

    def of_order(self, rows: QuerySet[Shipment], name: str, value: UUID) -> QuerySet[Shipment]:
        """Narrow to the parcels that have something of an order."""
        return rows.filter(lines__order=value).distinct()


@extend_schema_view(
    get=extend_schema(tags=["Orders"], operation_id="shipment_list", description="Newest first.")
)
class ShipmentsView(http.MerchantView, generics.ListAPIView[Shipment]):
    """The merchant's parcels."""

    queryset = Shipment.objects.none()  # For the schema; the real one starts from the caller.
    serializer_class = parcels.ShipmentSerializer
    pagination_class = http.CursorPagination
    filterset_class = ShipmentFilter

    def get_queryset(self) -> QuerySet[Shipment]:
        return queries.shipments_of(merchant_id=self.merchant.id)

    @extend_schema(
        tags=["Orders"],
        operation_id="shipment_create",
        extensions=MAY_BE_MISSING,
        parameters=[doors.IDEMPOTENCY_KEY],
        request=parcels.SendSerializer,
        responses={201: parcels.ShipmentSerializer},
        description="One parcel with `lines` of one or several orders, or all that is left of `orders`."
        " Several orders are one buyer's, go to one address and are paid (`NOT_COMBINABLE`). The same"
        " parcel again changes nothing.",
    )
    def post(self, request: Request) -> Response:
        sent = edge.sent(parcels.SendSerializer, request)
        order_ids, asked = sent.pop("orders"), _parcel(request, sent)

        def send() -> tuple[int, object]:
            made = fulfilment.send(merchant_id=self.merchant.id, order_ids=order_ids, **asked)
            return 201, conditions.shipment(self.merchant.id, made.pk).look()

        return http.write_once(request, send)


class ShipmentView(http.MerchantView):
    """One of the merchant's parcels."""

    @extend_schema(tags=["Orders"], operation_id="shipment_get", responses=parcels.ShipmentSerializer)
    def get(self, request: Request, shipment_id: UUID) -> Response:
        return self.answer(conditions.shipment(self.merchant.id, shipment_id))

    @extend_schema(
        tags=["Orders"],
        operation_id="shipment_update",
        parameters=[doors.IDEMPOTENCY_KEY, IF_MATCH],
        request=parcels.RelabelSerializer,
        responses=parcels.ShipmentSerializer,
        description="Correct who carries it and how it is followed. The buyer is told.",
    )
    def patch(self, request: Request, shipment_id: UUID) -> Response:
        asked = edge.sent(parcels.RelabelSerializer, request)
        of: dict[str, Any] = {"merchant_id": self.merchant.id, "shipment_id": shipment_id}
        act = partial(fulfilment.relabel, **of, **asked, now=timezone.now())
        return _done(request, act, conditions.shipment(**of))


class DeliverView(http.MerchantView):
    """Say that a parcel is there."""

    @extend_schema(
        tags=["Orders"],
        operation_id="shipment_deliver",
        parameters=[doors.IDEMPOTENCY_KEY, IF_MATCH],
        request=parcels.DeliverSerializer,
        responses=parcels.ShipmentSerializer,
        description="From your carrier's system, by default now. The first word counts. An order is delivered"
        " when all of it is.",
    )
    def post(self, request: Request, shipment_id: UUID) -> Response:
        asked = edge.sent(parcels.DeliverSerializer, request)
        of: dict[str, Any] = {"merchant_id": self.merchant.id, "shipment_id": shipment_id}
        act = partial(fulfilment.deliver, **of, **asked, now=timezone.now())
        return _done(request, act, conditions.shipment(**of))
