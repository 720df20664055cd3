"""What anybody may ask without an account: what is on sale, how lists go on, and what is refused."""

import re
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog import storefront
from catalog.models import Category, Price, Product, Stock, Variant
from commerce import errors, throttles
from commerce.models import Merchant
from tests.flows.looking import ROOT, ask, placed, titles, tree, walk
from tests.streams import make

pytestmark = pytest.mark.django_db

NOBODY = UUID(int=7)  # The same in every process that collects these tests.


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


# --- order and pages ---


def test_every_order_goes_on_page_by_page_and_back() -> None:
    for n, amount in enumerate((500, 300, 300, 900, 100)):
        make.product(f"Lipstick {n}", variants=(("A", amount + 1000, 1), ("B", amount, 1)))
    make.product("Lipstick of dollars")
    Price.objects.filter(variant__product__title="Lipstick of dollars").update(currency="USD")
    newest = ["Lipstick of dollars", *(f"Lipstick {n}" for n in (4, 3, 2, 1, 0))]
    assert walk("products") == newest
    assert walk("products?q=lipstick&sort=newest") == newest
    assert sorted(walk("products?q=lipstick")) == sorted(newest)
    cheapest = ["Lipstick 4", "Lipstick 1", "Lipstick 2", "Lipstick 0", "Lipstick 3"]
    for path in ("products?sort=price&currency=EUR", "products?q=lipstick&sort=price&currency=EUR"):
        assert walk(path) == cheapest
        assert walk(path.replace("sort=", "sort=-")) == cheapest[::-1]
    assert walk("products?sort=price&currency=EUR&price_min=300&price_max=500") == cheapest[1:4]
    assert walk("products?currency=EUR&price_min=300&price_max=500") == [f"Lipstick {n}" for n in (2, 1, 0)]
    assert walk("products?currency=USD") == ["Lipstick of dollars"]


def test_a_search_goes_over_all_merchants_best_first() -> None:
    tagged = make.product("Evening set")
    Product.objects.filter(pk=tagged.pk).update(tags=["lipstick"])
    make.product("Velvet lipstick")
    described = make.product("Travel bag")
    Product.objects.filter(pk=described.pk).update(description="Holds a lipstick.", language="en")
    assert titles("products?q=lipstick") == ["Velvet lipstick", "Evening set", "Travel bag"]
    assert titles("products?q=lipsticks") == []
    assert titles("products?q=holding&language=en") == ["Travel bag"]
    assert sorted(titles("products?q=LÌPSTICK -velvet")) == ["Evening set", "Travel bag"]
    assert titles("products?q=!!!") == []


def test_lists_narrow_by_merchant_vendor_and_type() -> None:
    one, two = make.product("One"), make.product("Two")
    Product.objects.filter(pk=one.pk).update(vendor="Ma-ison & Co", product_type="!!!")
    assert titles(f"products?merchant={two.merchant.slug}") == ["Two"]
    assert titles("products?merchant=nobody") == []
    assert titles("products?vendor=" + quote("MA-ISON & co")) == ["One"]
    assert titles("products?vendor=Ma-ison") == []
    assert titles("products?type=!!!") == ["One"]


def test_lists_narrow_to_a_category_and_all_below_it() -> None:
    top, lips, bags = tree()
    placed("Powder", top)
    placed("Lipstick", lips)
    placed("Bag", bags)
    placed("Elsewhere", None)
    assert titles("products?category=make_up") == ["Lipstick", "Powder"]
    assert titles("products?category=lips") == ["Lipstick"]
    assert titles("products?category=make_up&q=powder") == ["Powder"]
    assert titles("products?category=make_up&sort=price&currency=EUR") != []
    assert walk("products?category=make_up") == ["Lipstick", "Powder"]
    for none in ("nowhere", "make_up/lips", "%25", "make"):
        assert titles(f"products?category={none}") == []


