"""What anybody is refused who asks the shop."""

from urllib.parse import quote
from uuid import UUID

import pytest
from django.test import Client

from tests.flows.looking import ROOT, ask
from tests.streams import make

pytestmark = pytest.mark.django_db


NOBODY = UUID(int=7)  # The same in every process that collects these tests.


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("products?q=%00", "q"),
        ("products?q=" + "x" * 10_000, "q"),
        ("products?q=", "q"),
        ("products?q=a&q=b", "q"),
        ("products?language=xx", "language"),
        ("products?currency=EU", "currency"),
        ("products?currency=XXX", "currency"),
        ("products?currency=eur", "currency"),
        ("products?price_min=1", "currency"),
        ("products?sort=price", "currency"),
        ("products?sort=relevance", "sort"),
        ("products?sort=dearest", "sort"),
        ("products?price_min=-1&currency=EUR", "price_min"),
        ("products?price_max=1e3&currency=EUR", "price_max"),
        ("products?price_max=99999999999&currency=EUR", "price_max"),
        ("products?in_stock=false", "in_stock"),
        ("products?live=1", "live"),
        ("products?merchant=%00", "merchant"),
        ("products?vendor=" + "x" * 256, "vendor"),
        ("products?type=", "type"),
        ("products?category=", "category"),
        ("products?category=a&category=b", "category"),
        ("products?category=" + "x" * 256, "category"),
        ("products?attribute=", "attribute"),
        ("products?attribute=finish", "attribute"),
        ("products?attribute=finish:", "attribute"),
        ("products?attribute=Finish:matte", "attribute"),
        ("products?attribute=a:b&attribute=%00", "attribute"),
        ("products?attribute=a:b%00&attribute=a:b", "attribute"),
        ("products?attribute=a:" + "b" * 255, "attribute"),
        ("products?" + "&".join(["attribute=a:b"] * 6), "attribute"),
        ("products?status=draft", "status"),
        ("products?%00=1", "\0"),
        ("streams?product=1", "product"),
        ("streams?status=cancelled", "status"),
        ("streams?host=%00", "host"),
        ("streams?merchants=a", "merchants"),
        ("search/suggest", "q"),
        ("search/suggest?q=a", "q"),
        ("search/suggest?q=a%00b", "q"),
        ("search/suggest?q=" + "x" * 101, "q"),
        ("search/suggest?q=lip&size=1", "size"),
    ],
)
def test_a_filter_that_is_wrong_is_named(path: str, field: str) -> None:
    body = ask(path, status=400)
    assert (body["code"], list(body["errors"])) == ("BAD_REQUEST", [field])


@pytest.mark.parametrize(
    "words", ["\ud83d", "\u202e", "\u0301" * 50, "𝕷", "\r\n\t", "﷽" * 100, "%", "_", "'", '"', "&", "\\"]
)
def test_odd_words_are_only_words(words: str) -> None:
    make.product()
    for path in ("products?q=", "products?vendor=", "search/suggest?q=xx"):
        answer = Client().get(ROOT + path + quote(words, errors="surrogatepass"))
        assert answer.status_code in (200, 400), answer.content


@pytest.mark.parametrize(
    ("path", "cursors"),
    [
        ("products?q=velvet", ["PDE6", "cD1hYmM=", "PDk5OTk5OTk5OTk6YWI="]),
        ("products?sort=price&currency=EUR", ["PDE6", "cD1hYmM=", "PDk5OTk5OTk5OTk6YWI="]),
        ("products", ["cD1hYmM=", "cD0lMDA="]),
        ("streams", ["cD1hYmM=", "cD0lMDA="]),
    ],
)
def test_a_cursor_that_we_did_not_give_is_refused(path: str, cursors: list[str]) -> None:
    make.show(products=(make.product(),))
    joint = "&" if "?" in path else "?"
    for cursor in ("x", "%00", "x" * 10_000, "é", *cursors):
        assert ask(f"{path}{joint}cursor={cursor}", status=400)["code"] == "BAD_CURSOR", cursor


@pytest.mark.parametrize("size", ["0", "-1", "101", "x", "", "99999999999999999999"])
def test_a_page_has_an_end(size: str) -> None:
    assert ask(f"products?page_size={size}", status=400)["code"] == "BAD_PAGE_SIZE"


@pytest.mark.parametrize("path", ["products", "streams", "products/{}/shows"])
def test_what_a_list_does_not_know_is_refused_and_not_left_aside(path: str) -> None:
    path = path.format(make.product().pk)
    ask(f"{path}?page_size=1")
    for name in ("fields", "colour"):
        assert list(ask(f"{path}?{name}=title", status=400)["errors"]) == [name]


@pytest.mark.parametrize(
    "path", [f"products/{NOBODY}", f"products/{NOBODY}/shows", "merchants/nobody", "products/1", "nowhere"]
)
def test_what_is_not_there_is_not_found(path: str) -> None:
    answer = Client().get(ROOT + path)
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_the_shop_is_for_reading(method: str) -> None:
    answer = getattr(Client(), method)(ROOT + "products")
    assert (answer.status_code, answer.json()["code"]) == (405, "METHOD_NOT_ALLOWED")
