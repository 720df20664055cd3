"""HTTP doors of feeds for merchants' systems; rows start from the merchant of the key."""

from uuid import UUID

import orjson
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import bodies, content, examples, filters, queries, uploads
from catalog.feeds import imports
from catalog.models import Import, ImportProblem
from catalog.serializers import imports as shapes
from catalog.views import edge
from commerce import errors, http, idempotency
from commerce.schema import IDEMPOTENCY_KEY

DRY_RUN = OpenApiParameter(
    "dry_run", bool, description="true: say what would change and what is wrong, and change nothing."
)


class BadFlag(errors.Invalid):
    """A parameter of the address is neither true nor false."""

    code = "BAD_FLAG"
    message = "dry_run is true or false."


class ImportsView(edge.PagedView):
    """The merchant's feeds."""

    queryset = Import.objects.none()
    serializer_class = shapes.ImportSerializer
    filterset_class = filters.ImportFilter
    parser_classes = (uploads.FeedFormParser, *uploads.PARSERS)
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
        parameters=[IDEMPOTENCY_KEY, DRY_RUN],
        request={
            "multipart/form-data": {
                "type": "object",
                "properties": {"file": {"type": "string", "format": "binary", "minLength": 1}},
                "required": ["file"],
                "additionalProperties": False,
            },
            **{of: {"type": "string", "minLength": 1} for of in uploads.MEDIA_TYPES},
        },
        examples=[
            OpenApiExample(name, text, media_type=of, request_only=True)
            for name, (of, text) in examples.FEEDS.items()
        ],
        responses={
            202: shapes.ImportSerializer,
            200: OpenApiResponse(shapes.ImportSerializer, "These bytes are being read already: that import."),
        },
    )
    def post(self, request: Request) -> Response:
        """Send a Shopify CSV, a Google product feed (TSV or XML) or JSON Lines of at most 20 MB.

        The first bytes say which it is. It is read in the background, row by row. A feed adds and changes;
        what it does not name stays. Rows with problems are listed, others are taken.
        """
        dry_run = _dry_run(request)
        file, filename = uploads.feed_of(request)

        def run() -> tuple[int, bodies.Body]:
            job, is_new = imports.queue(
                merchant_id=self.merchant.pk,
                filename=filename,
                file=file,
                dry_run=dry_run,
                now=timezone.now(),
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
                b"import", request.get_full_path().encode(), content.fingerprint(file)[0].encode()
            ),
            run=lambda: _plain(*run()),
        )
        headers = {"Idempotent-Replayed": "true"} if answer.replayed else None
        return Response(answer.reply, status=answer.status, headers=headers)


def _plain(status: int, body: bodies.Body) -> tuple[int, bodies.Body]:
    plain: bodies.Body = orjson.loads(JSONRenderer().render(body))
    return status, plain


def _dry_run(request: Request) -> bool:
    said = request.query_params.get("dry_run", "false")
    if said not in ("true", "false"):
        raise BadFlag
    return said == "true"


class ImportView(http.MerchantView):
    """One feed."""

    @extend_schema(tags=["Imports"], operation_id="import_get", responses=shapes.ImportSerializer)
    def get(self, request: Request, import_id: UUID) -> Response:
        """Return how far the feed has been read, and what came of it."""
        return Response(
            bodies.import_job(queries.import_job(merchant_id=self.merchant.pk, import_id=import_id))
        )


class CancelImportView(http.MerchantView):
    """Stopping one feed."""

    @extend_schema(
        tags=["Imports"],
        operation_id="import_cancel",
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses=shapes.ImportSerializer,
    )
    def post(self, request: Request, import_id: UUID) -> Response:
        """Stop reading a feed. What was taken of it stays; the rest is not read."""

        def run() -> tuple[int, bodies.Body]:
            job = imports.cancel(merchant_id=self.merchant.pk, import_id=import_id, now=timezone.now())
            return 200, bodies.import_job(job)

        return http.write_once(request, run)


class _InFileOrder(http.CursorPagination):
    ordering = ("line", "id")  # type: ignore[assignment]  # the stubs know one field only


class ProblemsView(edge.PagedView):
    """What was wrong with a feed."""

    queryset = ImportProblem.objects.none()
    serializer_class = shapes.ImportProblemSerializer
    filter_backends = ()
    pagination_class = _InFileOrder
    show = staticmethod(bodies.problem)

    def get_queryset(self) -> QuerySet[ImportProblem]:
        """Return the problems of one of the merchant's imports."""
        return queries.problems(merchant_id=self.merchant.pk, import_id=self.kwargs["import_id"])

    @extend_schema(
        tags=["Imports"],
        operation_id="import_problem_list",
        responses=shapes.ImportProblemSerializer(many=True),
    )
    def get(self, request: Request, import_id: UUID) -> Response:
        """List what was wrong, in the order of the file; at most 10,000 are kept."""
        return self.page(request)
