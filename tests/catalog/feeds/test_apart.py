"""A feed with its rows in any order says what they say together, and nothing new the next time."""

import csv
import io
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.feeds import imports
from catalog.feeds.formats import detect
from catalog.models import Import, Price, Product, StockMovement, Variant
from commerce.models import Merchant
from tests.catalog import make
from tests.catalog.make import NOW, feed, row

pytestmark = pytest.mark.django_db

COUNTS = (
    *("products_created", "products_updated", "products_unchanged", "skipped", "problems_count", "rows_done"),
    *("variants_created", "variants_updated", "variants_unchanged", "status", "error"),
)
KINDS = ("Soap", "Bar", "")
COLORS, SIZES = ("Red", "Sky", "Tan", ""), ("S", "M", "L", "")


def read(seller: Merchant, body: bytes, *, dry_run: bool = False, in_steps: bool = False) -> Import:
    """Import a feed, also step by step, each by somebody who begins anew; returns the job as it ended."""
    job = make.import_of(seller, body, dry_run=dry_run)
    while imports.run(import_id=job.pk, now=NOW, go_on=lambda: not in_steps) is imports.Progress.MORE:
        pass
    job.refresh_from_db()
    assert (job.status, job.error, job.rows_done) == ("done", "", job.rows_total)
    return job


def counts(job: Import) -> dict[str, Any]:
    return {name: getattr(job, name) for name in COUNTS}


def state(seller: Merchant) -> list[Any]:
    """Return everything that an import could change, as it stands in the database."""
    mine = (model.objects.filter(merchant=seller) for model in (Product, Variant, Price, StockMovement))
    rows = [list(each.order_by("pk").values()) for each in mine]
    pictures = Product.objects.filter(merchant=seller).order_by("pk", "images__position")
    return [*rows, list(pictures.values_list("images__url", "images__alt"))]


def said(seller: Merchant) -> dict[str, Any]:
    """Return what a merchant has, whatever its ids and the order in which it was made."""
    return {
        one.handle: (
            *(one.title, one.product_type, one.tags, one.vendor, one.option_names, one.status),
            [
                (each.title, each.options, each.sku, each.prices.get().amount, make.left(each))
                for each in one.variants.order_by("position")
            ],
            list(one.images.order_by("position").values_list("url", flat=True)),
        )
        for one in Product.objects.filter(merchant=seller)
    }


def shopify(rows: list[dict[str, str]]) -> bytes:
    return feed(
        *(
            row(
                each["group"],
                title=each["title"],
                type=each["kind"],
                tags=each["kind"],
                name="Color",
                value=each["color"],
                name2="Size",
                value2=each["size"],
                sku=each["id"],
                price=each["price"],
                quantity="3",
                image=each["image"],
            )
            for each in rows
        )
    )


GOOGLE = {
    "id": "id",
    "group": "item_group_id",
    "title": "title",
    "kind": "product_type",
    "price": "price",
    "color": "color",
    "size": "size",
    "image": "image_link",
}


