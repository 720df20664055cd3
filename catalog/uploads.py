"""How a feed comes in: a file in a form, or the bare bytes; never more than the limit, on disk when large."""

import tempfile
from collections.abc import Mapping
from typing import IO, Any, BinaryIO, cast

from django.conf import settings
from rest_framework import parsers, serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request

from catalog.feeds.formats import texts
from commerce import errors

FORM_OVERHEAD = 16_384
BARE = "body"
CHUNK = 1 << 16


class FeedParser(parsers.BaseParser):
    """Reads the body of a feed into a file."""

    media_type = "text/csv"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """Return the file as the field `body`; raises TooLarge."""
        return {BARE: limited(stream)}


def _parser(of: str) -> type[FeedParser]:
    return type("FeedParser", (FeedParser,), {"media_type": of})


MEDIA_TYPES = (
    *("text/csv", "text/tab-separated-values", "application/xml", "text/xml", "application/rss+xml"),
    *("application/atom+xml", "application/jsonl", "application/x-ndjson"),
)
PARSERS = tuple(_parser(of) for of in MEDIA_TYPES)


class FeedFormParser(parsers.MultiPartParser):
    """Reads a form, refusing by its announced length what cannot fit."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the form; raises TooLarge."""
        check_announced(parser_context, settings.IMPORT_MAX_BYTES)
        return super().parse(stream, media_type, parser_context)


def feed_of(request: Request) -> tuple[BinaryIO, str]:
    """Return the feed as a seekable file, and its name; raises TooLarge, EmptyFeed, ValidationError."""
    sent: Any = request.data
    if BARE in sent and not isinstance(sent[BARE], str):
        return sent[BARE], ""
    if not sent and not request.FILES and not str(request.content_type).startswith("multipart/"):
        raise texts.EmptyFeed
    file = request.FILES.get("file")
    unknown = [name for name in [*sent, *request.FILES] if name != "file"]
    if unknown:
        detail = ErrorDetail("There is no such field.", code="UNKNOWN_FIELD")
        raise serializers.ValidationError({str(name)[:100]: [detail] for name in unknown})
    if file is None:
        raise serializers.ValidationError({"file": [ErrorDetail("Send a feed as a file.", code="required")]})
    return limited(file), str(file.name or "").replace("\0", "")[:255]


def check_announced(parser_context: Mapping[str, Any] | None, most: int) -> None:
    """Refuse a form whose announced length cannot fit; raises TooLarge."""
    request: Request | None = (parser_context or {}).get("request")
    announced = request.META.get("CONTENT_LENGTH") if request is not None else None
    if announced and int(announced) > most + FORM_OVERHEAD:
        raise errors.TooLarge(limit=most)


def limited(stream: Any, most: int | None = None) -> BinaryIO:
    """Return what comes, as a file; raises TooLarge before too much of it is kept.

    `most` is in bytes; None: what a feed may have.
    """
    most = settings.IMPORT_MAX_BYTES if most is None else most
    file = tempfile.SpooledTemporaryFile(max_size=settings.FILE_UPLOAD_MAX_MEMORY_SIZE)  # noqa: SIM115
    left = most + 1
    while chunk := stream.read(min(CHUNK, left)):
        file.write(chunk)
        left -= len(chunk)
        if not left:
            file.close()
            raise errors.TooLarge(limit=most)
    return cast(BinaryIO, file)
