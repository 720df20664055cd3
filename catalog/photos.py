"""How a picture comes in: a file in a form, or the bare bytes; never more than the limit."""

from collections.abc import Mapping
from typing import IO, Any, BinaryIO

from rest_framework import parsers, serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request

from catalog import uploads
from catalog.media import rendering
from catalog.serializers.images import UploadSerializer
from commerce import errors

BARE = "body"
MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif", "image/avif", "application/octet-stream")


class EmptyImage(errors.Invalid):
    """No bytes came."""

    code = "EMPTY_IMAGE"
    message = "There are no bytes. Send a picture."


class ImageParser(parsers.BaseParser):
    """Reads the body of a picture into a file."""

    media_type = "image/*"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """Return the file as the field `body`; raises TooLarge."""
        return {BARE: uploads.limited(stream, rendering.MOST_BYTES)}


class OctetsParser(ImageParser):
    """The same for who does not say what it is: the bytes say so anyway."""

    media_type = "application/octet-stream"


class ImageFormParser(parsers.MultiPartParser):
    """Reads a form, refusing by its announced length what cannot fit."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the form; raises TooLarge."""
        uploads.check_announced(parser_context, rendering.MOST_BYTES)
        return super().parse(stream, media_type, parser_context)


def image_of(request: Request) -> tuple[BinaryIO, dict[str, Any]]:
    """Return the picture as a seekable file, and what is said of it: in the form, or in the query.

    Raises TooLarge, EmptyImage, ValidationError.
    """
    sent: Any = request.data
    if not sent and not request.FILES and not str(request.content_type).startswith("multipart/"):
        raise EmptyImage
    if BARE in sent and not isinstance(sent[BARE], str):
        file, said = sent[BARE], _flat(request.query_params)
    else:
        unknown = [name for name in request.FILES if name != "file"]
        if unknown:
            detail = ErrorDetail("There is no such field.", code="UNKNOWN_FIELD")
            raise serializers.ValidationError({str(name)[:100]: [detail] for name in unknown})
        came = request.FILES.get("file")
        if came is None:
            raise serializers.ValidationError(
                {"file": [ErrorDetail("Send a picture as a file.", code="required")]}
            )
        if request.query_params:
            detail = ErrorDetail("Say it in the form.", code="UNKNOWN_FIELD")
            raise serializers.ValidationError({name[:100]: [detail] for name in request.query_params})
        file = uploads.limited(came, rendering.MOST_BYTES)
        said = _flat({name: value for name, value in sent.items() if name != "file"})
    if not file.seek(0, 2):
        raise EmptyImage
    shape = UploadSerializer(data=said)
    shape.is_valid(raise_exception=True)
    validated: dict[str, Any] = shape.validated_data
    return file, validated


def _flat(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: said[name] for name in said}
