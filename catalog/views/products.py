"""HTTP doors of products and variants for merchants' systems; rows start from the merchant of the key."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import bodies, filters, listed, products, queries
from catalog.models import Product, Variant
from catalog.serializers import products as shapes
from catalog.serializers import variants as variant_shapes
from catalog.views import edge, ranked, tagged
from commerce import following, http
from commerce.schema import IDEMPOTENCY_KEY, IF_MATCH


class ProductsView(edge.PagedView):
    """The merchant's products."""

    queryset = Product.objects.none()
    serializer_class = shapes.ProductSerializer
    filterset_class = filters.ProductFilter
    pagination_class = ranked.SearchPagination
    show = staticmethod(bodies.product)

    def get_queryset(self) -> QuerySet[Product]:
        """Return the merchant's products, their variants and pictures left for the page to read."""
        return queries.listed(merchant_id=self.merchant.pk)

    def shown(self, rows: Sequence[Product]) -> list[bodies.Body]:
        """Render the products of a page, with their variants and pictures read at once."""
        goods: dict[UUID, list[Any]] = {}
        pictures: dict[UUID, list[Any]] = {}
        ids, merchant_id = [row.pk for row in rows], self.merchant.pk
        if ids and "variants" in self.wanted:
            parts = tagged.parts_of_variant(self.wanted.of("variants"))
            goods = listed.variants(ids, merchant_id=merchant_id, **parts)
        if ids and "images" in self.wanted:
            pictures = listed.pictures(ids, merchant_id=merchant_id)
        return [bodies.listed_product(row, goods.get(row.pk, ()), pictures.get(row.pk, ())) for row in rows]

    @extend_schema(
        tags=["Products"], operation_id="product_list", responses=shapes.ProductSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """List products with variants and pictures, newest first.

        With `q` best first, of the newest 1,000 that it finds.
        """
        return self.page(request)

    @extend_schema(
        tags=["Products"],
        operation_id="product_create",
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.ProductWriteSerializer,
        responses={201: shapes.ProductSerializer},
    )
    def post(self, request: Request) -> Response:
        """Make a product with its variants, prices and first stock."""
        sent = edge.sent(shapes.ProductWriteSerializer, request)
        new = _new_product(sent, self.merchant.currency)

        def run() -> tuple[int, bodies.Body]:
            made = products.create(
                merchant_id=self.merchant.pk, new=new, now=timezone.now(), by=edge.caller(request)
            )
            return 201, bodies.product(queries.product(merchant_id=self.merchant.pk, product_id=made.pk))

        return http.write_once(request, run)


class ProductView(http.MerchantView):
    """One product."""

    @extend_schema(tags=["Products"], operation_id="product_get", responses=shapes.ProductSerializer)
    def get(self, request: Request, product_id: UUID) -> Response:
        """Return a product with variants and pictures."""
        return self.answer(tagged.product(self.merchant.pk, product_id, self.wanted))

    @extend_schema(
        tags=["Products"],
        operation_id="product_change",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        request=shapes.ProductChangeSerializer,
        responses=shapes.ProductSerializer,
    )
    def patch(self, request: Request, product_id: UUID) -> Response:
        """Change a product: what is sent changes, the rest stays."""
        about = tagged.product(self.merchant.pk, product_id)
        changes = edge.sent(shapes.ProductChangeSerializer, request)
        images = _images(changes.pop("images")) if "images" in changes else None
        if "type" in changes:
            changes["product_type"] = changes.pop("type")

        def run() -> tuple[int, bodies.Body]:
            products.change(
                merchant_id=self.merchant.pk,
                product_id=product_id,
                changes=changes,
                images=images,
                now=timezone.now(),
            )
            return 200, about.look()

        return http.write_once(request, run, about)


class NewVariantView(http.MerchantView):
    """The variants of a product."""

    @extend_schema(
        tags=["Products"],
        operation_id="variant_create",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        request=variant_shapes.VariantWriteSerializer,
        responses={201: variant_shapes.VariantSerializer},
    )
    def post(self, request: Request, product_id: UUID) -> Response:
        """Add a variant with its price and first stock."""
        new = _new_variant(edge.sent(variant_shapes.VariantWriteSerializer, request), self.merchant.currency)

        def run() -> tuple[int, bodies.Body]:
            made = products.add_variant(
                merchant_id=self.merchant.pk,
                product_id=product_id,
                new=new,
                now=timezone.now(),
                by=edge.caller(request),
            )
            row = queries.variant(merchant_id=self.merchant.pk, variant_id=made.pk)
            return 201, bodies.variant(row, row.product)

        return http.write_once(request, run, tagged.product(self.merchant.pk, product_id))


class VariantsView(edge.PagedView):
    """The merchant's variants."""

    queryset = Variant.objects.none()
    serializer_class = variant_shapes.VariantSerializer
    filterset_class = filters.VariantFilter
    pagination_class = following.FollowingPagination

    @staticmethod
    def show(row: Variant) -> bodies.Body:
        """Render one variant."""
        return bodies.variant(row, row.product)

    def get_queryset(self) -> QuerySet[Variant]:
        """Return the merchant's variants."""
        return queries.variants(merchant_id=self.merchant.pk, **tagged.parts_of_variant(self.wanted))

    @extend_schema(
        tags=["Products"], operation_id="variant_list", responses=variant_shapes.VariantSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """List variants, newest first; filter to find one by SKU."""
        return self.page(request)


class VariantView(http.MerchantView):
    """One variant."""

    @extend_schema(tags=["Products"], operation_id="variant_get", responses=variant_shapes.VariantSerializer)
    def get(self, request: Request, variant_id: UUID) -> Response:
        """Return a variant with its price and stock."""
        return self.answer(tagged.variant(self.merchant.pk, variant_id, self.wanted))

    @extend_schema(
        tags=["Products"],
        operation_id="variant_change",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        request=variant_shapes.VariantChangeSerializer,
        responses=variant_shapes.VariantSerializer,
    )
    def patch(self, request: Request, variant_id: UUID) -> Response:
        """Change a variant: what is sent changes, the rest stays."""
        about = tagged.variant(self.merchant.pk, variant_id)
        changes = edge.sent(variant_shapes.VariantChangeSerializer, request)

        def run() -> tuple[int, bodies.Body]:
            products.change_variant(
                merchant_id=self.merchant.pk, variant_id=variant_id, changes=changes, now=timezone.now()
            )
            return 200, about.look()

        return http.write_once(request, run, about)


def _new_product(sent: dict[str, Any], currency: str) -> products.NewProduct:
    return products.NewProduct(
        handle=sent["handle"],
        title=sent["title"],
        description=sent["description"],
        vendor=sent["vendor"],
        product_type=sent["type"],
        tags=sent["tags"],
        option_names=sent["options"],
        status=sent["status"],
        language=sent["language"],
        category=sent["category"],
        attributes=sent["attributes"],
        images=_images(sent["images"]),
        variants=[_new_variant(one, currency) for one in sent["variants"]],
    )


def _new_variant(sent: dict[str, Any], currency: str) -> products.NewVariant:
    return products.NewVariant(
        options=sent["options"],
        sku=sent["sku"],
        barcode=sent["barcode"],
        weight_grams=sent["weight_grams"],
        price=edge.quote(sent["price"], currency) if sent["price"] else None,
        units=sent["available"],
        release_at=sent["release_at"],
    )


def _images(sent: list[dict[str, Any]]) -> list[products.Image]:
    return [products.Image(url=image["url"], alt=image["alt"]) for image in sent]
