"""Lists take the same statements however many rows, and these read an index of theirs, not the table."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog import products
from catalog.models import Category, Product
from commerce.models import Merchant
from tests.catalog import make
from tests.catalog.api import Api

pytestmark = pytest.mark.django_db


def fill(of: Merchant, first: int, count: int) -> None:
    Category.objects.get_or_create(code="lips", defaults={"name": "Lips"})
    for n in range(first, first + count):
        pair = [products.NewVariant({"Size": size}, sku=f"{size}{n}", barcode="42", units=n) for size in "SM"]
        make.product(
            of,
            handle=f"h{n}",
            vendor="Maison",
            tags=["matte"],
            category="lips",
            attributes={"finish": "matte"},
            option_names=["Size"],
            variants=pair,
            images=[products.Image("https://img.example.com/1.jpg")],
        )


@pytest.mark.parametrize(
    ("path", "statements"),
    [
        ("products", 3),
        ("products?status=approved", 3),
        ("products?vendor=maison", 3),
        ("products?updated_since=2000-01-01T00:00:00Z", 4),
        ("variants?updated_since=2000-01-01T00:00:00Z", 3),
        ("products?q=velvet", 3),
        ("products?q=velvet&status=approved&language=en", 3),
        ("products?tag=matte&attribute=finish:matte", 3),
        ("products?category=lips", 5),
        ("variants", 2),
        ("variants?barcode=42", 2),
        ("variants?announced=false", 2),
    ],
)
def test_a_list_takes_the_same_statements_however_many_rows(path: str, statements: int) -> None:
    api = Api(make.merchant())
    taken = []
    for first, count in ((0, 1), (1, 19)):
        fill(api.merchant, first, count)
        with CaptureQueriesContext(connection) as made:
            reply = api.get(f"{path}{'&' if '?' in path else '?'}page_size=200")
        assert reply.status == 200
        assert len(reply.body["results"]) in (first + count, 2 * (first + count))
        # Who calls is told by other statements, which are counted elsewhere.
        taken.append(sum("commerce_merchant" not in query["sql"] for query in made))
    assert taken == [statements, statements]


@pytest.mark.parametrize(
    ("path", "statements"),
    [
        ("products?handle=h0", 3),
        ("products?type=none", 1),
        ("products?q=S0", 3),
        ("variants?sku=S0", 2),
        ("variants?product={product}", 2),
        ("imports", 1),
        ("imports/{job}", 1),
        ("imports/{job}/problems", 2),
        ("exports", 1),
        ("commission-plans", 1),
        ("locations", 1),
        ("stock", 2),
        ("stock/movements", 1),
        ("prices/schedule", 1),
        ("products/{product}", 4),
        ("products/{product}/reviews", 2),
        ("variants/{variant}", 2),
        ("variants/{variant}/price", 5),
        ("variants/{variant}/floor", 3),
        ("variants/{variant}/parts", 3),
        ("variants/{variant}/stock", 3),
    ],
)
def test_whatever_is_asked_takes_the_same_statements_however_much_there_is(
    path: str, statements: int
) -> None:
    api = Api(make.merchant())
    fill(api.merchant, 0, 1)
    product = Product.objects.get(merchant=api.merchant)
    job = make.import_of(api.merchant, make.simple_feed(1))
    where = path.format(product=product.pk, variant=product.variants.all()[0].pk, job=job.pk)
    api.get("locations")  # The first use of a key in a minute writes when that was.
    taken = []
    for first, count in ((1, 0), (1, 19)):
        fill(api.merchant, first, count)
        with CaptureQueriesContext(connection) as made:
            reply = api.get(where)
        assert reply.status == 200
        taken.append(sum("commerce_merchant" not in query["sql"] for query in made))
    assert taken == [statements, statements]
