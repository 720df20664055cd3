"""How a feed comes in: a file in a form, or the bare bytes as text/csv; never more than the limit."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework import parsers, serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request

from catalog import sheets
from commerce import errors

FORM_OVERHEAD = 16_384
BARE = "body"


class FeedParser(parsers.BaseParser):
    """Reads a text/csv body as bytes."""

    media_type = "text/csv"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """Return the bytes as the field `body`; raises TooLarge."""
        return {BARE: _limited(stream)}


class FeedFormParser(parsers.MultiPartParser):
    """Reads a form, refusing by its announced length what cannot fit."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the form; raises TooLarge."""
        request: Request | None = (parser_context or {}).get("request")
        announced = request.META.get("CONTENT_LENGTH") if request is not None else None
        if announced and int(announced) > settings.IMPORT_MAX_BYTES + FORM_OVERHEAD:
            raise errors.TooLarge(limit=settings.IMPORT_MAX_BYTES)
        return super().parse(stream, media_type, parser_context)


def feed_of(request: Request) -> tuple[bytes, str]:
    """Return the feed's bytes and file name; raises TooLarge, EmptyFeed, ValidationError."""
    sent: Any = request.data
    if isinstance(sent.get(BARE), bytes):
        return sent[BARE], ""
    if not sent and not request.FILES and not str(request.content_type).startswith("multipart/"):
        raise sheets.EmptyFeed
    file = request.FILES.get("file")
    unknown = [name for name in [*sent, *request.FILES] if name != "file"]
    if unknown:
        detail = ErrorDetail("There is no such field.", code="UNKNOWN_FIELD")
        raise serializers.ValidationError({str(name)[:100]: [detail] for name in unknown})
    if file is None:
        raise serializers.ValidationError({"file": [ErrorDetail("Send a CSV file.", code="required")]})
    return _limited(file), str(file.name or "").replace("\0", "")[:255]


def _limited(stream: Any) -> bytes:
    body = stream.read(settings.IMPORT_MAX_BYTES + 1)
    if len(body) > settings.IMPORT_MAX_BYTES:
        raise errors.TooLarge(limit=settings.IMPORT_MAX_BYTES)
    return bytes(body)
