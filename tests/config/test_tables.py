"""The migrated tables have the indexes and constraints that the models say, by their names."""

import pytest
from django.apps import apps
from django.db import connection

pytestmark = pytest.mark.django_db


def said() -> set[str]:
    """Return the names of all constraints and indexes of the models."""
    return {
        each.name
        for model in apps.get_models()
        if model._meta.managed and not model._meta.proxy
        for each in (*model._meta.constraints, *model._meta.indexes)
    }


def there() -> set[str]:
    """Return the names of all constraints and indexes of the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint UNION SELECT relname FROM pg_class WHERE relkind = 'i'"
        )
        return {row[0] for row in cursor.fetchall()}


def test_every_constraint_and_index_of_the_models_is_in_the_database() -> None:
    assert said() - there() == set()
