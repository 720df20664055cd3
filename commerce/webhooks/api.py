"""HTTP doors of webhooks, for merchants' systems; rows start from the merchant of the key."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework.request import Request
from rest_framework.response import Response

from commerce import etags, http, paging, throttles
from commerce.models import WebhookDelivery, WebhookEndpoint
from commerce.moments import MomentFilter
from commerce.schema import IDEMPOTENCY_KEY, IF_MATCH
from commerce.webhooks import deliveries, endpoints, shapes

TESTS_PER_MINUTE = 10
WINDOW_SECONDS = 60


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": 80})
class ObjectFilter(filters.CharFilter):  # type: ignore[misc]  # django-filter ships no types
    """A filter by what a message is about."""


class DeliveryFilter(filters.FilterSet):  # type: ignore[misc]  # django-filter ships no types
    """Which of a merchant's deliveries are listed; a filter without a value is refused."""

    endpoint = filters.UUIDFilter("endpoint_id")
    status = filters.ChoiceFilter(choices=WebhookDelivery.Status.choices)
    type = filters.ChoiceFilter("message__type", choices=shapes.DELIVERY_TYPES)
    object = ObjectFilter("object_id", max_length=80)
    occurred_from = MomentFilter("message__occurred_at", lookup_expr="gte")
    occurred_before = MomentFilter("message__occurred_at", lookup_expr="lt")

    def is_valid(self) -> bool:
        """Tell whether every filter that is named has a value that can be read."""
        valid = bool(super().is_valid())
        blank = [name for name in self.filters if self.data.get(name) == ""]
        for name in blank:
            self.form.add_error(name, ValidationError("Name a value, or leave the filter out.", code="blank"))
        return valid and not blank