def google_tsv(rows: list[dict[str, str]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter="\t")
    writer.writerow([*GOOGLE.values(), "quantity"])
    writer.writerows([*(each[ours] for ours in GOOGLE), "3"] for each in rows)
    return file.getvalue().encode()


def google_xml(rows: list[dict[str, str]]) -> bytes:
    items = [
        "".join(f"<g:{name}>{each[ours]}</g:{name}>" for ours, name in GOOGLE.items() if each[ours])
        for each in rows
    ]
    body = "".join(f"<item>{item}<g:quantity>3</g:quantity></item>\n" for item in items)
    return f'<rss xmlns:g="http://base.google.com/ns/1.0"><channel>{body}</channel></rss>'.encode()


WRITERS = {detect.SHOPIFY: shopify, detect.GOOGLE_TSV: google_tsv, detect.GOOGLE_XML: google_xml}

line = st.fixed_dictionaries(
    {
        "group": st.sampled_from(["a", "b", "c", ""]),
        "title": st.sampled_from(["Soap", "Soap, red", "Bar"]),
        "kind": st.sampled_from(KINDS),
        "color": st.sampled_from(COLORS),
        "size": st.sampled_from(SIZES),
        "id": st.sampled_from([f"S{n}" for n in range(12)]),
        "price": st.sampled_from(["1.00", "2.50", "?"]),
        "image": st.sampled_from(["", "https://img.example.com/1.jpg", "https://img.example.com/2.jpg"]),
    }
)


@pytest.mark.parametrize("form", WRITERS)
@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(rows=st.lists(line, min_size=1, max_size=14), batch=st.integers(1, 3), in_steps=st.booleans())
def test_rows_in_any_order_change_nothing_the_second_time_and_are_counted_by_a_dry_run(
    form: str, rows: list[dict[str, str]], batch: int, in_steps: bool
) -> None:
    body, seller = WRITERS[form](rows), make.merchant()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(imports, "BATCH_PRODUCTS", batch)
        tried = read(seller, body, dry_run=True)
        first = read(seller, body, in_steps=in_steps)
        before = state(seller)
        again = read(seller, body, in_steps=in_steps)
    assert counts(tried) == counts(first)
    assert make.problems(tried) == make.problems(first)
    assert state(seller) == before
    assert (again.products_created, again.products_updated) == (0, 0)
    assert (again.variants_created, again.variants_updated) == (0, 0)
    assert (again.skipped, again.variants_unchanged) == (first.skipped, first.variants_created)
    assert again.products_unchanged == first.products_created == len(before[0])


@pytest.mark.parametrize("form", WRITERS)
@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(rows=st.lists(line, min_size=1, max_size=14))
def test_rows_that_are_apart_say_what_they_say_together(form: str, rows: list[dict[str, str]]) -> None:
    # Each with an id of its own: of two with one id the first counts, and which is the first may differ.
    rows = [{**each, "id": f"S{n}"} for n, each in enumerate(rows)]
    grouped = sorted(rows, key=lambda each: each["group"] or each["id"] * (form != detect.SHOPIFY))
    one, other = make.merchant(), make.merchant()
    apart, together = read(one, WRITERS[form](rows)), read(other, WRITERS[form](grouped))
    assert said(one) == said(other)
    assert counts(apart) == counts(together)


def test_a_handle_that_comes_back_with_other_texts_changes_nothing_the_second_time() -> None:
    seller = make.merchant()
    body = feed(
        row("a", title="A", type="Soap", tags="x", name="N", value="1", sku="A1", price="1"),
        row("b", title="B", sku="B1", price="1"),
        row("a", title="A", type="Bar", tags="y", name="M", value="2", sku="A2", price="2"),
        row("a", value="3", sku="A1", price="2"),
    )
    job = read(seller, body)
    assert make.problems(job) == [(4, "PRODUCT_DIFFERS"), (4, "PRODUCT_DIFFERS"), (5, "DUPLICATE_SKU")]
    assert (job.products_created, job.products_updated, job.variants_created, job.skipped) == (2, 0, 3, 1)
    product = Product.objects.get(handle="a")
    assert (product.product_type, product.tags, product.option_names) == ("Soap", ["x"], ["N"])
    before = state(seller)
    assert read(seller, body).products_updated == 0
    assert state(seller) == before


def test_a_batch_has_no_more_rows_than_can_be_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "BATCH_ROWS", 4)
    seller = make.merchant()
    rows = [row(f"p{n % 3}", title="P", name="N", value=str(n), price="1") for n in range(9)]
    job = make.import_of(seller, feed(*rows))
    ends = []
    while imports.run(import_id=job.pk, now=NOW, go_on=lambda: False) is imports.Progress.MORE:
        job.refresh_from_db()
        ends.append((job.rows_done, Variant.objects.filter(merchant=seller).count()))
    assert ends == [(7, 3), (8, 6), (9, 9)]
