"""What is exported and imported again changes nothing, whatever an assortment has in it."""

import io
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog import bundles, products
from catalog.feeds import exports, imports
from catalog.models import Import, Price, Product, StockMovement, Variant
from catalog.pricing import prices
from commerce.models import Merchant
from tests.catalog import make
from tests.catalog.make import NOW

pytestmark = pytest.mark.django_db

FORMATS = [choice.value for choice in Import.Format]

awkward = st.sampled_from(
    [
        *("=1+1", "+49", "-5", "@SUM(A1)", "'=x", "''+x", "＝1", '"quoted"', "a,b", "a;b", "a\tb", "a\nb"),
        *("a\r\nb", "]]>", "größe ✓ 漢字 🧴", "\ufeffx", "a\u2028b", "{}", "[]", "null", "sep=;", "=", "007"),
        *("Tom & Jerry", "<b>bold</b>", "&amp;", "a  b", "'", "x\ry", "\ufffd", "Default Title", "1.299"),
    ]
)
letters = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=20)
text = st.one_of(awkward, letters).map(lambda said: said.strip())
name = text.filter(lambda said: 0 < len(said) <= 60)
address = st.from_regex(r"https://img\.example\.com/[a-z0-9,&=%_-]{1,20}", fullmatch=True)


def title_of(names: list[str], options: dict[str, str]) -> str:
    return " / ".join(options[one] for one in names if one in options)


@st.composite
def goods(draw: Any, currency: str) -> list[products.NewProduct]:
    made = []
    handles = draw(st.lists(name, min_size=1, max_size=4, unique=True))
    skus = iter(draw(st.lists(name, min_size=20, max_size=20, unique=True)))
    for handle in handles:
        names = draw(st.lists(name, max_size=3, unique=True))
        values = st.fixed_dictionaries({}, optional=dict.fromkeys(names, name)).filter(bool)
        several = st.lists(values, min_size=1, max_size=3, unique_by=partial(title_of, names))
        options = draw(several) if names else [{}]
        step = 10 if currency == "KWD" else 1
        made.append(
            products.NewProduct(
                handle=handle,
                title=draw(name),
                description=draw(st.one_of(text, st.just("First  line.\n\n\nSecond <i>&</i> last."))),
                vendor=draw(text),
                product_type=draw(text),
                tags=draw(st.lists(name, max_size=4)),
                option_names=names,
                status=draw(st.sampled_from(["approved", "draft", "retired"])),
                images=[
                    products.Image(url, draw(text))
                    for url in draw(st.lists(address, max_size=4, unique=True))
                ],
                variants=[
                    products.NewVariant(
                        options=one,
                        sku=draw(st.sampled_from(["", next(skus)])),
                        barcode=draw(st.sampled_from(["", "4006381333931", "-x 1"])),
                        weight_grams=draw(st.integers(0, 100_000)),
                        price=prices.Quote(
                            (amount := draw(st.integers(1, 1_000_000)) * step),
                            draw(st.sampled_from([None, amount + step])),
                            currency,
                        ),
                        units=draw(st.integers(0, 1_000)),
                        release_at=draw(
                            st.sampled_from([None, datetime(2031, 2, 3, 4, 5, 6, 789_000, tzinfo=UTC)])
                        ),
                    )
                    for one in options
                ],
            )
        )
    return made


def written(seller: Merchant, form: str, **filters: str) -> tuple[bytes, Any]:
    """Return an export's file and the job."""
    job = exports.queue(merchant_id=seller.pk, format=form, filters=filters, now=NOW)
    while exports.run(export_id=job.pk, now=NOW):
        pass
    job.refresh_from_db()
    assert job.status == "done"
    parts: list[bytes] = []
    while (part := exports.part(job, len(parts))) is not None:
        parts.append(part)
    assert sum(map(len, parts)) == job.bytes_done
    return b"".join(parts), job


def read(seller: Merchant, body: bytes) -> Import:
    job = make.import_of(seller, body)
    imports.run(import_id=job.pk, now=NOW)
    job.refresh_from_db()
    return job


def state(seller: Merchant) -> list[Any]:
    """Return everything that an import could change."""
    return [
        list(Product.objects.filter(merchant=seller).order_by("pk").values()),
        list(Variant.objects.filter(merchant=seller).order_by("pk").values()),
        list(Price.objects.filter(merchant=seller).order_by("pk").values()),
        list(StockMovement.objects.filter(merchant=seller).order_by("pk").values()),
        list(
            Product.objects.filter(merchant=seller)
            .order_by("pk", "images__position")
            .values_list("images__url", "images__alt")
        ),
    ]


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=20, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data(), currency=st.sampled_from(["EUR", "JPY", "KWD"]))
def test_an_assortment_comes_back_to_no_change(form: str, data: Any, currency: str) -> None:
    seller = make.merchant(currency=currency)
    for new in data.draw(goods(currency)):
        products.create(merchant_id=seller.pk, new=new, now=NOW)
    # Of every status, in a Google feed too.
    shown = Product.objects.filter(merchant=seller).first()
    assert shown is not None
    before = state(seller)
    body, job = written(seller, form, **({} if "google" not in form else {"status": shown.status}))
    if not job.variants_done:
        assert job.left_out
        return
    back = read(seller, body)
    assert list(back.problems.values_list("line", "column", "code", "value", "message")) == []
    assert (back.format, back.status, back.error) == (form, "done", "")
    assert (back.products_created, back.products_updated) == (0, 0)
    assert (back.variants_created, back.variants_updated) == (0, 0)
    assert back.variants_unchanged == job.variants_done
    assert state(seller) == before