class EndpointsView(http.MerchantView, paging.PagedView):
    """The merchant's endpoints."""

    queryset = WebhookEndpoint.objects.none()  # For the schema; the real one starts from the caller.
    filter_backends = ()
    serializer_class = shapes.EndpointSerializer
    show = staticmethod(shapes.endpoint)

    def get_queryset(self) -> QuerySet[WebhookEndpoint]:
        return endpoints.of_merchant(merchant_id=self.merchant.id)

    @extend_schema(
        tags=["Webhooks"],
        operation_id="webhook_endpoint_list",
        responses=shapes.EndpointSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List endpoints, newest first."""
        return self.page(request)

    @extend_schema(
        tags=["Webhooks"],
        operation_id="webhook_endpoint_create",
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.EndpointWriteSerializer,
        responses={201: shapes.EndpointSerializer},
    )
    def post(self, request: Request) -> Response:
        """Add an endpoint; it is told what happens from now on. Its secret is at `/secret`."""
        asked = _sent(shapes.EndpointWriteSerializer, request)

        def run() -> tuple[int, shapes.Body]:
            row = endpoints.create(merchant_id=self.merchant.id, now=timezone.now(), **asked)
            return 201, shapes.endpoint(row)

        return http.write_once(request, run)


class EndpointView(http.MerchantView):
    """One endpoint."""

    @extend_schema(
        tags=["Webhooks"], operation_id="webhook_endpoint_get", responses=shapes.EndpointSerializer
    )
    def get(self, request: Request, endpoint_id: UUID) -> Response:
        """Return the endpoint, and why it is off if it is."""
        return self.answer(self._about(endpoint_id))

    @extend_schema(
        tags=["Webhooks"],
        operation_id="webhook_endpoint_change",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        request=shapes.EndpointChangeSerializer,
        responses=shapes.EndpointSerializer,
    )
    def patch(self, request: Request, endpoint_id: UUID) -> Response:
        """Change it, turn it off, or on again: then it is sent what waited, in order."""
        asked = _sent(shapes.EndpointChangeSerializer, request)

        def run() -> tuple[int, shapes.Body]:
            row = endpoints.change(
                merchant_id=self.merchant.id, endpoint_id=endpoint_id, now=timezone.now(), **asked
            )
            return 200, shapes.endpoint(row)

        return http.write_once(request, run, self._about(endpoint_id))

    @extend_schema(
        tags=["Webhooks"],
        operation_id="webhook_endpoint_remove",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        responses={204: OpenApiResponse(description="Removed.")},
    )
    def delete(self, request: Request, endpoint_id: UUID) -> Response:
        """Remove it: nothing is sent to it any more."""

        def run() -> tuple[int, None]:
            endpoints.remove(merchant_id=self.merchant.id, endpoint_id=endpoint_id, now=timezone.now())
            return 204, None

        return http.write_once(request, run, self._about(endpoint_id))

    def _about(self, endpoint_id: UUID) -> etags.Resource:
        def look() -> shapes.Body:
            row = endpoints.one_of_merchant(merchant_id=self.merchant.id, endpoint_id=endpoint_id)
            return shapes.endpoint(row)

        def version(body: shapes.Body) -> str:
            # Not what becomes of what is sent to it.
            return etags.digest([body[name] for name in ("url", "description", "event_types", "enabled")])

        return etags.Resource(look, lambda: endpoints.locked(self.merchant.id, endpoint_id), version)


class SecretView(http.MerchantView):
    """The secrets of an endpoint."""

    @extend_schema(
        tags=["Webhooks"], operation_id="webhook_endpoint_secret", responses=shapes.SecretsSerializer
    )
    def get(self, request: Request, endpoint_id: UUID) -> Response:
        """Return the secrets that sign its messages now."""
        found = endpoints.secrets(merchant_id=self.merchant.id, endpoint_id=endpoint_id, now=timezone.now())
        shown = [
            {"secret": text, "created_at": row.created_at, "valid_until": row.valid_until}
            for text, row in found
        ]
        return Response({"secrets": shown}, headers={"Cache-Control": "no-store"})


class RotateView(http.MerchantView):
    """Another secret."""

    @extend_schema(
        tags=["Webhooks"],
        operation_id="webhook_endpoint_rotate_secret",
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.RotateSerializer,
        responses=shapes.EndpointSerializer,
    )
    def post(self, request: Request, endpoint_id: UUID) -> Response:
        """Begin another secret, which is at `/secret`; for a while the old one signs beside it."""
        overlap = timedelta(seconds=_sent(shapes.RotateSerializer, request)["overlap_seconds"])

        def run() -> tuple[int, shapes.Body]:
            row = endpoints.rotate(
                merchant_id=self.merchant.id, endpoint_id=endpoint_id, overlap=overlap, now=timezone.now()
            )
            return 200, shapes.endpoint(row)

        return http.write_once(request, run)


class TestView(http.MerchantView):
    """Try an endpoint."""

    @extend_schema(
        tags=["Webhooks"],
        operation_id="webhook_endpoint_test",
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses={202: shapes.DeliverySerializer},
    )
    def post(self, request: Request, endpoint_id: UUID) -> Response:
        """Send a `webhook.test` to it; what became of it says the delivery."""
        who = str(self.merchant.id)
        throttles.spend(what="webhook-test", who=who, limit=TESTS_PER_MINUTE, seconds=WINDOW_SECONDS)

        def run() -> tuple[int, shapes.Body]:
            row = endpoints.test(merchant_id=self.merchant.id, endpoint_id=endpoint_id, now=timezone.now())
            return 202, shapes.delivery(row)

        return http.write_once(request, run)


class ReplayView(http.MerchantView):
    """Send again what an endpoint has missed."""

    @extend_schema(
        tags=["Webhooks"],
        operation_id="webhook_endpoint_replay",
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.ReplaySerializer,
        responses={202: shapes.ReplayedSerializer},
    )
    def post(self, request: Request, endpoint_id: UUID) -> Response:
        """Send again what failed since a moment, in order; with `delivered` also what was taken."""
        asked = _sent(shapes.ReplaySerializer, request)

        def run() -> tuple[int, shapes.Body]:
            count = endpoints.replay(
                merchant_id=self.merchant.id, endpoint_id=endpoint_id, now=timezone.now(), **asked
            )
            return 202, {"deliveries": count}

        return http.write_once(request, run)


class DeliveriesView(http.MerchantView, paging.PagedView):
    """What the merchant's endpoints were sent."""

    queryset = WebhookDelivery.objects.none()  # For the schema; the real one starts from the caller.
    serializer_class = shapes.DeliverySerializer
    filterset_class = DeliveryFilter
    show = staticmethod(shapes.delivery)

    def get_queryset(self) -> QuerySet[WebhookDelivery]:
        return deliveries.of_merchant(merchant_id=self.merchant.id)

    @extend_schema(
        tags=["Webhooks"],
        operation_id="webhook_delivery_list",
        responses=shapes.DeliverySerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List deliveries, newest first."""
        return self.page(request)


class DeliveryView(http.MerchantView):
    """One delivery."""

    @extend_schema(
        tags=["Webhooks"], operation_id="webhook_delivery_get", responses=shapes.WholeDeliverySerializer
    )
    def get(self, request: Request, delivery_id: UUID) -> Response:
        """Return the delivery with what was sent and every try."""
        row = deliveries.one_of_merchant(merchant_id=self.merchant.id, delivery_id=delivery_id)
        return Response(shapes.whole(row))


class RetryView(http.MerchantView):
    """Send a delivery again."""

    @extend_schema(
        tags=["Webhooks"],
        operation_id="webhook_delivery_retry",
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses={202: shapes.DeliverySerializer},
    )
    def post(self, request: Request, delivery_id: UUID) -> Response:
        """Send it (again) now, also when it was taken or given up."""

        def run() -> tuple[int, shapes.Body]:
            row = deliveries.retry(merchant_id=self.merchant.id, delivery_id=delivery_id, now=timezone.now())
            return 202, shapes.delivery(row)

        return http.write_once(request, run)


def _sent(shape: Any, request: Request) -> dict[str, Any]:
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)
