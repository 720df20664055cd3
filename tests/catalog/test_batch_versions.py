"""A row of a batch that names a version changes that one and no other."""

import pytest

from catalog.models import Product
from tests.catalog import make
from tests.catalog.api import Api

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_row_of_another_version_is_refused_and_costs_no_other() -> None:
    api = Api(make.merchant())
    for handle in ("a", "b", "c"):
        make.variant(api.merchant, handle=handle)
    Product.objects.filter(handle="b").update(title="Somebody else's")
    versions = dict(Product.objects.values_list("handle", "version"))
    batch = [
        {"handle": "a", "title": "New", "version": versions["a"]},
        {"handle": "b", "title": "New", "version": versions["b"] - 1},
        {"handle": "c", "title": "New"},
        {"handle": "d", "title": "New", "version": 1},
        {"handle": "e", "title": "New", "version": "1"},
    ]
    reply = api.post("products/batch", {"products": batch})
    assert reply.status == 200
    rows = reply.body["rows"]
    assert [row["result"] for row in rows] == ["updated", "refused", "updated", "refused", "refused"]
    problems = [(one["code"], one["value"]) for row in rows for one in row["problems"]]
    assert problems[:2] == [("VERSION_MISMATCH", str(versions["b"])), ("VERSION_MISMATCH", "")]
    assert problems[2][0] == "UNKNOWN_FIELD"
    titles = dict(Product.objects.values_list("handle", "title"))
    assert titles == {"a": "New", "b": "Somebody else's", "c": "New"}
