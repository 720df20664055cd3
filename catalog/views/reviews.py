"""HTTP doors of a product's life: submitted, withdrawn, retired, brought back, and what became of it."""

from collections.abc import Callable
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import bodies, queries, reviewing
from catalog.models import ProductReview
from catalog.serializers import products as product_shapes
from catalog.serializers import reviews as shapes
from catalog.views import edge, tagged
from commerce import http
from commerce.schema import IDEMPOTENCY_KEY, IF_MATCH


class _MoveView(http.MerchantView):
    """A change of a product's status."""

    def moved(self, request: Request, product_id: UUID, move: Callable[[], None]) -> Response:
        """Answer with the product as it is after the move."""
        about = tagged.product(self.merchant.pk, product_id)

        def run() -> tuple[int, bodies.Body]:
            move()
            return 200, about.look()

        return http.write_once(request, run, about)


class SubmitView(_MoveView):
    """Asking for sale."""

    @extend_schema(
        tags=["Products"],
        operation_id="product_submit",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        request=None,
        responses=product_shapes.ProductSerializer,
    )
    def post(self, request: Request, product_id: UUID) -> Response:
        """Ask for a draft's sale: reviewed by the operator first, where your goods are. Again is fine."""

        def move() -> None:
            reviewing.submit(merchant_id=self.merchant.pk, product_id=product_id, now=timezone.now())

        return self.moved(request, product_id, move)


class WithdrawView(_MoveView):
    """Making a draft again."""

    @extend_schema(
        tags=["Products"],
        operation_id="product_withdraw",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        request=None,
        responses=product_shapes.ProductSerializer,
    )
    def post(self, request: Request, product_id: UUID) -> Response:
        """Make a draft of what is on sale or waits for its review. Again is fine."""

        def move() -> None:
            reviewing.withdraw(merchant_id=self.merchant.pk, product_id=product_id, now=timezone.now())

        return self.moved(request, product_id, move)


class RetireView(_MoveView):
    """Taking a product off sale."""

    @extend_schema(
        tags=["Products"],
        operation_id="product_retire",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        request=shapes.RetireSerializer,
        responses=product_shapes.ProductSerializer,
    )
    def post(self, request: Request, product_id: UUID) -> Response:
        """Take a product off sale; what was sold stays sold. Again is fine; a body is not needed."""
        reason = edge.sent(shapes.RetireSerializer, request)["reason"]

        def move() -> None:
            reviewing.retire(
                merchant_id=self.merchant.pk, product_id=product_id, reason=reason, now=timezone.now()
            )

        return self.moved(request, product_id, move)


class RestoreView(_MoveView):
    """Bringing back what was retired."""

    @extend_schema(
        tags=["Products"],
        operation_id="product_restore",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        request=None,
        responses=product_shapes.ProductSerializer,
    )
    def post(self, request: Request, product_id: UUID) -> Response:
        """Ask for the sale of a retired product; it is reviewed anew where your goods are. Again is fine."""

        def move() -> None:
            reviewing.restore(merchant_id=self.merchant.pk, product_id=product_id, now=timezone.now())

        return self.moved(request, product_id, move)


class ReviewsView(edge.PagedView):
    """What became of a product."""

    queryset = ProductReview.objects.none()
    serializer_class = shapes.ReviewSerializer
    filter_backends = ()
    show = staticmethod(bodies.review)

    def get_queryset(self) -> QuerySet[ProductReview]:
        """Return the history of one of the merchant's products."""
        return queries.reviews(merchant_id=self.merchant.pk, product_id=self.kwargs["product_id"])

    @extend_schema(
        tags=["Products"],
        operation_id="product_review_list",
        responses=shapes.ReviewSerializer(many=True),
    )
    def get(self, request: Request, product_id: UUID) -> Response:
        """List every change of a product's status, by whom and why, newest first."""
        return self.page(request)
