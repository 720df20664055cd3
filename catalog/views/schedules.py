"""HTTP doors of announced prices for merchants' systems; rows start from the merchant of the key."""

from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import bodies, filters, queries
from catalog.models import PriceSchedule
from catalog.pricing import schedules
from catalog.serializers import schedules as shapes
from catalog.views import edge
from commerce import http
from commerce.moments import MomentFilter
from commerce.schema import IDEMPOTENCY_KEY


class ScheduleFilter(filters.Filters):
    """Filters of a variant's announced prices."""

    status = django_filters.ChoiceFilter(choices=PriceSchedule.Status.choices)
    announced = filters.TruthFilter(method="not_over", help_text="To come or running; false: over.")
    starts_since = MomentFilter("starts_at", lookup_expr="gte", help_text="Then or later.")
    starts_before = MomentFilter("starts_at", lookup_expr="lt", help_text="Before then.")

    class Meta:
        model = PriceSchedule
        fields: list[str] = []

    def not_over(self, rows: QuerySet[PriceSchedule], name: str, value: bool) -> QuerySet[PriceSchedule]:
        """Narrow to what is to come or runs, or to what is over."""
        return rows.filter(status__in=queries.OPEN) if value else rows.exclude(status__in=queries.OPEN)


class SchedulesFilter(ScheduleFilter):
    """Filters of all announced prices."""

    variant = django_filters.UUIDFilter("variant_id")
    sku = filters.TextFilter("variant__sku")


class _Schedules(edge.PagedView):
    queryset = PriceSchedule.objects.none()
    serializer_class = shapes.ScheduleSerializer
    show = staticmethod(shapes.body)

    def get_queryset(self) -> QuerySet[PriceSchedule]:
        """Return what the merchant has announced."""
        return queries.price_schedules(merchant_id=self.merchant.pk)


class SchedulesView(_Schedules):
    """All that a merchant has announced."""

    filterset_class = SchedulesFilter

    @extend_schema(
        tags=["Prices"],
        operation_id="price_schedule_list",
        responses=shapes.ScheduleSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List announced prices of all variants, newest first: to come, running, done, failed, called off."""
        return self.page(request)


class VariantSchedulesView(_Schedules):
    """What is announced of a variant's price."""

    filterset_class = ScheduleFilter

    def get_queryset(self) -> QuerySet[PriceSchedule]:
        """Return what the merchant has announced of the variant."""
        return super().get_queryset().filter(variant_id=self.kwargs.get("variant_id"))

    @extend_schema(
        tags=["Prices"],
        operation_id="variant_price_schedule_list",
        responses=shapes.ScheduleSerializer(many=True),
    )
    def get(self, request: Request, variant_id: UUID) -> Response:
        """List what is and was announced of a variant's price, newest first."""
        queries.variant(merchant_id=self.merchant.pk, variant_id=variant_id)
        return self.page(request)

    @extend_schema(
        tags=["Prices"],
        operation_id="variant_price_schedule_create",
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.ScheduleWriteSerializer,
        responses={201: shapes.ScheduleSerializer, 200: shapes.ScheduleSerializer},
    )
    def post(self, request: Request, variant_id: UUID) -> Response:
        """Announce a price: from a moment on for good, or until another. The same again: 200."""
        sent = edge.sent(shapes.ScheduleWriteSerializer, request)
        quote = edge.quote(sent, self.merchant.currency)
        plan = schedules.Plan(quote, sent["starts_at"], sent["ends_at"])

        def run() -> tuple[int, bodies.Body]:
            made = schedules.make(
                merchant_id=self.merchant.pk, variant_id=variant_id, plan=plan, now=timezone.now()
            )
            return 201 if made.is_new else 200, shapes.body(made.schedule)

        return http.write_once(request, run)


class ScheduleView(http.MerchantView):
    """One announced price."""

    @extend_schema(
        tags=["Prices"],
        operation_id="variant_price_schedule_cancel",
        parameters=[IDEMPOTENCY_KEY],
        responses={200: shapes.ScheduleSerializer},
    )
    def delete(self, request: Request, variant_id: UUID, schedule_id: UUID) -> Response:
        """Call it off. Of one that runs, the price before comes back at once."""

        def run() -> tuple[int, bodies.Body]:
            row = schedules.cancel(
                merchant_id=self.merchant.pk,
                variant_id=variant_id,
                schedule_id=schedule_id,
                now=timezone.now(),
            )
            return 200, shapes.body(row)

        return http.write_once(request, run)
