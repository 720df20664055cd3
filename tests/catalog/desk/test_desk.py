"""The catalog's screens of the merchant admin: feeds in, files out."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from catalog import products
from catalog.feeds import exports, imports
from catalog.models import Export, Import, Product, ProductReview, Stock, StockMovement
from catalog.pricing import prices
from commerce.models import Merchant
from commerce.templatetags import writing
from tests.catalog import make
from tests.deskfolk import NOW, client_of

pytestmark = pytest.mark.django_db

FEED = (
    b"Handle,Title,Variant SKU,Variant Price,Variant Inventory Qty\n"
    b"mug,Mug,MUG-1,9.90,5\n"
    b"bowl,Bowl,BOWL-1,nine,5\n"
)


def send(client: Client, merchant: Merchant, body: bytes = FEED, **more: str) -> Any:
    file = io.BytesIO(body)
    file.name = "goods.csv"
    return client.post("/merchant/imports/", {"merchant": str(merchant.pk), "file": file, **more})


def read() -> None:
    while Import.objects.filter(status__in=imports.UNFINISHED).exists():
        job = Import.objects.filter(status__in=imports.UNFINISHED).earliest("id")
        imports.run(import_id=job.pk, now=timezone.now())


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return " ".join(answer.content.decode().split())


# --- feeds ---


def test_a_feed_is_sent_read_and_told_of_with_its_problems() -> None:
    shop = make.merchant()
    client: Any = client_of(shop)

    answer = send(client, shop)
    job = Import.objects.get()
    assert (answer.status_code, answer.url) == (302, f"/merchant/imports/{job.pk}/")
    assert "data-follow" in text(client, answer.url)

    read()
    page = text(client, answer.url)
    assert "data-follow" not in page
    assert "100 %" in page
    problem = job.problems.get()
    assert f"<code>{problem.code}</code>" in page
    assert problem.value in page
    assert problem.message in page
    assert Product.objects.filter(merchant=shop, handle="mug").exists()
    assert "goods.csv" in text(client, "/merchant/imports/")


def test_a_dry_run_changes_nothing_and_says_so() -> None:
    shop = make.merchant()
    client: Any = client_of(shop)

    answer = send(client, shop, dry_run="on")
    read()

    assert not Product.objects.exists()
    assert "nothing was changed" in text(client, answer.url)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b"no,columns\n1,2\n"])
def test_what_is_no_feed_is_refused_in_the_form(body: bytes) -> None:
    shop = make.merchant()

    answer = send(client_of(shop), shop, body)

    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert not Import.objects.exists()


def test_a_form_without_a_file_says_so() -> None:
    shop = make.merchant()

    answer = client_of(shop).post("/merchant/imports/", {"merchant": str(shop.pk)})

    assert answer.status_code == 400
    assert "Choose a file." in answer.content.decode()


def test_a_feed_is_stopped_and_cannot_be_stopped_when_it_has_ended() -> None:
    shop = make.merchant()
    client: Any = client_of(shop)
    job = send(client, shop).url
    own = {"merchant": str(shop.pk)}

    client.post(f"{job}cancel/", own)
    assert Import.objects.get().status == "cancelled"

    job = send(client, shop).url
    read()
    page = client.post(f"{job}cancel/", own, follow=True).content.decode()
    assert "The import has ended already." in page


def test_a_failed_feed_waits_on_the_overview_until_a_week_is_over() -> None:
    shop = make.merchant()
    client: Any = client_of(shop)
    send(client, shop)
    Import.objects.update(status="failed", error="Broken.", finished_at=timezone.now())

    page = text(client, "/merchant/")
    assert "feed failed this week" in page

    Import.objects.update(finished_at=timezone.now() - timedelta(days=8))
    assert "Nothing waits for you" in text(client, "/merchant/")


def test_lists_are_leafed_through_without_a_gap() -> None:
    shop = make.merchant()
    client: Any = client_of(shop)
    Import.objects.bulk_create(
        Import(merchant=shop, filename=f"feed-{n}", sha256=f"{n}", status="done") for n in range(60)
    )

    first = client.get("/merchant/imports/")
    older = first.context["leaf"].older
    assert len(first.context["leaf"].rows) == 25
    second = client.get(f"/merchant/imports/{older}")
    third = client.get(f"/merchant/imports/{second.context['leaf'].older}")

    seen = [row.pk for page in (first, second, third) for row in page.context["leaf"].rows]
    assert seen == list(Import.objects.order_by("-pk").values_list("pk", flat=True))
    assert third.context["leaf"].older == ""
    assert client.get("/merchant/imports/?before=x").context["leaf"].rows[0].pk == seen[0]


# --- files ---


@pytest.mark.parametrize("role", ["owner", "viewer"])
def test_a_file_is_asked_for_written_and_fetched(role: str) -> None:
    shop = make.merchant()
    client: Any = client_of(shop, role)
    make.variant(shop, handle="mug", sku="MUG-1")

    answer = client.post(
        "/merchant/exports/", {"merchant": str(shop.pk), "format": "jsonl", "status": "", "q": ""}
    )
    job = Export.objects.get()
    assert answer.url == f"/merchant/exports/{job.pk}/"
    assert client.get(f"{answer.url}file/").url == answer.url  # Not ready: back to where that is said.
    while exports.run(export_id=job.pk, now=timezone.now()):
        pass

    assert "Download" in text(client, answer.url)
    file = client.get(f"{answer.url}file/")
    assert b'"mug"' in b"".join(file.streaming_content)
    assert "attachment" in file["Content-Disposition"]


def test_an_unknown_format_is_refused_in_the_form() -> None:
    shop = make.merchant()

    answer = client_of(shop).post("/merchant/exports/", {"merchant": str(shop.pk), "format": "pdf"})

    assert answer.status_code == 400
    assert not Export.objects.exists()


# --- goods ---


def send_to(client: Any, shop: Merchant, to: str, **body: str) -> Any:
    return client.post(f"/merchant/{to}", {"merchant": str(shop.pk), **body}, follow=True)


def test_goods_are_found_by_words_sku_and_state() -> None:
    shop = make.merchant()
    client: Any = client_of(shop)
    assert "No product yet" in text(client, "/merchant/products/")
    mug = make.variant(shop, handle="mug", sku="MUG-1").product
    make.product(shop, handle="draft", status="draft")

    def found(query: str) -> list[str]:
        return [body["handle"] for body, _ in client.get(f"/merchant/products/?{query}").context["rows"]]

    assert found("") == ["draft", "mug"]
    assert found("q=MUG-1") == ["mug"]
    assert found("q=velvet&status=draft") == ["draft"]
    assert found("q=nothing-like-it") == []
    assert found("q=%00&status=x") == ["draft", "mug"]
    assert "MUG-1" in text(client, f"/merchant/products/{mug.pk}/")


def test_words_state_stock_and_price_are_changed_by_the_verbs() -> None:
    shop = make.merchant()
    client: Any = client_of(shop)
    mug = make.variant(shop, stocked=3, amount=1999)
    product = f"products/{mug.product_id}/"

    send_to(client, shop, product, title="Big mug", description="Holds a lot.")
    assert (Product.objects.get().title, Product.objects.get().description) == ("Big mug", "Holds a lot.")

    send_to(client, shop, f"variants/{mug.pk}/stock/", available="7")
    movement = StockMovement.objects.latest("id")
    assert (movement.delta, movement.by, movement.reason) == (4, "member", "set")

    send_to(client, shop, f"variants/{mug.pk}/price/", price="24,50")
    assert mug.prices.get(valid_to=None).amount == 2450

    for move, status in (("withdraw", "draft"), ("submit", "approved"), ("retire", "retired")):
        send_to(client, shop, f"{product}move/", move=move)
        assert Product.objects.get().status == status
    refused = send_to(client, shop, f"{product}move/", move="submit").content.decode()
    assert "cannot be moved so" in refused


@pytest.mark.parametrize(
    ("what", "body"),
    [
        *(("stock", {"available": value}) for value in ("", "-1", "x", "1.5", "٣", "99999999999")),
        *(("price", {"price": value}) for value in ("", "-1", "x", "0.001", "NaN", "1e99")),
    ],
)
def test_numbers_that_cannot_be_are_refused_and_nothing_moves(what: str, body: dict[str, str]) -> None:
    shop = make.merchant()
    mug = make.variant(shop, stocked=3, amount=1999)

    answer = send_to(client_of(shop), shop, f"variants/{mug.pk}/{what}/", **body)

    assert answer.status_code == 200
    assert (mug.prices.get().amount, Stock.objects.get(pk=mug.pk).available) == (1999, 3)


def test_what_was_sent_back_waits_until_the_merchant_has_moved_it() -> None:
    shop = make.merchant()
    client: Any = client_of(shop)
    product = make.variant(shop).product
    ProductReview.objects.create(
        merchant=shop,
        product=product,
        old="in_review",
        new="draft",
        by="operator",
        reason="No picture.",
        at=NOW,
    )
    Product.objects.update(status="draft")

    assert "product was sent back to you" in text(client, "/merchant/")
    assert "No picture." in text(client, f"/merchant/products/{product.pk}/")

    send_to(client, shop, f"products/{product.pk}/move/", move="submit")
    assert "Nothing waits for you" in text(client, "/merchant/")


@pytest.mark.parametrize("role", ["viewer", "orders"])
def test_who_may_only_look_finds_no_button(role: str) -> None:
    shop = make.merchant()
    mug = make.variant(shop)

    page = text(client_of(shop, role), f"/merchant/products/{mug.product_id}/")

    # Links to look at where it lies and what it cost are there; no form is, but the site's own.
    assert "/price/" not in page
    assert f"/variants/{mug.pk}/stock/" not in page
    assert "/move/" not in page
    assert f'action="/merchant/products/{mug.product_id}' not in page
    for looked_at in (f"/merchant/stock/{mug.pk}/", f"/merchant/variants/{mug.pk}/prices/"):
        assert (
            "<button"
            not in text(client_of(shop, role), looked_at).partition('class="st"')[2].partition("</main>")[0]
        )


def test_what_is_on_sale_without_a_price_says_so() -> None:
    shop = make.merchant()
    client: Any = client_of(shop)
    send(client, shop)
    read()

    assert "No price yet" in text(client, f"/merchant/products/{Product.objects.get(handle='bowl').pk}/")
    page = text(client, "/merchant/products/")
    assert (page.count("No price yet"), page.count(">On sale</span>")) == (1, 1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([490, 990, None, 700], "€4.90 – €9.90"),
        ([990, 990], "€9.90"),
        ([None, 500], "€5.00"),
        ([None], "–"),
        ([], "–"),
    ],
)
def test_the_list_says_from_what_to_what_a_product_s_variants_cost(
    given: list[int | None], words: str
) -> None:
    shop = make.merchant()
    made = [
        products.NewVariant({"N": str(n)}, price=prices.Quote(amount, None, "EUR") if amount else None)
        for n, amount in enumerate(given)
    ]
    make.product(shop, handle="soap", option_names=["N"], variants=made)
    assert f'data-label="Price">{words}</td>' in text(client_of(shop), "/merchant/products/")


def test_prices_in_several_currencies_are_a_range_each() -> None:
    price = [{"amount": amount, "currency": currency} for amount, currency in ((500, "USD"), (490, "EUR"))]
    more = {"amount": 900, "currency": "EUR"}
    assert writing.price_range([{"price": each} for each in [*price, None, more]]) == "$5.00, €4.90 – €9.00"
