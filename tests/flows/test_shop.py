"""What anybody is told without an account: only what is on sale, of now, fit for caches."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.models import Category, Price, Product, Stock, Variant
from commerce import errors, throttles
from commerce.models import Merchant
from tests.flows.looking import ROOT, ask, titles, tree
from tests.streams import make

pytestmark = pytest.mark.django_db


# --- only what is on sale ---


def gone(one: Product, how: str) -> None:
    """Take a product off sale in one way."""
    products, variants = Product.objects.filter(pk=one.pk), Variant.objects.filter(product=one)
    match how:
        case "draft" | "in_review" | "retired":
            products.update(status=how, waits_since=make.NOW if how == "in_review" else None)
        case "merchant":
            Merchant.objects.filter(pk=one.merchant_id).update(is_active=False)
        case "variants":
            variants.update(is_active=False)
        case "prices":
            Price.objects.filter(variant__product=one).update(valid_to=make.NOW)
        case "no_variant":
            variants.delete()


def ways(one: Product) -> dict[str, Any]:
    """Return every way in which a product could be seen, as the answer it gives."""
    word, seller = quote(one.title), one.merchant.slug
    lists = [
        "products",
        f"products?q={word}",
        f"products?q={word}&language=en",
        f"products?q={word}&sort=newest",
        f"products?q={word}&sort=price&currency=EUR",
        f"products?merchant={seller}",
        f"products?vendor={quote(one.vendor)}",
        f"products?type={quote(one.product_type)}",
        "products?category=make_up",
        "products?attribute=finish:matte",
        "products?live=true",
        "products?in_stock=true",
        "products?sort=price&currency=EUR",
        "products?sort=-price&currency=EUR",
        "products?price_min=1&price_max=99999&currency=EUR",
        f"streams?product={one.pk}",
        f"streams?merchant={seller}",
    ]
    found = {path: ask(path)["results"] for path in lists}
    found["suggest"] = ask(f"search/suggest?q={word[:4]}")["suggestions"]
    return found


def sold() -> Product:
    one = make.product("Velvet lipstick")
    Product.objects.filter(pk=one.pk).update(
        vendor="Maison",
        product_type="Make-up",
        language="en",
        category=Category.objects.get_or_create(code="make_up", defaults={"name": "Make-up"})[0],
        attributes={"finish": "matte"},
    )
    make.show(products=(one,))
    one.refresh_from_db()
    return one


def test_what_is_on_sale_is_found_every_way() -> None:
    one = sold()
    assert all(ways(one).values())
    assert ask(f"products/{one.pk}")["id"] == str(one.pk)
    assert ask(f"products/{one.pk}/shows")["results"]
    assert ask(f"merchants/{one.merchant.slug}")["live_now"]


@pytest.mark.parametrize(
    "how", ["draft", "in_review", "retired", "merchant", "variants", "prices", "no_variant"]
)
def test_what_is_not_on_sale_is_found_no_way(how: str) -> None:
    one = sold()
    gone(one, how)
    assert not any(ways(one).values())
    for path in (f"products/{one.pk}", f"products/{one.pk}/shows"):
        assert ask(path, status=404)["code"] == "NOT_FOUND"
    if how == "merchant":
        assert ask(f"merchants/{one.merchant.slug}", status=404)["code"] == "NOT_FOUND"
    else:
        assert ask(f"merchants/{one.merchant.slug}")["live_now"] == []


def test_variants_that_cannot_be_bought_are_not_told() -> None:
    one = make.product(variants=(("Red", 1999, 10), ("Plum", 999, 10), ("Rose", 499, 10), ("Nude", 2999, 3)))
    Variant.objects.filter(product=one, title="Plum").update(is_active=False)
    Price.objects.filter(variant__product=one, variant__title="Rose").update(valid_to=make.NOW)
    whole = ask(f"products/{one.pk}")
    assert [each["title"] for each in whole["variants"]] == ["Red", "Nude"]
    [card] = ask("products")["results"]
    for body in (whole, card):
        assert (body["price"]["amount"], body["price_to"]["amount"]) == (1999, 2999)
    assert titles("products?currency=EUR&price_max=1500") == []
    assert [each["title"] for each in ask("products?sort=price&currency=EUR")["results"]] == [one.title]


def test_nobody_learns_how_many_are_left() -> None:
    for left, word in ((0, "no"), (1, "few"), (5, "few"), (6, "yes"), (31_337, "yes")):
        one = make.product(variants=(("Red", 1999, left),))
        whole = ask(f"products/{one.pk}")
        assert (whole["stock"], whole["variants"][0]["stock"]) == (word, word)
        assert "31337" not in str(whole)
        assert (str(one.pk) in str(ask("products?in_stock=true"))) is (left > 0)


def test_the_price_is_that_of_now() -> None:
    one = make.product(variants=(("Red", 1999, 1),))
    Price.objects.filter(variant__product=one).update(valid_to=make.NOW)
    variant = one.variants.get()
    Price.objects.create(merchant=one.merchant, variant=variant, amount=1499, compare_at=9999, currency="EUR")
    for body in (ask(f"products/{one.pk}"), ask("products")["results"][0]):
        assert body["price"] == {"amount": 1499, "currency": "EUR"}
        assert "9999" not in str(body)  # The merchant's own comparison proves nothing.


# --- caches, counts ---


def test_a_cache_may_answer_for_a_moment_and_asks_whether_it_still_is_so() -> None:
    one = make.product()
    for path in ("products", f"products/{one.pk}", f"products/{one.pk}/shows", "streams"):
        answer = Client().get(ROOT + path)
        assert answer["Cache-Control"] == "public, max-age=3"
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert "Set-Cookie" not in answer
        assert "Cookie" not in answer.get("Vary", "")
        again = Client().get(ROOT + path, headers={"If-None-Match": answer["ETag"]})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", answer["ETag"])
        assert again["Cache-Control"] == "public, max-age=3"
    before = Client().get(ROOT + "products")["ETag"]
    Stock.objects.update(available=1)
    assert Client().get(ROOT + "products", headers={"If-None-Match": before}).status_code == 200
    assert Client().get(ROOT + "products?sort=no")["Cache-Control"] == "no-store"


def test_who_is_signed_in_is_told_nothing_else() -> None:
    make.product()
    client = Client()
    client.force_login(make.user())
    assert client.get(ROOT + "products").content == Client().get(ROOT + "products").content


def test_a_network_is_counted(settings: Any) -> None:
    settings.SHOP_READS_PER_MINUTE = 2
    make.product()
    assert [Client().get(ROOT + "products").status_code for _ in range(3)] == [200, 200, 429]
    refused = Client().get(ROOT + "search/suggest?q=lip")
    assert (refused.json()["code"], refused["Cache-Control"]) == ("RATE_LIMITED", "no-store")
    assert int(refused["Retry-After"]) > 0
    assert Client(REMOTE_ADDR="203.0.113.9").get(ROOT + "products").status_code == 200


def test_without_its_counter_the_shop_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**_: Any) -> None:
        raise errors.Unavailable

    monkeypatch.setattr(throttles, "spend", away)
    assert ask("products")["results"] == []


@pytest.mark.parametrize(
    ("path", "statements"),
    [
        ("products", 4),
        ("products?q=lipstick", 4),
        ("products?q=lipstick&sort=price&currency=EUR", 4),
        ("products?sort=-price&currency=EUR&in_stock=true&live=true", 5),
        ("products?currency=EUR&price_min=1&price_max=900", 4),
        ("products/{product}", 6),
        ("products/{product}/shows", 4),
        ("products?merchant={merchant}", 5),
        ("products?live=true", 5),
        ("products?category=make_up", 6),
        ("products?attribute=finish:matte&attribute=shade:red", 4),
        ("products?category=make_up&attribute=finish:matte&q=lipstick", 6),
        ("streams?product={product}", 1),
        ("streams?merchant={merchant}", 2),
        ("merchants/{merchant}", 2),
        ("search/suggest?q=lip", 1),
    ],
)
def test_an_answer_takes_the_same_statements_however_much_there_is(path: str, statements: int) -> None:
    seller = make.merchant()
    _, lips, _ = tree()
    taken = []
    first = None
    for count in (1, 7):
        for _ in range(count):
            made = make.product("Lipstick", seller=seller, variants=(("A", 100, 9), ("B", 200, 9)))
            Product.objects.filter(pk=made.pk).update(
                category=lips, attributes={"finish": "matte", "shade": "red"}
            )
            first = first or made
            stream = make.show(products=(first, made))
            make.offer(stream, amount=50)
        with CaptureQueriesContext(connection) as asked:
            ask(path.format(product=first.pk if first else "", merchant=seller.slug))
        taken.append(len(asked))
    assert taken == [statements, statements]


def test_ids_are_those_of_the_room() -> None:
    one = make.product()
    whole = ask(f"products/{one.pk}")
    assert UUID(whole["variants"][0]["id"]) == one.variants.get().pk
