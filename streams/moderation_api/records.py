"""Doors to what was decided: the log, appeals, reports, and how often each rule was wrong."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from streams import queries
from streams.models import Appeal, Decision, Report, Right
from streams.moderation import appeals, desk
from streams.moderation_api import edge, narrowing, render, shapes

TAG = ["Moderation"]


class DecisionsView(edge.PagedView):
    """The log of decisions."""

    queryset = Decision.objects.none()
    serializer_class = shapes.DecisionSerializer
    filterset_class = narrowing.DecisionFilter
    show = staticmethod(render.decision)

    def get_queryset(self) -> QuerySet[Decision]:
        """Return what was decided in the show."""
        return desk.log(stream_id=self.kwargs["stream_id"])

    @extend_schema(
        tags=TAG, operation_id="moderation_decisions", responses=shapes.DecisionSerializer(many=True)
    )
    def get(self, request: Request, stream_id: UUID) -> Response:
        """List what was decided in a show, the latest first. For everybody with a right in it."""
        self.keeping(stream_id)
        return self.page(request)


class AppealsView(edge.PagedView):
    """The appeals of a show."""

    queryset = Appeal.objects.none()
    serializer_class = shapes.AppealSerializer
    filterset_class = narrowing.AppealFilter
    show = staticmethod(render.appeal)

    def get_queryset(self) -> QuerySet[Appeal]:
        """Return the show's appeals."""
        return desk.appeals(stream_id=self.kwargs["stream_id"])

    @extend_schema(tags=TAG, operation_id="moderation_appeals", responses=shapes.AppealSerializer(many=True))
    def get(self, request: Request, stream_id: UUID) -> Response:
        """List appeals, the latest first. Needs `review`."""
        self.keeping(stream_id, Right.REVIEW)
        return self.page(request)


class AppealView(edge.View):
    """One appeal."""

    @extend_schema(
        tags=TAG,
        operation_id="moderation_decide_appeal",
        request=shapes.OutcomeSerializer,
        responses=shapes.AppealSerializer,
    )
    def post(self, request: Request, stream_id: UUID, appeal_id: UUID) -> Response:
        """Uphold a decision, or overturn and so undo it. Needs `review`; not by who decided."""
        sent = self.read(shapes.OutcomeSerializer)
        appeals.decide(
            stream_id=stream_id,
            appeal_id=appeal_id,
            by_id=self.user.id,
            overturn=sent["outcome"] == "overturned",
            reason=sent["reason"],
            now=timezone.now(),
        )
        return Response(
            shapes.AppealSerializer(render.appeal(desk.appeals(stream_id=stream_id).get(pk=appeal_id))).data
        )


class ReportsView(edge.PagedView):
    """What viewers reported."""

    queryset = Report.objects.none()
    serializer_class = shapes.ReportSerializer
    filterset_class = narrowing.ReportFilter
    show = staticmethod(render.report)

    def get_queryset(self) -> QuerySet[Report]:
        """Return the show's reports."""
        return desk.reports(stream_id=self.kwargs["stream_id"])

    @extend_schema(tags=TAG, operation_id="moderation_reports", responses=shapes.ReportSerializer(many=True))
    def get(self, request: Request, stream_id: UUID) -> Response:
        """List reports, the latest first. Needs `review`."""
        self.keeping(stream_id, Right.REVIEW)
        return self.page(request)


class ShowRatesView(edge.View):
    """How the rules did in one show."""

    @extend_schema(tags=TAG, operation_id="moderation_show_rules", responses=shapes.RatesSerializer)
    def get(self, request: Request, stream_id: UUID) -> Response:
        """Tell of every rule how often it was right and wrong in a show."""
        self.keeping(stream_id)
        return _rates([stream_id])


class RatesView(edge.View):
    """How the rules did in all shows of a host."""

    @extend_schema(tags=TAG, operation_id="moderation_rules", responses=shapes.RatesSerializer)
    def get(self, request: Request) -> Response:
        """Tell of every rule how often it was right and wrong in all shows of the host who asks."""
        shows = queries.shows_of_host(host_id=self.host_id).values_list("id", flat=True)
        return _rates(list(shows))


def _rates(stream_ids: list[UUID]) -> Response:
    found: dict[str, Any] = {"rules": [render.rate(each) for each in desk.rates(stream_ids=stream_ids)]}
    return Response(shapes.RatesSerializer(found).data)
