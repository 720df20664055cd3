"""HTTP doors of pictures for merchants' systems; rows start from the merchant of the key."""

from typing import Any
from uuid import UUID

import orjson
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import bodies, content, filters, photos
from catalog.media import images
from catalog.models import ProductImage
from catalog.serializers import images as shapes
from catalog.views import edge
from commerce import http, idempotency
from commerce.schema import IDEMPOTENCY_KEY

_BINARY = {"type": "string", "format": "binary", "minLength": 1}
_FORM = {
    "type": "object",
    "properties": {
        "file": _BINARY,
        "alt": {"type": "string", "maxLength": 500},
        "position": {"type": "integer", "minimum": 1, "maximum": 1000},
    },
    "required": ["file"],
    "additionalProperties": False,
}


class ImagesView(edge.PagedView):
    """The pictures of all of the merchant's products."""

    queryset = ProductImage.objects.none()
    serializer_class = shapes.ListedImageSerializer
    filterset_class = filters.ImageFilter
    show = staticmethod(bodies.listed_image)

    def get_queryset(self) -> QuerySet[ProductImage]:
        """Return the merchant's pictures."""
        return images.of_merchant(merchant_id=self.merchant.pk)

    @extend_schema(
        tags=["Images"], operation_id="image_list", responses=shapes.ListedImageSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """List pictures, newest first; `state=failed` finds those that could not be had, with the reason."""
        return self.page(request)


class UploadView(http.MerchantView):
    """The pictures of one product."""

    parser_classes = (photos.ImageFormParser, photos.ImageParser, photos.OctetsParser)

    @extend_schema(
        tags=["Images"],
        operation_id="image_upload",
        parameters=[
            IDEMPOTENCY_KEY,
            OpenApiParameter(
                "alt",
                {"type": "string", "maxLength": 500},
                description="With a bare body.",
            ),
            OpenApiParameter(
                "position", {"type": "integer", "minimum": 1, "maximum": 1000}, description="The same."
            ),
        ],
        request={"multipart/form-data": _FORM, **dict.fromkeys(photos.MEDIA_TYPES, _BINARY)},
        responses={
            202: shapes.ListedImageSerializer,
            200: OpenApiResponse(shapes.ListedImageSerializer, "The product has this picture: that one."),
        },
    )
    def post(self, request: Request, product_id: UUID) -> Response:
        """Upload a picture of at most 20 MB and 50 megapixels.

        JPEG, PNG, WebP, GIF (its first frame) or AVIF; the bytes say which. It is looked at in the
        background; `state` tells what came of it.
        """
        images.check_product(merchant_id=self.merchant.pk, product_id=product_id)
        file, said = photos.image_of(request)

        def run() -> tuple[int, bodies.Body]:
            row, is_new = images.upload(
                merchant_id=self.merchant.pk,
                product_id=product_id,
                file=file,
                alt=said["alt"],
                position=said.get("position"),
                now=timezone.now(),
            )
            return 202 if is_new else 200, bodies.listed_image(row)

        key = http.idempotency_key(request)
        if key is None:
            status, reply = run()
            return Response(reply, status=status)
        parts = (b"image", request.get_full_path().encode(), orjson.dumps(said, option=orjson.OPT_SORT_KEYS))
        answer = idempotency.once(
            caller=http.caller_of(request),
            key=key,
            # Not the whole request: a form's boundary differs each time the same file is sent.
            fingerprint=idempotency.fingerprint(*parts, content.fingerprint(file)[0].encode()),
            run=lambda: _plain(*run()),
        )
        headers = {"Idempotent-Replayed": "true"} if answer.replayed else None
        return Response(answer.reply, status=answer.status, headers=headers)


def _plain(status: int, body: bodies.Body) -> tuple[int, bodies.Body]:
    plain: bodies.Body = orjson.loads(JSONRenderer().render(body))
    return status, plain


class ImageView(http.MerchantView):
    """One picture."""

    @extend_schema(tags=["Images"], operation_id="image_get", responses=shapes.ListedImageSerializer)
    def get(self, request: Request, product_id: UUID, image_id: UUID) -> Response:
        """Return a picture, and what we have of it."""
        row = images.one(merchant_id=self.merchant.pk, product_id=product_id, image_id=image_id)
        return Response(bodies.listed_image(row))

    @extend_schema(
        tags=["Images"],
        operation_id="image_change",
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.ImageChangeSerializer,
        responses=shapes.ListedImageSerializer,
    )
    def patch(self, request: Request, product_id: UUID, image_id: UUID) -> Response:
        """Describe a picture anew, or move it to another place."""
        sent: dict[str, Any] = edge.sent(shapes.ImageChangeSerializer, request)

        def run() -> tuple[int, bodies.Body]:
            row = images.change(
                merchant_id=self.merchant.pk,
                product_id=product_id,
                image_id=image_id,
                alt=sent.get("alt"),
                position=sent.get("position"),
                now=timezone.now(),
            )
            return 200, bodies.listed_image(row)

        return http.write_once(request, run)

    @extend_schema(
        tags=["Images"],
        operation_id="image_remove",
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, product_id: UUID, image_id: UUID) -> Response:
        """Take a picture away. Its files go a day later, unless another product has it, too."""

        def run() -> tuple[int, None]:
            images.remove(
                merchant_id=self.merchant.pk, product_id=product_id, image_id=image_id, now=timezone.now()
            )
            return 204, None

        return http.write_once(request, run)


class RetryImageView(http.MerchantView):
    """Trying one picture again."""

    @extend_schema(
        tags=["Images"],
        operation_id="image_retry",
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses=shapes.ListedImageSerializer,
    )
    def post(self, request: Request, product_id: UUID, image_id: UUID) -> Response:
        """Have a picture that failed fetched again."""

        def run() -> tuple[int, bodies.Body]:
            row = images.retry(
                merchant_id=self.merchant.pk, product_id=product_id, image_id=image_id, now=timezone.now()
            )
            return 200, bodies.listed_image(row)

        return http.write_once(request, run)
