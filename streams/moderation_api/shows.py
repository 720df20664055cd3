"""Doors to the shows one keeps order in, and to their questions."""

from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from commerce import http
from streams.models import Question, Stream
from streams.moderation import desk, mode, questions, standing
from streams.moderation_api import edge, narrowing, render, shapes

TAG = ["Moderation"]


class ShowsView(edge.PagedView):
    """The shows in which the caller keeps order."""

    queryset = Stream.objects.none()
    serializer_class = shapes.KeptShowSerializer

    def show(self, row: Stream) -> dict[str, object]:  # type: ignore[override]  # it depends on who asks
        """Render a show with the caller's rights in it."""
        return kept(row, self.keeping(row.id))

    def get_queryset(self) -> QuerySet[Stream]:
        """Return the caller's own shows, and those that she is a moderator of."""
        mine = Q(host__user=self.user) | Q(moderators__user=self.user)
        return Stream.objects.filter(mine).distinct()

    @extend_schema(tags=TAG, operation_id="moderation_shows", responses=shapes.KeptShowSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the shows in which the caller is host or moderator, the latest first."""
        return self.page(request)


class ShowView(edge.View):
    """One show in which the caller keeps order."""

    @extend_schema(tags=TAG, operation_id="moderation_show", responses=shapes.KeptShowSerializer)
    def get(self, request: Request, stream_id: UUID) -> Response:
        """Tell the caller's rights in a show, the chat's rules, and how much waits."""
        here = self.keeping(stream_id)
        return Response(shapes.KeptShowSerializer(kept(Stream.objects.get(pk=stream_id), here)).data)


class LatestFirst(http.CursorPagination):
    """The latest question first; its id is its line's."""

    ordering = "-message_id"


class QuestionsView(edge.PagedView):
    """The questions of a show."""

    queryset = Question.objects.none()
    serializer_class = shapes.QuestionSerializer
    pagination_class = LatestFirst
    filterset_class = narrowing.QuestionFilter
    show = staticmethod(render.question)

    def get_queryset(self) -> QuerySet[Question]:
        """Return the show's questions that everybody sees."""
        return questions.of_show(stream_id=self.kwargs["stream_id"])

    @extend_schema(tags=TAG, operation_id="question_list", responses=shapes.QuestionSerializer(many=True))
    def get(self, request: Request, stream_id: UUID) -> Response:
        """List questions, the latest first; by product, or those that wait for an answer."""
        self.keeping(stream_id)
        return self.page(request)


class AnswerView(edge.View):
    """Whether a question is answered."""

    @extend_schema(
        tags=TAG,
        operation_id="question_answer",
        request=shapes.AnswerSerializer,
        responses=shapes.QuestionSerializer,
    )
    def post(self, request: Request, stream_id: UUID, question_id: UUID) -> Response:
        """Mark a question as answered, or as open again. Needs `questions`."""
        sent = self.read(shapes.AnswerSerializer)
        questions.answer(
            stream_id=stream_id,
            question_id=question_id,
            by_id=self.user.id,
            answered=sent["answered"],
            now=timezone.now(),
        )
        found = questions.of_show(stream_id=stream_id).get(pk=question_id)
        return Response(shapes.QuestionSerializer(render.question(found)).data)


def kept(row: Stream, here: standing.Standing) -> dict[str, object]:
    """Return a show as somebody who keeps order in it is told of it."""
    return {
        "id": row.id,
        "slug": row.slug,
        "title": row.title,
        "status": row.status,
        "starts_at": row.starts_at,
        "role": here.role,
        "rights": sorted(here.rights),
        "mode": mode.body(row),
        "pinned_line": row.pinned_line_id,
        "waiting": desk.waiting(row.id),
    }
