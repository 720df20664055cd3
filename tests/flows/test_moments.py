"""Moments that lists are asked for, at every offset that can be written."""

import pytest
from django.db import connection
from django.utils.http import urlencode

from tests.catalog.api import Api
from tests.flows.test_tenant_matrix import merchants_operations, resolved
from tests.orders import make

pytestmark = pytest.mark.django_db


def asked() -> list[tuple[str, set[str]]]:
    """Return every list with the moments that it can be asked for."""
    found = []
    for _, method, path, operation in merchants_operations():
        names = {
            each["name"]
            for each in map(resolved, operation.get("parameters", ()))
            if each["in"] == "query" and resolved(each["schema"]).get("format") == "date-time"
        }
        # A statement is of a span: which one may be asked for, its own tests say.
        if method == "GET" and names and "{" not in path and not path.endswith("/statement"):
            found.append((path, names))
    return found


def test_moments_are_read_at_offsets_that_the_database_does_not_know() -> None:
    api, lists = Api(make.merchant()), asked()
    assert {"/api/v1/orders", "/api/v1/refunds", "/api/v1/returns", "/api/v1/shipments"} <= {
        path for path, _ in lists
    }
    for path, names in lists:
        for name in names:
            for moment in ("2030-01-01T00:00:00+22:36", "2030-01-01T00:00:00-23:59", "2030-01-01T00:00:00Z"):
                reply = api.call("GET", f"{path}?{urlencode({name: moment})}")
                assert reply.status == 200, (path, name, moment, reply.body)
    assert connection.is_usable()


def test_a_moment_before_the_first_year_is_none() -> None:
    api = Api(make.merchant())
    for path, names in asked():
        for moment in ("0001-01-01T00:00:00+10:00", "9999-12-31T23:00:00-10:00", "soon"):
            reply = api.call("GET", f"{path}?{urlencode(dict.fromkeys(names, moment))}")
            assert (reply.status, reply.body["code"]) == (400, "BAD_REQUEST"), (path, moment, reply.body)
