"""Products and variants, made and changed one at a time."""

import pytest
from django.db import IntegrityError, transaction

from catalog import products, queries, reviewing
from catalog.models import Product, ProductImage, Variant
from catalog.pricing import prices
from catalog.shelf import stock
from tests.catalog import make
from tests.catalog.make import NOW, after

pytestmark = pytest.mark.django_db

NewVariant = products.NewVariant


def test_a_product_comes_with_variants_prices_and_stock() -> None:
    seller = make.merchant()
    made = make.product(
        seller,
        option_names=["Size", "Shade"],
        images=[products.Image("https://img.example.com/1.jpg", "front")],
        variants=[
            NewVariant(
                options={"Shade": "Red", "Size": "S"}, sku="A", units=3, price=prices.Quote(500, 600, "EUR")
            ),
            NewVariant(options={"Size": "M"}),
        ],
    )
    first, second = queries.product(merchant_id=seller.pk, product_id=made.pk).variants.all()
    assert (first.title, first.sku, first.stock.available) == ("S / Red", "A", 3)
    assert [price.amount for price in first.prices.all()] == [500]
    assert (second.title, second.stock.available, second.prices.count()) == ("M", 0, 0)
    assert [image.alt for image in made.images.all()] == ["front"]


@pytest.mark.parametrize(
    ("names", "options"),
    [
        ([], {"Size": "S"}),
        (["Size"], {}),
        (["Size"], {"Size": ""}),
        (["Size"], {"Shade": "Red"}),
        (["Size"], {"Size": "S", "Shade": "Red"}),
        (["Size", "Shade"], {"Size": "s" * 200, "Shade": "r" * 200}),
    ],
)
def test_options_have_to_be_the_products(names: list[str], options: dict[str, str]) -> None:
    with pytest.raises(products.BadOptions):
        make.product(make.merchant(), option_names=names, variants=[NewVariant(options=options)])
    assert not Product.objects.exists()


def test_what_is_taken_is_refused_by_name_and_nothing_is_left() -> None:
    seller = make.merchant()
    make.variant(seller, sku="A", handle="soap")
    with pytest.raises(products.HandleTaken):
        make.product(seller, handle="soap")
    with pytest.raises(products.SkuTaken):
        make.product(seller, handle="cream", variants=[NewVariant(sku="A")])
    with pytest.raises(products.VariantTaken):
        make.product(seller, handle="cream", variants=[NewVariant(), NewVariant()])
    picture = products.Image("https://img.example.com/1.jpg")
    with pytest.raises(products.ImageTaken):
        make.product(seller, handle="cream", images=[picture, picture])
    assert not Product.objects.filter(handle="cream").exists()


def test_two_merchants_may_use_the_same_handle_and_sku() -> None:
    for seller in (make.merchant(), make.merchant()):
        make.variant(seller, sku="A", handle="soap")
    assert Variant.objects.filter(sku="A").count() == 2


def test_a_change_touches_what_is_named() -> None:
    seller = make.merchant()
    made = make.product(seller, images=[products.Image("https://img.example.com/1.jpg")])
    pictures = [
        products.Image("https://img.example.com/2.jpg"),
        products.Image("https://img.example.com/1.jpg"),
    ]
    products.change(
        merchant_id=seller.pk, product_id=made.pk, changes={"title": "New"}, images=pictures, now=after(9)
    )
    made.refresh_from_db()
    assert (made.title, made.status) == ("New", "approved")
    urls = ProductImage.objects.filter(product=made).order_by("position").values_list("url", flat=True)
    assert [url[-5:] for url in urls] == ["2.jpg", "1.jpg"]


def test_retiring_is_final_and_may_be_said_twice() -> None:
    seller = make.merchant()
    made = make.product(seller)
    for _ in range(2):
        reviewing.retire(merchant_id=seller.pk, product_id=made.pk, now=NOW)
    made.refresh_from_db()
    assert made.status == "retired"


def test_a_variant_is_added_behind_the_others() -> None:
    seller = make.merchant()
    made = make.product(seller, option_names=["Size"], variants=[NewVariant(options={"Size": "S"})])
    added = products.add_variant(
        merchant_id=seller.pk,
        product_id=made.pk,
        new=NewVariant(options={"Size": "M"}, units=4),
        now=after(9),
    )
    assert (added.position, make.left(added)) == (2, 4)
    with pytest.raises(products.VariantTaken):
        products.add_variant(
            merchant_id=seller.pk, product_id=made.pk, new=NewVariant(options={"Size": "M"}), now=NOW
        )


def test_a_product_has_an_end_of_variants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "MAX_VARIANTS", 1)
    one = make.variant(make.merchant())
    with pytest.raises(products.TooManyVariants):
        products.add_variant(
            merchant_id=one.merchant_id, product_id=one.product_id, new=NewVariant(), now=NOW
        )


def test_a_variant_changes() -> None:
    seller = make.merchant()
    one, other = make.variant(seller, sku="A"), make.variant(seller, sku="B")
    products.change_variant(
        merchant_id=seller.pk, variant_id=one.pk, changes={"sku": "C", "is_active": False}, now=after(9)
    )
    one.refresh_from_db()
    assert (one.sku, one.is_active) == ("C", False)
    with pytest.raises(products.SkuTaken):
        products.change_variant(merchant_id=seller.pk, variant_id=one.pk, changes={"sku": other.sku}, now=NOW)


def test_another_merchants_goods_are_unknown() -> None:
    one, stranger = make.variant(make.merchant()), make.merchant()
    with pytest.raises(queries.UnknownProduct):
        products.change(merchant_id=stranger.pk, product_id=one.product_id, changes={"title": "x"}, now=NOW)
    with pytest.raises(queries.UnknownProduct):
        reviewing.retire(merchant_id=stranger.pk, product_id=one.product_id, now=NOW)
    with pytest.raises(queries.UnknownProduct):
        products.add_variant(merchant_id=stranger.pk, product_id=one.product_id, new=NewVariant(), now=NOW)
    with pytest.raises(queries.UnknownVariant):
        products.change_variant(merchant_id=stranger.pk, variant_id=one.pk, changes={"sku": "x"}, now=NOW)


def test_units_out_of_bounds_make_no_product() -> None:
    with pytest.raises(stock.TooMuchStock):
        make.product(make.merchant(), variants=[NewVariant(units=-1)])
    assert not Product.objects.exists()


def test_the_table_itself_keeps_a_variant_with_its_merchant() -> None:
    one, stranger = make.variant(make.merchant()), make.merchant()
    with pytest.raises(IntegrityError, match="same_merchant"), transaction.atomic():
        Variant.objects.create(merchant=stranger, product=one.product, title="x")
    with pytest.raises(IntegrityError, match="same_merchant"), transaction.atomic():
        ProductImage.objects.create(merchant=stranger, product=one.product, url="https://img.example.com/x")
