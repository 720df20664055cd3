"""The indexes of every table of ours."""

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

# An index whose columns are the first of another's answers nothing that the other does not, is written by
# each insert, and where the statistics know no rows yet is taken for a foreign key's check: a look at every
# row of a merchant for each row that comes in.
_BEGINNINGS = """
    WITH ours AS (
        SELECT t.relname AS of_table, c.relname AS name, i.indkey::text || ' ' AS columns,
               i.indclass::text || ' ' AS classes, i.indisunique
          FROM pg_index i
          JOIN pg_class c ON c.oid = i.indexrelid
          JOIN pg_class t ON t.oid = i.indrelid
          JOIN pg_am m ON m.oid = c.relam
         WHERE m.amname = 'btree' AND i.indpred IS NULL AND i.indexprs IS NULL
           AND t.relname ~ '^(catalog|commerce|orders|streams)_'
    )
    SELECT short.name, long.name FROM ours short
      JOIN ours long ON long.of_table = short.of_table AND long.name <> short.name
       AND starts_with(long.columns, short.columns) AND starts_with(long.classes, short.classes)
     WHERE NOT short.indisunique
     ORDER BY 1, 2
"""


def beginnings() -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(_BEGINNINGS)
        found: list[tuple[str, str]] = cursor.fetchall()
    # The tables that Django makes for groups and permissions are as Django makes them.
    return [pair for pair in found if not pair[0].startswith("commerce_user_")]


def test_no_index_is_the_beginning_of_another() -> None:
    assert not beginnings()


def test_an_index_that_is_the_beginning_of_another_is_seen() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX of_a_merchant ON catalog_variant (merchant_id)")
    assert ("of_a_merchant", "variant_of_merchant") in beginnings()
