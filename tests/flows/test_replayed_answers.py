"""A write that is sent again under its key is answered with the very bytes of the first answer."""

from typing import Any

import pytest
from django.test import Client

from tests import apikeys
from tests.catalog import make

pytestmark = pytest.mark.django_db

BODIES = {
    "products": {
        "handle": "velvet",
        "title": "Velvet lipstick",
        "options": ["Shade"],
        "tags": ["new", "matte"],
        "variants": [{"options": {"Shade": "Red"}, "sku": "V-1", "price": {"amount": 1999}}],
        "images": [{"url": "https://shop.example.com/a.png", "alt": "A lipstick"}],
    },
    "locations": {"code": "north", "name": "North"},
    "stock/batch": {"stock": [{"sku": "S-1", "available": 5}, {"sku": "nowhere", "available": 1}]},
    "exports": {"format": "jsonl"},
}


@pytest.mark.parametrize("path", BODIES)
def test_the_second_answer_is_the_first(path: str) -> None:
    seller = make.merchant()
    make.variant(seller, sku="S-1")
    _, key = apikeys.key(seller)
    first, second = (
        Client().post(
            f"/api/v1/catalog/{path}",
            BODIES[path],
            content_type="application/json",
            headers={"Authorization": f"Api-Key {key}", "Idempotency-Key": "k-1"},
        )
        for _ in range(2)
    )
    assert 200 <= first.status_code < 300, first.content
    assert second["Idempotent-Replayed"] == "true"
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert told(second) == told(first)


def told(answer: Any) -> dict[str, str]:
    """Return what an answer says of its body."""
    return {name: answer[name] for name in ("Content-Type", "ETag", "Location") if name in answer}
