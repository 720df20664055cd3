"""Goods that are made up are the same each time, and the same rows whichever way they come in."""

import io
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DataError, IntegrityError

from catalog import conflicts
from catalog.assortments import feeds, goods, loading
from catalog.copying import copy
from catalog.feeds import imports
from catalog.feeds.formats.writing import WRITERS
from catalog.models import Price, Product, ProductImage, Stock, StockMovement, Variant
from commerce import ids, money
from commerce.models import Merchant
from tests.catalog import make

FEW = 120


def told(table: Any, of: Merchant, key: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """Return a merchant's rows of a table by what they say: all but their ids, moments and notes."""
    left_out = ("id", "merchant", "note", "job")
    names = [
        field.name
        for field in table._meta.concrete_fields
        if field.name not in left_out
        and not field.is_relation
        and not field.name.endswith(("_at", "_from", "at"))
    ]
    rows = table.objects.filter(merchant=of).order_by(*key)
    return list(rows.values_list(*key, *names))


@pytest.mark.parametrize("currency", sorted(money.CURRENCIES))
def test_the_same_seed_makes_the_same_goods_and_as_many_variants_as_asked_for(currency: str) -> None:
    once, again = (list(goods.made_up(variants=FEW, currency=currency)) for _ in range(2))
    assert once == again
    assert once != list(goods.made_up(variants=FEW, currency=currency, seed=2))
    units = [unit for good in once for unit in good.units]
    assert len(units) == FEW
    assert len({unit.sku for unit in units}) == FEW
    assert all(0 < unit.amount <= money.MAX_AMOUNT for unit in units if unit.amount)
    assert not any(unit.amount % money.step(currency) for unit in units if unit.amount)


@pytest.mark.django_db
def test_goods_in_the_tables_are_the_rows_that_their_feed_writes() -> None:
    straight, fed = make.merchant(), make.merchant()
    assert sum(loading.load(merchant_id=straight.pk, goods=_made(), now=make.NOW)) == FEW
    job = make.import_of(fed, _feed("jsonl"))
    imports.run(import_id=job.pk, now=make.NOW)
    job.refresh_from_db()
    assert (job.status, job.problems_count, job.variants_created) == ("done", 0, FEW)
    tables: dict[Any, tuple[str, ...]] = {
        Product: ("handle",),
        ProductImage: ("product__handle", "position"),
        Variant: ("sku",),
        Price: ("variant__sku",),
        Stock: ("variant__sku",),
        StockMovement: ("variant__sku",),
    }
    for table, key in tables.items():
        rows = told(table, straight, key)
        assert rows == told(table, fed, key)
        assert rows
    again = make.import_of(straight, _feed("jsonl"))
    imports.run(import_id=again.pk, now=make.NOW)
    again.refresh_from_db()
    assert (again.products_created, again.products_updated, again.variants_updated) == (0, 0, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("form", list(WRITERS))
def test_every_format_of_its_feed_is_taken_whole(form: str) -> None:
    seller = make.merchant()
    job = make.import_of(seller, _feed(form))
    imports.run(import_id=job.pk, now=make.NOW)
    job.refresh_from_db()
    assert (job.format, job.status, list(job.problems.values_list("code", flat=True))) == (form, "done", [])
    assert Variant.objects.filter(merchant=seller).count() == FEW


@pytest.mark.django_db
def test_goods_that_are_there_already_are_not_added_twice() -> None:
    seller = make.merchant()
    list(loading.load(merchant_id=seller.pk, goods=_made(), now=make.NOW))
    with pytest.raises(IntegrityError):
        list(loading.load(merchant_id=seller.pk, goods=_made(), now=make.NOW))
    assert Variant.objects.filter(merchant=seller).count() == FEW


@pytest.mark.django_db(transaction=True)
def test_the_command_fills_the_tables_and_says_how_far_it_is() -> None:
    seller, said = make.merchant(), StringIO()
    call_command("assortment", variants=FEW, merchant=seller.slug, stdout=said)
    assert f"{FEW} variants of {seller.slug}" in said.getvalue()
    assert Stock.objects.filter(merchant=seller).count() == FEW
    with pytest.raises(CommandError, match="another --seed"):
        call_command("assortment", variants=FEW, merchant=seller.slug, stdout=said)
    with pytest.raises(CommandError, match="no merchant"):
        call_command("assortment", variants=FEW, merchant="nobody", stdout=said)


@pytest.mark.django_db
def test_the_command_writes_a_feed(tmp_path: Path) -> None:
    seller, path = make.merchant(), tmp_path / "feed.csv"
    call_command(
        "assortment", variants=FEW, merchant=seller.slug, file=path, format="shopify_csv", stdout=StringIO()
    )
    assert path.read_bytes() == _feed("shopify_csv")
    assert not Product.objects.filter(merchant=seller).exists()


@pytest.mark.django_db
def test_what_is_copied_is_what_was_said_whatever_is_in_it() -> None:
    seller = make.merchant()
    odd = ['a "quoted", \\text', "two\r\nlines", "\\N", "", "tab\there", "NULL", "{}", "ü ✓"]
    rows = [(ids.text(), seller.pk, f"h{at}", text, text, odd) for at, text in enumerate(odd)]
    copy(Product, ("id", "merchant", "handle", "title", "description", "tags"), rows)
    assert [(one.title, one.description, one.tags) for one in Product.objects.order_by("handle")] == [
        (text, text, odd) for text in odd
    ]
    product = Product.objects.filter(merchant=seller)[0]
    said = {"Größe": 'a "b", \\c\r\n', "": ""}
    copy(
        Variant,
        ("id", "merchant", "product", "title", "options"),
        [(ids.text(), seller.pk, product.pk, "", said)],
    )
    made = Variant.objects.get()
    assert (made.options, made.release_at, made.sku) == (said, None, "")


@pytest.mark.django_db
def test_what_breaks_a_constraint_is_refused_as_by_any_insert() -> None:
    seller = make.merchant()
    one = (ids.text(), seller.pk, "same", "Soap")
    with pytest.raises(IntegrityError) as refused:
        copy(Product, ("id", "merchant", "handle", "title"), [one, (ids.text(), *one[1:])])
    assert conflicts.constraint_of(refused.value) == "product_handle_once"


@pytest.mark.django_db
def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(DataError):
        copy(
            Product, ("id", "merchant", "handle", "title"), [(ids.text(), make.merchant().pk, "h", "x" * 256)]
        )


def _made() -> Any:
    return goods.made_up(variants=FEW, currency="EUR")


def _feed(form: str) -> bytes:
    file = io.StringIO(newline="")
    feeds.write(_made(), to=file, writer=WRITERS[form]("EUR"), now=make.NOW)
    return file.getvalue().encode()
