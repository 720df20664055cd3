"""HTTP doors of feeds that are fetched; rows start from the merchant of the key."""

from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import bodies
from catalog.feeds import sources
from catalog.models import FeedFetch, FeedSource
from catalog.serializers import sources as shapes
from catalog.views import edge, tagged
from commerce import http
from commerce.schema import IDEMPOTENCY_KEY, IF_MATCH


class FeedsView(edge.PagedView):
    """The merchant's feeds that are fetched."""

    queryset = FeedSource.objects.none()
    serializer_class = shapes.FeedSerializer
    filter_backends = ()
    show = staticmethod(bodies.feed)

    def get_queryset(self) -> QuerySet[FeedSource]:
        """Return the merchant's feeds."""
        return sources.of_merchant(merchant_id=self.merchant.pk)

    @extend_schema(tags=["Feeds"], operation_id="feed_list", responses=shapes.FeedSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the feeds that are fetched, newest first."""
        return self.page(request)

    @extend_schema(
        tags=["Feeds"],
        operation_id="feed_create",
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.FeedWriteSerializer,
        responses={201: shapes.FeedSerializer},
    )
    def post(self, request: Request) -> Response:
        """Have a feed fetched, the first time at once; what came is an import like any other."""
        sent = edge.sent(shapes.FeedWriteSerializer, request)

        def run() -> tuple[int, bodies.Body]:
            return 201, bodies.feed(sources.create(merchant_id=self.merchant.pk, now=timezone.now(), **sent))

        return http.write_once(request, run)


class FeedView(http.MerchantView):
    """One feed that is fetched."""

    @extend_schema(tags=["Feeds"], operation_id="feed_get", responses=shapes.FeedSerializer)
    def get(self, request: Request, feed_id: UUID) -> Response:
        """Return a feed and when it is due."""
        return self.answer(tagged.feed(self.merchant.pk, feed_id))

    @extend_schema(
        tags=["Feeds"],
        operation_id="feed_change",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        request=shapes.FeedChangeSerializer,
        responses=shapes.FeedSerializer,
    )
    def patch(self, request: Request, feed_id: UUID) -> Response:
        """Change a feed, or turn it on or off."""
        sent = edge.sent(shapes.FeedChangeSerializer, request)

        def run() -> tuple[int, bodies.Body]:
            return 200, bodies.feed(
                sources.change(merchant_id=self.merchant.pk, feed_id=feed_id, now=timezone.now(), **sent)
            )

        return http.write_once(request, run, tagged.feed(self.merchant.pk, feed_id))

    @extend_schema(
        tags=["Feeds"],
        operation_id="feed_remove",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, feed_id: UUID) -> Response:
        """Fetch a feed no more; what was imported of it stays. Operations keep what they turned off."""

        def run() -> tuple[int, None]:
            sources.remove(merchant_id=self.merchant.pk, feed_id=feed_id)
            return 204, None

        return http.write_once(request, run, tagged.feed(self.merchant.pk, feed_id))


class FetchFeedView(http.MerchantView):
    """Fetching one feed now."""

    @extend_schema(
        tags=["Feeds"],
        operation_id="feed_fetch",
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses={202: shapes.FeedSerializer},
    )
    def post(self, request: Request, feed_id: UUID) -> Response:
        """Have a feed fetched now, within seconds."""

        def run() -> tuple[int, bodies.Body]:
            row = sources.fetch_now(merchant_id=self.merchant.pk, feed_id=feed_id, now=timezone.now())
            return 202, bodies.feed(row)

        return http.write_once(request, run)


class FetchesView(edge.PagedView):
    """What came of fetching a feed."""

    queryset = FeedFetch.objects.none()
    serializer_class = shapes.FeedFetchSerializer
    filter_backends = ()
    show = staticmethod(bodies.feed_fetch)

    def get_queryset(self) -> QuerySet[FeedFetch]:
        """Return the times that one of the merchant's feeds was fetched."""
        return sources.fetches(merchant_id=self.merchant.pk, feed_id=self.kwargs["feed_id"])

    @extend_schema(
        tags=["Feeds"], operation_id="feed_fetch_list", responses=shapes.FeedFetchSerializer(many=True)
    )
    def get(self, request: Request, feed_id: UUID) -> Response:
        """List the times that a feed was fetched, newest first; kept for 90 days."""
        return self.page(request)
