"""HTTP doors of feeds for merchants' systems; rows start from the merchant of the key."""

import hashlib
from uuid import UUID

import orjson
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import bodies, examples, filters, imports, queries, uploads
from catalog.models import Import, ImportProblem
from catalog.serializers import imports as shapes
from catalog.views import edge
from commerce import http, idempotency
from commerce.schema import IDEMPOTENCY_KEY


class ImportsView(edge.PagedView):
    """The merchant's feeds."""

    queryset = Import.objects.none()
    serializer_class = shapes.ImportSerializer
    filterset_class = filters.ImportFilter
    parser_classes = (uploads.FeedFormParser, uploads.FeedParser)
    show = staticmethod(bodies.import_job)

    def get_queryset(self) -> QuerySet[Import]:
        """Return the merchant's imports."""
        return queries.imports(merchant_id=self.merchant.pk)

    @extend_schema(tags=["Imports"], operation_id="import_list", responses=shapes.ImportSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List feeds, newest first."""
        return self.page(request)

    @extend_schema(
        tags=["Imports"],
        operation_id="import_create",
        parameters=[IDEMPOTENCY_KEY],
        request={
            "multipart/form-data": {
                "type": "object",
                "properties": {"file": {"type": "string", "format": "binary", "minLength": 1}},
                "required": ["file"],
                "additionalProperties": False,
            },
            "text/csv": {"type": "string", "minLength": 1},
        },
        examples=[OpenApiExample("feed", examples.FEED, media_type="text/csv", request_only=True)],
        responses={
            202: shapes.ImportSerializer,
            200: OpenApiResponse(shapes.ImportSerializer, "These bytes are being read already: that import."),
        },
    )
    def post(self, request: Request) -> Response:
        """Send a Shopify product CSV of at most 20 MB; it is read in the background, row by row.

        A feed adds and changes; what it does not name stays. Rows with problems are listed, others are taken.
        """
        body, filename = uploads.feed_of(request)

        def run() -> tuple[int, bodies.Body]:
            job, is_new = imports.queue(
                merchant_id=self.merchant.pk, filename=filename, body=body, now=timezone.now()
            )
            return 202 if is_new else 200, bodies.import_job(job)

        key = http.idempotency_key(request)
        if key is None:
            status, reply = run()
            return Response(reply, status=status)
        answer = idempotency.once(
            caller=http.caller_of(request),
            key=key,
            # Not the whole request: a form's boundary differs each time the same file is sent.
            fingerprint=idempotency.fingerprint(
                b"import", request.get_full_path().encode(), hashlib.sha256(body).digest()
            ),
            run=lambda: _plain(*run()),
        )
        headers = {"Idempotent-Replayed": "true"} if answer.replayed else None
        return Response(answer.reply, status=answer.status, headers=headers)


def _plain(status: int, body: bodies.Body) -> tuple[int, bodies.Body]:
    plain: bodies.Body = orjson.loads(JSONRenderer().render(body))
    return status, plain


class ImportView(http.MerchantView):
    """One feed."""

    @extend_schema(tags=["Imports"], operation_id="import_get", responses=shapes.ImportSerializer)
    def get(self, request: Request, import_id: UUID) -> Response:
        """Return how far the feed has been read, and what came of it."""
        return Response(
            bodies.import_job(queries.import_job(merchant_id=self.merchant.pk, import_id=import_id))
        )


class _InFileOrder(http.CursorPagination):
    ordering = ("line", "id")  # type: ignore[assignment]  # the stubs know one field only


class ProblemsView(edge.PagedView):
    """What was wrong with a feed."""

    queryset = ImportProblem.objects.none()
    serializer_class = shapes.ProblemSerializer
    filter_backends = ()
    pagination_class = _InFileOrder
    show = staticmethod(bodies.problem)

    def get_queryset(self) -> QuerySet[ImportProblem]:
        """Return the problems of one of the merchant's imports."""
        return queries.problems(merchant_id=self.merchant.pk, import_id=self.kwargs["import_id"])

    @extend_schema(
        tags=["Imports"], operation_id="import_problem_list", responses=shapes.ProblemSerializer(many=True)
    )
    def get(self, request: Request, import_id: UUID) -> Response:
        """List what was wrong, in the order of the file; at most 10,000 are kept."""
        return self.page(request)
