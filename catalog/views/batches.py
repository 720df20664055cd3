"""HTTP doors of batches for merchants' systems; rows start from the merchant of the key."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import batches, bodies
from catalog.feeds.formats import rows
from catalog.serializers import batches as shapes
from catalog.views import edge
from commerce import http
from commerce.schema import IDEMPOTENCY_KEY


class ProductBatchView(http.MerchantView):
    """Many products at a time."""

    @extend_schema(
        tags=["Products"],
        operation_id="product_batch",
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.ProductBatchSerializer,
        responses=shapes.BatchResultSerializer,
    )
    def post(self, request: Request) -> Response:
        """Make or change up to 1,000 products by your own handles, with variants, prices and stock.

        What is left out stays. Each row is taken for itself; the answer says what became of it.
        """
        sent = edge.sent(shapes.ProductBatchSerializer, request)["products"]
        who = edge.caller(request)
        merchant = self.merchant

        def run() -> tuple[int, bodies.Body]:
            plain, versions = rows.versions(sent)
            results = batches.put_products(
                merchant_id=merchant.pk,
                currency=merchant.currency,
                sent=list(rows.products(plain, currency=merchant.currency)),
                now=timezone.now(),
                by=who,
                versions=versions,
            )
            return 200, bodies.batch(results)

        return http.write_once(request, run)


class StockBatchView(http.MerchantView):
    """The stock of many SKUs at a time."""

    @extend_schema(
        tags=["Stock"],
        operation_id="stock_batch",
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.StockBatchSerializer,
        responses=shapes.BatchResultSerializer,
    )
    def post(self, request: Request) -> Response:
        """Say how many units of up to 1,000 SKUs can be promised from now on."""
        who = edge.caller(request)
        read = list(rows.levels(edge.sent(shapes.StockBatchSerializer, request)["stock"]))

        def run() -> tuple[int, bodies.Body]:
            results = batches.set_stock(merchant_id=self.merchant.pk, sent=read, now=timezone.now(), by=who)
            return 200, bodies.batch(results)

        return http.write_once(request, run)


class PriceBatchView(http.MerchantView):
    """The prices of many SKUs at a time."""

    @extend_schema(
        tags=["Prices"],
        operation_id="price_batch",
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.PriceBatchSerializer,
        responses=shapes.BatchResultSerializer,
    )
    def post(self, request: Request) -> Response:
        """Set the prices of up to 1,000 SKUs from now on; those before are closed and kept."""
        read = list(rows.prices(edge.sent(shapes.PriceBatchSerializer, request)["prices"]))
        merchant = self.merchant

        def run() -> tuple[int, bodies.Body]:
            results = batches.set_prices(
                merchant_id=merchant.pk, currency=merchant.currency, sent=read, now=timezone.now()
            )
            return 200, bodies.batch(results)

        return http.write_once(request, run)
