"""The operators' screen of categories: it opens, and refuses circles and choices without choices."""

from typing import Any

import pytest
from django.test import Client

from catalog.models import Category, CategoryAttribute
from tests.catalog.test_admin import address, operator

__all__ = ["operator"]
pytestmark = pytest.mark.django_db


def sent(code: str, parent: Category | None, attribute: dict[str, str] | None = None) -> dict[str, Any]:
    rows = {f"attributes-0-{name}": value for name, value in (attribute or {}).items()}
    count = "1" if attribute else "0"
    return {
        "code": code,
        "name": code.title(),
        "parent": str(parent.pk) if parent else "",
        "attributes-TOTAL_FORMS": count,
        "attributes-INITIAL_FORMS": "0",
        **rows,
    }


def test_categories_are_made_and_moved(operator: Client) -> None:
    finish = {"code": "finish", "name": "Finish", "kind": "choice", "choices": "matte,gloss"}
    assert operator.post(address("category", "add"), sent("beauty", None, finish)).status_code == 302
    beauty = Category.objects.get()
    assert CategoryAttribute.objects.get().choices == ["matte", "gloss"]
    assert operator.post(address("category", "add"), sent("lips", beauty)).status_code == 302
    lips = Category.objects.get(code="lips")
    assert lips.path == "beauty/lips"
    assert operator.get(address("category", "changelist"), {"q": "lips"}).status_code == 200
    assert operator.get(address("category", "change", lips.pk)).status_code == 200
    assert operator.get(address("category", "delete", lips.pk)).status_code == 403
    circle = operator.post(address("category", "change", beauty.pk), sent("beauty", lips))
    assert b"cannot be below itself" in circle.content
    assert Category.objects.get(pk=beauty.pk).parent is None


@pytest.mark.parametrize(("kind", "choices"), [("choice", ""), ("text", "a,b")])
def test_a_choice_has_choices_and_nothing_else_has(operator: Client, kind: str, choices: str) -> None:
    attribute = {"code": "finish", "name": "Finish", "kind": kind, "choices": choices}
    refused = operator.post(address("category", "add"), sent("beauty", None, attribute))
    assert b"A choice has choices" in refused.content
    assert not Category.objects.exists()


@pytest.mark.parametrize("code", ["Beauty", "a b", "a/b", "x" * 41, ""])
def test_a_code_can_be_written_in_a_path(operator: Client, code: str) -> None:
    assert operator.post(address("category", "add"), sent(code, None)).status_code == 200
    assert not Category.objects.exists()


def test_a_tree_has_at_most_eight_levels(operator: Client) -> None:
    rows: list[Category] = []
    for n in range(8):
        rows.append(Category.objects.create(code=f"c{n}", name="x", parent=rows[-1] if rows else None))
    refused = operator.post(address("category", "add"), sent("c8", rows[-1]))
    assert b"at most 8 levels" in refused.content
    top = Category.objects.create(code="top", name="x")
    refused = operator.post(address("category", "change", rows[0].pk), sent("c0", top))
    assert b"at most 8 levels" in refused.content
