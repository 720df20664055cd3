"""HTTP doors of exports; rows start from the merchant of the key."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import bodies, filters, queries
from catalog.feeds import exports
from catalog.feeds.formats import writing
from catalog.models import Export
from catalog.serializers import exports as shapes
from catalog.views import edge
from commerce import http
from commerce.models import Merchant
from commerce.schema import IDEMPOTENCY_KEY


class ExportsView(edge.PagedView):
    """The merchant's files."""

    queryset = Export.objects.none()
    serializer_class = shapes.ExportSerializer
    filterset_class = filters.ExportFilter
    show = staticmethod(bodies.export_job)

    def get_queryset(self) -> QuerySet[Export]:
        """Return the merchant's exports."""
        return queries.exports(merchant_id=self.merchant.pk)

    @extend_schema(tags=["Exports"], operation_id="export_list", responses=shapes.ExportSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List exports, newest first."""
        return self.page(request)

    @extend_schema(
        tags=["Exports"],
        operation_id="export_create",
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.ExportWriteSerializer,
        responses={202: shapes.ExportSerializer},
    )
    def post(self, request: Request) -> Response:
        """Have the assortment, or some of it, written to a file, in the background.

        Sent back as an import, the file changes nothing.
        """
        sent = edge.sent(shapes.ExportWriteSerializer, request)
        said = dict(sent["filters"])
        if "updated_since" in said:
            said["updated_since"] = said["updated_since"].isoformat()

        def run() -> tuple[int, bodies.Body]:
            job = exports.queue(
                merchant_id=self.merchant.pk, format=sent["format"], filters=said, now=timezone.now()
            )
            return 202, bodies.export_job(job)

        return http.write_once(request, run)


class ExportView(http.MerchantView):
    """One file."""

    @extend_schema(tags=["Exports"], operation_id="export_get", responses=shapes.ExportSerializer)
    def get(self, request: Request, export_id: UUID) -> Response:
        """Return how far the file has been written."""
        return Response(
            bodies.export_job(queries.export_job(merchant_id=self.merchant.pk, export_id=export_id))
        )


class CancelExportView(http.MerchantView):
    """Stopping one file."""

    @extend_schema(
        tags=["Exports"],
        operation_id="export_cancel",
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses=shapes.ExportSerializer,
    )
    def post(self, request: Request, export_id: UUID) -> Response:
        """Stop writing a file, and drop what there is of it."""

        def run() -> tuple[int, bodies.Body]:
            job = exports.cancel(merchant_id=self.merchant.pk, export_id=export_id, now=timezone.now())
            return 200, bodies.export_job(job)

        return http.write_once(request, run)


class ExportFileView(http.MerchantView):
    """The content of one file."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Take any Accept header: the file is in the format that was asked for when it was ordered."""
        return super().perform_content_negotiation(request, force=True)

    @extend_schema(
        tags=["Exports"],
        operation_id="export_file_get",
        responses={
            (200, writer("").media_type.partition(";")[0]): OpenApiResponse(OpenApiTypes.STR, "The file.")
            for writer in writing.WRITERS.values()
        },
    )
    def get(self, request: Request, export_id: UUID) -> StreamingHttpResponse:
        """Fetch the file, for a day after it was written."""
        job = exports.ready(merchant_id=self.merchant.pk, export_id=export_id)
        return file_answer(request._request, job, self.merchant)


def file_answer(request: HttpRequest, job: Export, merchant: Merchant) -> StreamingHttpResponse:
    """Return the file of an export that is ready, part by part."""
    writer = writing.WRITERS[job.format](merchant.currency)
    name = f"products-{job.created_at:%Y-%m-%d}.{writer.suffix}"
    # The server takes parts as the caller does: an iterator of the other kind would be read in one go.
    parts = _later(job) if isinstance(request, ASGIRequest) else _now(job)
    return StreamingHttpResponse(
        parts,
        content_type=writer.media_type,
        headers={
            "Content-Length": str(job.bytes_done),
            "Content-Disposition": f'attachment; filename="{name}"',
        },
    )


def _now(job: Export) -> Iterator[bytes]:
    for number in count():
        if (part := exports.part(job, number)) is None:
            return
        yield part


async def _later(job: Export) -> AsyncIterator[bytes]:
    for number in count():
        if (part := await sync_to_async(exports.part)(job, number)) is None:
            return
        yield part
