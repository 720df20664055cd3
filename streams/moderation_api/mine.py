"""Doors for everybody: what was decided about oneself, appeals, reports, and following a host.

They work without a socket, as whoever is banned from a show has none.
"""

from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from commerce import schema
from streams import follows, listing, queries
from streams.models import Decision
from streams.moderation import appeals, desk, reports
from streams.moderation_api import edge, render, shapes

TAG = ["Moderation"]


class MineView(edge.PagedView):
    """What was decided about the caller."""

    queryset = Decision.objects.none()
    serializer_class = shapes.OwnDecisionSerializer
    show = staticmethod(render.own_decision)

    def get_queryset(self) -> QuerySet[Decision]:
        """Return the decisions about the caller."""
        return desk.about(user_id=self.user.id)

    @extend_schema(
        tags=TAG, operation_id="moderation_mine", responses=shapes.OwnDecisionSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """List what was decided about the caller's lines and about the caller, the latest first."""
        return self.page(request)


class AppealView(edge.View):
    """Appealing."""

    @extend_schema(
        tags=TAG,
        operation_id="moderation_appeal",
        request=shapes.AppealBodySerializer,
        responses=shapes.OwnDecisionSerializer,
        extensions=schema.MAY_BE_MISSING,
    )
    def post(self, request: Request) -> Response:
        """Appeal against a decision about oneself, once; sent again it changes nothing."""
        sent = self.read(shapes.AppealBodySerializer)
        appeals.make(decision_id=sent["decision"], by_id=self.user.id, text=sent["text"], now=timezone.now())
        found = desk.about(user_id=self.user.id).get(pk=sent["decision"])
        return Response(shapes.OwnDecisionSerializer(render.own_decision(found)).data)


class ReportView(edge.View):
    """Reporting."""

    @extend_schema(
        tags=TAG, operation_id="moderation_report", request=shapes.ReportBodySerializer, responses={204: None}
    )
    def post(self, request: Request, slug: str) -> Response:
        """Ask those who keep order in a show to look at a line; sent again it changes nothing."""
        sent = self.read(shapes.ReportBodySerializer)
        reports.make(
            stream_id=_stream_id(slug),
            message_id=sent["line"],
            by_id=self.user.id,
            category=sent["category"],
            note=sent["note"],
            now=timezone.now(),
        )
        return Response(status=204)


class FollowView(edge.View):
    """Following the host of a show."""

    @extend_schema(tags=TAG, operation_id="host_follow", request=None, responses=shapes.FollowingSerializer)
    def put(self, request: Request, slug: str) -> Response:
        """Follow the host of a show; sent again it changes nothing."""
        follows.follow(stream_id=_stream_id(slug), user_id=self.user.id, now=timezone.now())
        return Response({"follows": True})

    @extend_schema(
        tags=TAG,
        operation_id="host_unfollow",
        request=None,
        responses={200: shapes.FollowingSerializer},
    )
    def delete(self, request: Request, slug: str) -> Response:
        """Follow the host of a show no longer."""
        follows.unfollow(stream_id=_stream_id(slug), user_id=self.user.id)
        return Response({"follows": False})


def _stream_id(slug: str) -> UUID:
    stream = listing.find(slug=slug)
    if stream is None:
        raise queries.UnknownShow
    return stream.id
