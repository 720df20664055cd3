"""HTTP doors of a merchant's commission plans."""

from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import bodies, filters
from catalog.commission import plans
from catalog.models import CommissionPlan
from catalog.serializers import plans as shapes
from catalog.views import edge, tagged
from commerce import http
from commerce.schema import IDEMPOTENCY_KEY, IF_MATCH, MAY_BE_MISSING


class PlansView(edge.PagedView):
    """The merchant's commission plans."""

    queryset = CommissionPlan.objects.none()
    serializer_class = shapes.PlanSerializer
    filterset_class = filters.PlanFilter
    show = staticmethod(bodies.plan)

    def get_queryset(self) -> QuerySet[CommissionPlan]:
        """Return the merchant's plans."""
        return plans.of_merchant(merchant_id=self.merchant.pk, now=timezone.now())

    @extend_schema(
        tags=["Commission"], operation_id="commission_plan_list", responses=shapes.PlanSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """List plans, newest first, those that have ended as well."""
        return self.page(request)

    @extend_schema(
        tags=["Commission"],
        operation_id="commission_plan_create",
        extensions=MAY_BE_MISSING,
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.PlanWriteSerializer,
        responses={201: shapes.PlanSerializer},
    )
    def post(self, request: Request) -> Response:
        """Open a plan. It counts at once, or once announced where a host would get less by it."""
        body = shapes.PlanWriteSerializer(data=request.data)
        body.is_valid(raise_exception=True)

        def run() -> tuple[int, bodies.Body]:
            made = plans.create(
                merchant_id=self.merchant.pk,
                kind=body.validated_data["kind"],
                terms=body.terms(),
                now=timezone.now(),
            )
            return 201, bodies.plan(made)

        return http.write_once(request, run)


class PlanView(http.MerchantView):
    """One commission plan."""

    @extend_schema(tags=["Commission"], operation_id="commission_plan_get", responses=shapes.PlanSerializer)
    def get(self, request: Request, plan_id: UUID) -> Response:
        """Return a plan with what it says now and what is announced."""
        return self.answer(tagged.plan(self.merchant.pk, plan_id))

    @extend_schema(
        tags=["Commission"],
        operation_id="commission_plan_change",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        request=shapes.PlanChangeSerializer,
        responses=shapes.PlanSerializer,
    )
    def patch(self, request: Request, plan_id: UUID) -> Response:
        """Change what is sent. What gives a host more counts at once, what gives less once announced."""
        body = shapes.PlanChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)

        def run() -> tuple[int, bodies.Body]:
            changed = plans.change(
                merchant_id=self.merchant.pk, plan_id=plan_id, terms=body.terms(), now=timezone.now()
            )
            return 200, bodies.plan(changed)

        return http.write_once(request, run, tagged.plan(self.merchant.pk, plan_id))


class EndPlanView(http.MerchantView):
    """Ending a commission plan."""

    @extend_schema(
        tags=["Commission"],
        operation_id="commission_plan_end",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        request=None,
        responses=shapes.PlanSerializer,
    )
    def post(self, request: Request, plan_id: UUID) -> Response:
        """Announce a plan's end: what it promises still counts until `ends_at`. Again is fine."""

        def run() -> tuple[int, bodies.Body]:
            ended = plans.end(merchant_id=self.merchant.pk, plan_id=plan_id, now=timezone.now())
            return 200, bodies.plan(ended)

        return http.write_once(request, run, tagged.plan(self.merchant.pk, plan_id))