def test_lists_narrow_to_what_products_say_of_themselves() -> None:
    top, *_ = tree()
    placed("One", top, finish="Matte", weight=12.5, refill=True)
    placed("Two", None, finish="matte", weight=12, refill=False)
    placed("Three", None, finish="glossy:wet")
    placed("Four", None)
    assert titles("products?attribute=finish:MATTE") == ["Two", "One"]
    assert titles("products?attribute=finish:matte&attribute=refill:true") == ["One"]
    assert titles("products?attribute=weight:12.50") == ["One"]
    assert titles("products?attribute=weight:12.0") == ["Two"]
    assert titles("products?attribute=" + quote("finish:glossy:wet")) == ["Three"]
    assert titles("products?attribute=finish:matte&category=make_up&q=one") == ["One"]
    assert titles("products?attribute=finish:satin") == []


def test_a_product_says_where_it_belongs_and_what_of_itself() -> None:
    _, lips, _ = tree()
    one, plain = placed("Lipstick", lips, finish="matte", weight=12.5), placed("Plain", None)
    said = {"code": "lips", "name": "Lips", "path": "make_up/lips"}
    for body in (ask(f"products/{one.pk}"), ask("products?q=lipstick")["results"][0]):
        assert (body["category"], body["attributes"]) == (said, {"finish": "matte", "weight": 12.5})
    body = ask(f"products/{plain.pk}")
    assert (body["category"], body["attributes"]) == (None, {})


def test_suggestions_are_titles_that_go_on_as_typed() -> None:
    for title in ("Velvet lipstick", "Lip balm", "LIP BALM", "Cream", "Balmy night"):
        make.product(title)
    told = ask("search/suggest?q=lip")["suggestions"]
    assert told == ["LIP BALM", "Velvet lipstick"]
    assert ask("search/suggest?q=" + quote("velvet li"))["suggestions"] == ["Velvet lipstick"]
    assert ask("search/suggest?q=" + quote("lipstick velv"))["suggestions"] == ["Velvet lipstick"]
    assert ask("search/suggest?q=" + quote("li velvet"))["suggestions"] == []
    for odd in ("!!", "':*", "a' & !b", "\\\\", "lip:*|cream", "𝕷𝖎𝖕", "\u202e\u200d"):
        ask("search/suggest?q=" + quote(odd))


# --- what is wrong ---


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


@pytest.mark.parametrize("there", [True, False])
def test_a_category_is_read_through_its_index(there: bool) -> None:
    _, lips, bags = tree()
    seller = make.merchant()
    Product.objects.bulk_create(
        Product(
            merchant=seller, handle=f"h{n}", title="x", status="approved", category=bags if n % 100 else lips
        )
        for n in range(1_000)
    )
    with connection.cursor() as cursor:
        if not there:
            cursor.execute("DROP INDEX product_in_category")
        cursor.execute("ANALYZE catalog_product, catalog_category")
    rows = storefront.of_category(Product.objects.filter(status="approved"), "lips")
    # However few rows the planner believes in: what earlier tests left of figures is not rolled back.
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = str(rows.order_by("-id")[:25].explain())
    assert ("product_in_category" in plan) == there, plan


@pytest.mark.parametrize("known", [True, False])
def test_postgresql_knows_what_many_say_by_its_figures_alone(known: bool) -> None:
    seller = make.merchant()
    Product.objects.bulk_create(
        Product(
            merchant=seller,
            handle=f"h{n}",
            title="x",
            status="approved",
            attributes={"finish": "matte" if n % 3 else "glossy", "shade": str(n)},
        )
        for n in range(1_000)
    )
    with connection.cursor() as cursor:
        if not known:
            cursor.execute("DROP STATISTICS product_traits_said")
        cursor.execute("ANALYZE catalog_product")
    approved = Product.objects.filter(status="approved")
    rare = storefront.with_attributes(approved, [("shade", "7")])
    assert "product_traits" in str(rare.order_by().explain())
    rows = storefront.with_attributes(approved, [("finish", "matte")])
    guessed = int(re.search(r"rows=(\d+)", str(rows.order_by().explain()))[1])  # type: ignore[index]
    assert (guessed > 500) == known


def test_ids_are_those_of_the_room() -> None:
    one = make.product()
    whole = ask(f"products/{one.pk}")
    assert UUID(whole["variants"][0]["id"]) == one.variants.get().pk
