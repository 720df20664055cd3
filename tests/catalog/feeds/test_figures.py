"""PostgreSQL plans by figures of what is there, also while a shop's first feed comes in."""

import json
import re
import threading
from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from catalog.feeds import figures, imports
from catalog.models import Variant
from tests.catalog import make

pytestmark = pytest.mark.django_db(transaction=True)
PRODUCTS = 700  # of two variants each


@pytest.fixture(autouse=True)
def unknown_tables() -> Iterator[None]:
    """Tables without rows and figures, which autovacuum leaves alone."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE catalog_variant, catalog_product CASCADE")
        cursor.execute("ALTER TABLE catalog_variant SET (autovacuum_enabled = off)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE catalog_variant RESET (autovacuum_enabled)")


def known() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'catalog_variant'")
        return float(cursor.fetchone()[0])


def read_for_nothing() -> int:
    """Return how many variants are read and thrown away to find a few by their SKUs."""
    merchant_id = Variant.objects.values_list("merchant_id", flat=True)[:1].get()
    skus = [f"S{n}-{scent}" for n in range(1, 5) for scent in "FR"]
    plan = Variant.objects.filter(merchant=merchant_id, sku__in=skus).explain(analyze=True)
    return sum(map(int, re.findall(r"Rows Removed by Filter: (\d+)", plan)))


def come_in(*, dry_run: bool = False) -> None:
    job = make.import_of(make.merchant(), make.simple_feed(PRODUCTS), dry_run=dry_run)
    imports.run(import_id=job.pk, now=make.NOW)


def test_a_first_feed_has_its_tables_analyzed_as_they_grow() -> None:
    assert known() == -1
    come_in()
    assert known() >= figures.FIRST_ROWS
    assert read_for_nothing() == 0


def test_a_feed_of_few_products_with_many_variants_is_a_large_one_too() -> None:
    sizes = [str(n) for n in range(300)]
    lines = [
        {
            "handle": f"soap-{n}",
            "title": "Soap",
            "options": ["Size"],
            "variants": [{"sku": f"S{n}-{size}", "options": {"Size": size}} for size in sizes],
        }
        for n in range(5)
    ]
    job = make.import_of(make.merchant(), "\n".join(map(json.dumps, lines)).encode())
    imports.run(import_id=job.pk, now=make.NOW)
    assert Variant.objects.count() == 1_500
    assert known() >= figures.FIRST_ROWS


def test_a_server_that_takes_no_such_time_for_figures_does_not_end_an_import() -> None:
    come_in()
    with connection.cursor() as cursor:
        # As slow as a server lets it be: a tenth of a second for each page.
        cursor.execute(
            "SET vacuum_cost_delay = '100ms'; SET vacuum_cost_limit = 1; SET statement_timeout = '300ms'"
        )
    try:
        assert not figures.keep_up(rows=100 * PRODUCTS)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET vacuum_cost_delay; RESET vacuum_cost_limit; RESET statement_timeout")


def test_control_without_it_all_goods_of_a_merchant_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "keep_up", lambda rows: False)
    come_in()
    assert known() == -1
    assert read_for_nothing() > PRODUCTS


def test_a_dry_run_makes_no_figures() -> None:
    come_in(dry_run=True)
    assert known() == -1


def test_what_is_known_well_enough_is_not_looked_at_again() -> None:
    come_in()
    assert not figures.keep_up(rows=2 * PRODUCTS)
    assert figures.keep_up(rows=100 * PRODUCTS)


@pytest.mark.parametrize(
    ("rows", "looked_at", "due"),
    [(999, 0, False), (1_000, 0, True), (3_999, 1_000, False), (4_000, 1_000, True)],
)
def test_it_is_looked_at_ever_more_seldom(rows: int, looked_at: int, due: bool) -> None:
    assert figures.due(rows=rows, looked_at=looked_at) == due


def test_what_somebody_has_locked_is_left_out() -> None:
    come_in()
    has, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("LOCK TABLE catalog_price IN SHARE UPDATE EXCLUSIVE MODE")
                has.set()
                done.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert has.wait(10)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '1s'")
    try:
        assert figures.keep_up(rows=100 * PRODUCTS)
    finally:
        done.set()
        thread.join(10)
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
