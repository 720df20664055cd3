"""Two operators who move categories at the same moment."""

import pytest
from django.db import IntegrityError, transaction

from catalog.models import Category
from tests.races.test_cohosts import ended, is_waiting, meanwhile

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_moves_make_no_circle() -> None:
    one, other = (Category.objects.create(code=code, name=code) for code in ("one", "other"))
    with transaction.atomic():
        Category.objects.filter(pk=one.pk).update(parent=other)
        thread, outcome = meanwhile(lambda: Category.objects.filter(pk=other.pk).update(parent=one))
        assert is_waiting(thread)
    ended(thread)
    assert [type(error) for error in outcome] == [IntegrityError]
    assert list(Category.objects.order_by("path").values_list("path", flat=True)) == ["other", "other/one"]
