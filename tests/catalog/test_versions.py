"""The version of a product and of a variant: whoever changes what its merchant writes, and nothing else."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction

from catalog import products
from catalog.feeds import imports
from catalog.models import Product, ProductImage, Variant
from catalog.pricing import prices
from catalog.shelf import stock
from tests.catalog import make
from tests.catalog.make import NOW
from tests.orders.threads import at_once

# A transaction counts as one change, so each of these has its own.
pytestmark = pytest.mark.django_db(transaction=True)

FRONT = products.Image("https://img.example.com/1.jpg", "front")
BACK = products.Image("https://img.example.com/2.jpg")


@pytest.fixture
def one() -> Variant:
    pair = [
        products.NewVariant({"Size": size}, sku=size, price=prices.Quote(900, None, "EUR")) for size in "SM"
    ]
    made = make.product(make.merchant(), handle="soap", option_names=["Size"], images=[FRONT], variants=pair)
    return made.variants.get(sku="S")


def versions(one: Variant) -> tuple[Any, ...]:
    row = Variant.objects.select_related("product").get(pk=one.pk)
    return row.product.version, row.version, row.product.updated_at, row.updated_at


def change(one: Variant, **changes: Any) -> None:
    products.change(merchant_id=one.merchant_id, product_id=one.product_id, changes=changes, now=NOW)


def hang(one: Variant, *images: products.Image) -> None:
    products.change(
        merchant_id=one.merchant_id, product_id=one.product_id, changes={}, images=list(images), now=NOW
    )


def change_variant(one: Variant, **changes: Any) -> None:
    products.change_variant(merchant_id=one.merchant_id, variant_id=one.pk, changes=changes, now=NOW)


def read(one: Variant, **cells: str) -> None:
    row = {"title": "Velvet lipstick", "name": "Size", "value": "S", "sku": "S", "price": "9.00", **cells}
    job = make.import_of(one.merchant, make.feed(make.row("soap", **row)))
    assert imports.run(import_id=job.pk, now=NOW) is imports.Progress.FINISHED


def price(one: Variant, amount: int) -> None:
    quote = {one.pk: prices.Quote(amount, None, "EUR")}
    prices.change_many(merchant_id=one.merchant_id, quotes=quote, now=NOW)


@pytest.mark.parametrize(
    ("act", "product", "variant"),
    [
        (lambda one: change(one, title="New", vendor="Maison"), 1, 0),
        (lambda one: hang(one, BACK, FRONT), 1, 0),
        (lambda one: hang(one), 1, 0),
        (lambda one: change_variant(one, sku="XL"), 1, 1),
        (lambda one: products.add_variant(merchant_id=one.merchant_id, product_id=one.product_id,
                                          new=products.NewVariant({"Size": "L"}), now=NOW), 1, 0),
        (lambda one: Variant.objects.filter(sku="M").delete(), 1, 0),
        (lambda one: Variant.objects.update(weight_grams=5), 1, 1),
        (lambda one: ProductImage.objects.update(alt="back"), 1, 0),
        (lambda one: Product.objects.update(title="New"), 1, 0),
        (lambda one: read(one, title="New"), 1, 0),
        (lambda one: read(one, barcode="42"), 1, 1),
        (lambda one: read(one, image=BACK.url), 1, 0),
        (lambda one: read(one, title="New", barcode="42", image=BACK.url), 1, 1),
    ],
)  # fmt: skip
def test_a_change_grows_the_version_by_one_whoever_makes_it(
    one: Variant, act: Callable[[Variant], Any], product: int, variant: int
) -> None:
    before = versions(one)
    act(one)
    after = versions(one)
    assert (after[0] - before[0], after[1] - before[1]) == (product, variant)
    assert (after[2] > before[2], after[3] > before[3]) == (bool(product), bool(variant))


@pytest.mark.parametrize(
    "act",
    [
        lambda one: change(one, title="Velvet lipstick"),
        lambda one: hang(one, FRONT),
        lambda one: change_variant(one, sku="S"),
        lambda one: read(one),
        lambda one: price(one, 900),
        lambda one: stock.set_level(
            merchant_id=one.merchant_id, variant_id=one.pk, available=3, note="", now=NOW
        ),
        lambda one: Product.objects.update(title="Velvet lipstick", updated_at=NOW, version=9),
    ],
)
def test_the_same_again_and_stock_grow_nothing(one: Variant, act: Callable[[Variant], Any]) -> None:
    before = versions(one)
    act(one)
    assert versions(one) == before


def test_a_price_is_a_change_of_its_variant_and_no_version_of_it(one: Variant) -> None:
    before = versions(one)
    price(one, 950)
    after = versions(one)
    assert after[:3] == before[:3]
    assert after[3] > before[3]


def test_what_was_read_before_others_wrote_takes_no_version_back(one: Variant) -> None:
    stale = Product.objects.get(pk=one.product_id)
    change(one, title="New")
    change(one, title="Newer")
    newest = versions(one)[0]
    stale.save()
    assert versions(one)[0] == newest + 1


def test_a_variant_that_moves_changes_both_products(one: Variant) -> None:
    other = make.product(one.merchant)
    before = Product.objects.get(pk=other.pk).version, versions(one)[0]
    Variant.objects.filter(pk=one.pk).update(product=other)
    assert [Product.objects.get(pk=pk).version for pk in (other.pk, one.product_id)] == [
        version + 1 for version in before
    ]


def test_writers_at_the_same_moment_count_each_of_them(one: Variant) -> None:
    before = versions(one)[0]
    acts: list[Callable[[], Any]] = [lambda: read(one, barcode="42")]
    acts += [partial(change_variant, one, weight_grams=n) for n in range(1, 5)]
    acts += [partial(change, one, vendor=f"Maison {n}") for n in range(4)]
    assert [outcome for outcome in at_once(acts) if isinstance(outcome, Exception)] == []
    assert versions(one)[0] == before + 9


def test_many_products_at_once_are_marked_in_the_order_of_their_ids() -> None:
    """Two statements that change variants of the same products in other orders do not wait for each other."""
    seller = make.merchant()
    mine = [make.variant(seller) for _ in range(30)]

    def touch(rows: list[Variant], grams: int) -> None:
        # As a stranger to our verbs would: without the product first.
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE catalog_variant SET weight_grams = %s WHERE id = ANY(%s::uuid[])",
                [grams, [str(row.pk) for row in rows]],
            )

    halves = [mine[::2], mine[1::2]]
    acts = [lambda n=n: touch(halves[n % 2], n) for n in range(1, 9)]
    assert [outcome for outcome in at_once(acts) if isinstance(outcome, Exception)] == []
    assert {product_version(row.product_id) for row in mine} == {5}


def product_version(pk: UUID) -> int:
    return Product.objects.values_list("version", flat=True).get(pk=pk)
