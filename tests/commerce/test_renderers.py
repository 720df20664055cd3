"""Answers are the JSON that the framework would make of them."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import pytest
from django.utils.functional import lazystr
from rest_framework import renderers
from rest_framework.exceptions import ErrorDetail

from catalog.models import Product
from commerce.renderers import JSONRenderer

AT = datetime(2030, 5, 1, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "said",
    [
        None,
        {},
        {"id": UUID(int=7), "at": AT, "later": AT.replace(microsecond=5), "day": date(2030, 5, 1)},
        {"there": AT.astimezone(timezone(timedelta(hours=2))), "bare": datetime(2030, 5, 1)},  # noqa: DTZ001
        {"amount": Decimal("19.90"), "took": timedelta(seconds=3), "net": ip_network("10.0.0.0/8")},
        {"text": 'ü ✓ "\\ \u2028 \x07', "lazy": lazystr("later"), "code": ErrorDetail("no", code="NO")},
        {"status": Product.Status.choices, "kind": Product.Status.DRAFT},
        {"large": 2**70, 5: "a number as a name", "list": (1, 2.5, True, None)},
    ],
)
def test_json_says_what_the_frameworks_says(said: Any) -> None:
    ours, theirs = JSONRenderer().render(said), renderers.JSONRenderer().render(said)
    assert (json.loads(ours or b"0")) == (json.loads(theirs or b"0"))
    assert bool(ours) == bool(theirs)


def test_an_indent_that_is_asked_for_is_kept() -> None:
    asked = "application/json; indent=4"
    assert JSONRenderer().render({"a": [1]}, asked) == renderers.JSONRenderer().render({"a": [1]}, asked)
