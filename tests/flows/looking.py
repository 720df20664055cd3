"""What somebody asks who looks around without an account, and goods to look at."""

from typing import Any

from django.test import Client

from catalog.models import Category, Product
from tests import openapi
from tests.streams import make

ROOT = "/api/v1/shop/"


def ask(path: str, *, status: int = 200, **headers: str) -> Any:
    """Return the body of an answer, after holding it against the API document."""
    answer = Client().get(ROOT + path, headers=headers)
    assert answer.status_code == status, answer.content
    openapi.told("GET", ROOT + path, answer)
    return answer.json()


def titles(path: str) -> list[str]:
    """Return the titles of a list."""
    return [each["title"] for each in ask(path)["results"]]


def walk(path: str) -> list[str]:
    """Return the titles of all pages of one row each, and see that they lead back, too."""
    found, first = [], f"{path}{'&' if '?' in path else '?'}page_size=1"
    address: str | None = first
    while address:
        page = ask(address.partition(ROOT)[2] or address)
        found += [each["title"] for each in page["results"]]
        address, before = page["next"], page["previous"]
        if before and len(found) > 1:
            back = ask(before.partition(ROOT)[2])
            assert [each["title"] for each in back["results"]] == [found[-2]]
    return found


def placed(title: str, category: Category | None, **attributes: Any) -> Product:
    """Return a product on sale that is in a category and says something of itself."""
    one = make.product(title)
    Product.objects.filter(pk=one.pk).update(category=category, attributes=attributes)
    return one


def tree() -> tuple[Category, Category, Category]:
    """Return make-up, lips below it, and a neighbour whose code begins alike."""
    top = Category.objects.create(code="make_up", name="Make-up")
    lips = Category.objects.create(code="lips", name="Lips", parent=top)
    return top, lips, Category.objects.create(code="make_up_bags", name="Bags")
