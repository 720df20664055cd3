"""A dump of the database that is read back has the goods in it."""

import subprocess
from collections.abc import Iterator

import pytest
from django.db import connection

from catalog import products
from catalog.models import Category, CategoryAttribute
from config import servers
from tests.catalog import make

COPY = "yellowcart_read_back"


@pytest.fixture
def empty() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {COPY}")
        cursor.execute(f"CREATE DATABASE {COPY}")
        yield
        cursor.execute(f"DROP DATABASE {COPY}")


def run(program: str, database: str, text: str = "", *arguments: str) -> str:
    """Run one of PostgreSQL's own programs on a database of the tests' server."""
    its = connection.settings_dict
    return subprocess.run(
        [servers.postgres_bin() / program, "-h", its["HOST"], "-U", its["USER"], "-d", database, *arguments],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        env={"PGPASSWORD": its["PASSWORD"] or "", "PGPORT": str(its["PORT"] or 5432)},
    ).stdout


@pytest.mark.django_db(transaction=True)
def test_a_dump_is_read_back_with_its_goods_and_finds_them(empty: None) -> None:
    seller = make.merchant()
    category = Category.objects.create(code="cups", name="Cups")
    CategoryAttribute.objects.create(category=category, code="colour", name="Colour")
    new = products.NewProduct(
        handle="cup", title="Porzellantassen", language="de", category="cups", attributes={"colour": "red"}
    )
    products.create(merchant_id=seller.pk, new=new, now=make.NOW)

    run("psql", COPY, run("pg_dump", connection.settings_dict["NAME"]), "-q", "-v", "ON_ERROR_STOP=1")

    asked = "SELECT title, words @@ to_tsquery('german', 'Porzellantasse') FROM catalog_product"
    assert run("psql", COPY, "", "-Atc", asked) == "Porzellantassen|t\n"
