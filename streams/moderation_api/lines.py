"""Doors to the lines of a show: what waits for a verdict, verdicts, the pinned comment, the chat's rules."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from commerce import errors, http
from streams.models import ChatMessage, Right
from streams.moderation import desk, lines, mode
from streams.moderation_api import edge, render, shapes

TAG = ["Moderation"]


class UnknownKind(errors.Invalid):
    message = "kind is held or reported."


class OldestFirst(http.CursorPagination):
    """Whoever has waited longest comes first."""

    ordering = "id"


class QueueView(edge.PagedView):
    """The lines that wait for a verdict."""

    queryset = ChatMessage.objects.none()
    pagination_class = OldestFirst
    serializer_class = shapes.LineSerializer
    show = staticmethod(render.line)

    def get_queryset(self) -> QuerySet[ChatMessage]:
        """Return the show's queue."""
        kind = self.request.query_params.get("kind")
        if kind not in (None, "held", "reported"):
            raise UnknownKind(errors={"kind": "held or reported"})
        return desk.queue(stream_id=self.kwargs["stream_id"], kind=kind)

    @extend_schema(
        tags=TAG,
        operation_id="moderation_queue",
        parameters=[OpenApiParameter("kind", str, enum=["held", "reported"], description="Left out: both.")],
        responses=shapes.LineSerializer(many=True),
    )
    def get(self, request: Request, stream_id: UUID) -> Response:
        """List held and reported lines, the oldest first. Needs `review`."""
        self.keeping(stream_id, Right.REVIEW)
        return self.page(request)


class DecideView(edge.View):
    """A verdict."""

    @extend_schema(
        tags=TAG,
        operation_id="moderation_decide",
        request=shapes.DecideSerializer,
        responses=shapes.LineSerializer,
    )
    def post(self, request: Request, stream_id: UUID, line_id: UUID) -> Response:
        """Show or remove a held line, keep or remove a reported one. Needs `review`."""
        sent = self.read(shapes.DecideSerializer)
        line = lines.decide(
            stream_id=stream_id,
            message_id=line_id,
            by_id=self.user.id,
            show=sent["verdict"] == "show",
            rule=sent.get("rule", ""),
            reason=sent["reason"],
            now=timezone.now(),
        )
        return _line(line)


class RemoveView(edge.View):
    """Taking down."""

    @extend_schema(
        tags=TAG,
        operation_id="moderation_remove",
        request=shapes.RemoveSerializer,
        responses=shapes.LineSerializer,
    )
    def post(self, request: Request, stream_id: UUID, line_id: UUID) -> Response:
        """Take a line down, by a rule and with a reason that its author is told. Needs `remove`."""
        sent = self.read(shapes.RemoveSerializer)
        line = lines.remove(
            stream_id=stream_id,
            message_id=line_id,
            by_id=self.user.id,
            rule=sent["rule"],
            reason=sent["reason"],
            now=timezone.now(),
        )
        return _line(line)


class RestoreView(edge.View):
    """Putting back."""

    @extend_schema(
        tags=TAG,
        operation_id="moderation_restore",
        request=shapes.ReasonSerializer,
        responses=shapes.LineSerializer,
    )
    def post(self, request: Request, stream_id: UUID, line_id: UUID) -> Response:
        """Put a removed line back in its place. Needs `remove` or `review`."""
        sent = self.read(shapes.ReasonSerializer)
        line = lines.restore(
            stream_id=stream_id,
            message_id=line_id,
            by_id=self.user.id,
            reason=sent["reason"],
            now=timezone.now(),
        )
        return _line(line)


class PinnedLineView(edge.View):
    """The comment above the chat."""

    @extend_schema(
        tags=TAG,
        operation_id="moderation_pin",
        request=shapes.PinLineSerializer,
        responses=shapes.LineSerializer,
    )
    def put(self, request: Request, stream_id: UUID) -> Response:
        """Keep a line above the chat, in place of the one before. Needs `pin`."""
        sent = self.read(shapes.PinLineSerializer)
        return _line(
            mode.pin(stream_id=stream_id, message_id=sent["line"], by_id=self.user.id, now=timezone.now())
        )

    @extend_schema(tags=TAG, operation_id="moderation_unpin", request=None, responses={204: None})
    def delete(self, request: Request, stream_id: UUID) -> Response:
        """Take the line above the chat away. Needs `pin`."""
        mode.unpin(stream_id=stream_id, by_id=self.user.id, now=timezone.now())
        return Response(status=204)


class ModeView(edge.View):
    """The rules of the chat."""

    @extend_schema(
        tags=TAG,
        operation_id="moderation_mode",
        request=shapes.ChangeModeSerializer,
        responses=shapes.ModeSerializer,
    )
    def patch(self, request: Request, stream_id: UUID) -> Response:
        """Change slow mode or followers-only; what is left out stays. Needs `pace`."""
        sent: dict[str, Any] = self.read(shapes.ChangeModeSerializer)
        stream = mode.change(stream_id=stream_id, by_id=self.user.id, now=timezone.now(), **sent)
        return Response(mode.body(stream))


def _line(line: ChatMessage) -> Response:
    return Response(shapes.LineSerializer(render.line(line)).data)