@pytest.mark.parametrize("form", FORMATS)
def test_shopifys_words_for_no_options_are_a_value_like_any_other_of_a_product_with_options(
    form: str,
) -> None:
    seller = make.merchant()
    price = prices.Quote(100, None, "EUR")
    pair = [
        products.NewVariant({"Scent": scent}, sku=scent, price=price) for scent in ("Rose", "Default Title")
    ]
    make.product(seller, handle="soap", option_names=["Scent"], variants=pair)
    before = state(seller)
    body, job = written(seller, form)
    assert job.variants_done == 2
    back = read(seller, body)
    assert (back.problems_count, back.variants_unchanged, state(seller)) == (0, 2, before)
    other = make.merchant()
    assert read(other, body).variants_created == 2
    found = Variant.objects.filter(merchant=other).order_by("sku").values_list("options__Scent", flat=True)
    assert list(found) == ["Default Title", "Rose"]


@pytest.mark.parametrize("form", FORMATS)
def test_an_assortment_moves_to_another_merchant(form: str) -> None:
    seller, other = make.merchant(), make.merchant()
    read(seller, make.simple_feed(3, quantity=7, price="19.90"))
    body, _ = written(seller, form)
    job = read(other, body)
    assert (job.products_created, job.variants_created, job.problems_count) == (3, 6, 0)
    one = Variant.objects.get(merchant=other, sku="S2-R")
    assert (one.options, one.product.title, make.left(one)) == ({"Scent": "Rose"}, "Soap 2", 7)
    assert one.prices.get().amount == 1990


def test_json_lines_have_prices_of_any_currency_and_none_and_variants_that_are_off_sale() -> None:
    seller = make.merchant()
    make.variant(seller, sku="A", amount=None)
    dollar = make.variant(seller, sku="B", amount=500)
    prices.change(
        merchant_id=seller.pk, variant_id=dollar.pk, amount=700, compare_at=None, currency="USD", now=NOW
    )
    products.change_variant(
        merchant_id=seller.pk, variant_id=dollar.pk, changes={"is_active": False}, now=NOW
    )
    body, job = written(seller, "jsonl")
    assert (job.variants_done, job.left_out) == (2, 0)
    back = read(seller, body)
    assert (back.problems_count, back.products_unchanged, back.variants_unchanged) == (0, 2, 2)
    for form in ("shopify_csv", "google_tsv", "google_xml"):
        _, job = written(seller, form)
        assert (job.variants_done, job.left_out) == (0, 2)


@pytest.mark.parametrize("form", FORMATS)
def test_a_bundle_says_no_stock_of_its_own(form: str) -> None:
    seller = make.merchant()
    whole, part = make.variant(seller, sku="SET", stocked=0), make.variant(seller, sku="ONE", stocked=6)
    bundles.set_parts(merchant_id=seller.pk, bundle_id=whole.pk, parts={part.pk: 2}, now=NOW)
    body, _ = written(seller, form)
    back = read(seller, body)
    assert (back.problems_count, back.variants_unchanged) == (0, 2)
    assert make.left(part) == 6


def test_a_google_feed_is_of_what_is_on_sale_unless_a_status_is_named() -> None:
    seller = make.merchant()
    for status in ("approved", "draft"):
        price = prices.Quote(100, None, "EUR")
        make.product(seller, handle=status, status=status, variants=[products.NewVariant(price=price)])
    assert b"draft" not in written(seller, "google_xml")[0]
    assert b"draft" in written(seller, "google_xml", status="draft")[0]


def test_no_cell_of_a_table_is_run_by_a_spreadsheet() -> None:
    seller = make.merchant()
    price = prices.Quote(100, None, "EUR")
    make.product(seller, handle="=1+1", vendor="@x", variants=[products.NewVariant(sku="-1", price=price)])
    for form, mark in (("shopify_csv", b","), ("google_tsv", b"\t")):
        body, _ = written(seller, form)
        for cell in body.replace(b"\r\n", mark).split(mark):
            assert not cell.strip(b'"').startswith((b"=", b"+", b"-", b"@"))
    assert io.BytesIO(written(seller, "jsonl")[0]).readline().startswith(b'{"handle":"=1+1"')
