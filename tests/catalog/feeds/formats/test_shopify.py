"""From the rows of a Shopify product CSV to drafts of products, and what is said of rows that are wrong."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import limits
from catalog.feeds.drafts import Piece, ProductDraft
from catalog.feeds.formats import columns, detect, shopify, texts, together
from catalog.feeds.formats.reading import Feed
from tests.catalog import make
from tests.catalog.make import feed, row


def opened(body: bytes) -> Feed:
    return detect.opened(io.BytesIO(body), detect.SHOPIFY)


def pieces(body: bytes, currency: str = "EUR") -> list[Piece]:
    return list(opened(body).pieces(currency=currency, now=make.NOW))


def drafts(body: bytes) -> list[ProductDraft]:
    return [piece.draft for piece in pieces(body) if piece.draft]


def codes(body: bytes) -> list[tuple[int, str, str]]:
    return [(p.line, p.column, p.code) for piece in pieces(body) for p in piece.problems]


def test_a_product_with_options_pictures_and_all_fields() -> None:
    body = feed(
        row(
            "lipstick",
            title="Lipstick",
            body="<p>Soft &amp; matte</p>",
            vendor="Rouge",
            type="Make-up",
            tags="red, matte , red",
            published="TRUE",
            name="Shade",
            value="Coral",
            name2="Size",
            value2="Mini",
            sku="L-1",
            grams="12",
            quantity="7",
            price="19.90",
            compare="25",
            barcode="4006381333931",
            image="https://img.example.com/1.jpg",
            alt="Coral",
        ),
        row(
            "lipstick",
            value="Plum",
            value2="Full",
            sku="L-2",
            price="29",
            image="https://img.example.com/2.jpg",
        ),
        row("lipstick", image="https://img.example.com/3.jpg"),
    )
    [piece] = pieces(body)
    draft = piece.draft
    assert draft is not None
    assert not piece.problems
    assert (draft.title, draft.description, draft.vendor, draft.product_type) == (
        "Lipstick",
        "Soft & matte",
        "Rouge",
        "Make-up",
    )
    assert (draft.tags, draft.option_names, draft.status) == (["red", "matte"], ["Shade", "Size"], "approved")
    assert [image.url[-5:] for image in draft.images] == ["1.jpg", "2.jpg", "3.jpg"]
    first, second = draft.variants
    assert (first.title, first.options) == ("Coral / Mini", {"Shade": "Coral", "Size": "Mini"})
    assert (first.sku, first.amount, first.compare_at, first.quantity) == ("L-1", 1990, 2500, 7)
    assert (first.weight_grams, first.barcode) == (12, "4006381333931")
    assert (second.title, second.amount, second.quantity, second.line) == ("Plum / Full", 2900, None, 3)


def test_default_title_is_a_variant_without_options() -> None:
    [draft] = drafts(feed(row("soap", title="Soap", name="Title", value="Default Title", price="5")))
    assert draft.option_names == []
    assert [(variant.title, variant.options) for variant in draft.variants] == [("", {})]


def test_blank_skus_are_no_duplicates() -> None:
    [draft] = drafts(feed(*(row("a", title="A", name="N", value=str(n), price="5") for n in range(3))))
    assert [variant.sku for variant in draft.variants] == ["", "", ""]


def test_what_a_feed_has_no_column_for_is_unsaid() -> None:
    body = b"Handle,Title,Variant Price\nsoap,Soap,5\n"
    [draft] = drafts(body)
    assert (draft.vendor, draft.tags, draft.status, draft.description) == (None, None, None, None)
    [variant] = draft.variants
    assert (variant.sku, variant.barcode, variant.weight_grams, variant.quantity) == (None, None, None, None)


def test_the_newer_column_names_are_read_too() -> None:
    body = (
        b"Title,URL handle,Description,Published on online store,SKU,Option1 name,Option1 value,Price,"
        b"Compare-at price,Inventory quantity,Weight value (grams),Product image URL\n"
        b"Soap,soap,Mild,TRUE,S-1,Scent,Fig,5.00,6.00,3,90,https://img.example.com/s.jpg\n"
    )
    [draft] = drafts(body)
    [variant] = draft.variants
    assert (draft.handle, draft.description, draft.status, len(draft.images)) == (
        "soap",
        "Mild",
        "approved",
        1,
    )
    assert (variant.sku, variant.amount, variant.quantity, variant.weight_grams) == ("S-1", 500, 3, 90)


@pytest.mark.parametrize(
    ("cells", "status"),
    [
        ({}, "approved"),
        ({"published": "false"}, "draft"),
        ({"status": "draft", "published": "true"}, "draft"),
        ({"status": "archived"}, "retired"),
        ({"status": "Active", "published": "false"}, "draft"),
        ({"status": "active"}, "approved"),
    ],
)
def test_status_and_published(cells: dict[str, str], status: str) -> None:
    [draft] = drafts(feed(row("soap", title="Soap", price="5", **cells)))
    assert draft.status == status


def test_a_variant_without_a_clear_price_is_left_out_and_the_rest_kept() -> None:
    body = feed(
        row("a", title="A", name="N", value="1", price=""),
        row("a", value="2", price="soon"),
        row("a", value="3", price="1.299"),
        row("a", value="4", price="4.00"),
        row("b", title="B", price="5"),
    )
    assert codes(body) == [
        (2, "Variant Price", "MISSING_PRICE"),
        (3, "Variant Price", "BAD_PRICE"),
        (4, "Variant Price", "AMBIGUOUS_PRICE"),
    ]
    assert [[variant.title for variant in draft.variants] for draft in drafts(body)] == [["4"], [""]]


def test_what_is_wrong_beside_the_price_is_taken_with_a_default() -> None:
    body = feed(
        row(
            "a",
            title="A",
            price="10",
            compare="9",
            quantity="-2",
            grams="heavy",
            status="sold",
            barcode="9" * 65,
            vendor="v" * 256,
            tags="t" * 256,
            body="x" * 60_000,
            image="javascript:alert(1)",
        ),
    )
    [piece] = pieces(body)
    assert piece.draft is not None
    assert not any(problem.skipped for problem in piece.problems)
    assert sorted(problem.code for problem in piece.problems) == sorted(
        [
            "COMPARE_AT_NOT_HIGHER",
            "NEGATIVE_QUANTITY",
            "BAD_WEIGHT",
            "BAD_STATUS",
            "BAD_URL",
            *["TOO_LONG"] * 4,
        ]
    )
    [variant] = piece.draft.variants
    assert (variant.compare_at, variant.quantity, variant.weight_grams, variant.barcode) == (
        None,
        0,
        None,
        "",
    )
    assert (piece.draft.vendor, piece.draft.tags, piece.draft.status) == ("v" * 255, [], "draft")
    assert len(piece.draft.description or "") == 50_000


def test_the_same_variant_or_sku_twice_is_taken_once() -> None:
    body = feed(
        row("a", title="A", name="N", value="1", sku="X", price="1"),
        row("a", value="1", sku="Y", price="2"),
        row("a", value="2", sku="X", price="3"),
        row("b", title="B", sku="X", price="4"),
    )
    assert codes(body) == [
        (3, "Option1 Value", "DUPLICATE_VARIANT"),
        (4, "Variant SKU", "DUPLICATE_SKU"),
        (5, "Variant SKU", "DUPLICATE_SKU"),
    ]
    assert [[variant.amount for variant in draft.variants] for draft in drafts(body)] == [[100], []]


@pytest.mark.parametrize(
    ("compare", "code"),
    [
        *(("0", ""), ("0.00", ""), ("0,00", "")),  # There is none, as exports write it.
        *(
            ("9.90", "COMPARE_AT_NOT_HIGHER"),
            ("9.89", "COMPARE_AT_NOT_HIGHER"),
            ("0.01", "COMPARE_AT_NOT_HIGHER"),
        ),
        *(("-12.00", "PRICE_NOT_POSITIVE"), ("99999999999.00", "PRICE_TOO_HIGH"), ("much", "BAD_PRICE")),
    ],
)
def test_a_comparison_price_that_cannot_be_one_costs_no_variant(compare: str, code: str) -> None:
    body = feed(row("a", title="A", price="9.90", compare=compare))
    assert codes(body) == ([(2, "Variant Compare At Price", code)] if code else [])
    [variant] = drafts(body)[0].variants
    assert (variant.amount, variant.compare_at) == (990, None)
    assert not any(problem.skipped for piece in pieces(body) for problem in piece.problems)


def test_rows_that_belong_to_no_product_are_named() -> None:
    body = feed(
        row("", title="Lost", price="1"),
        row("h" * 256, title="Long", price="1"),
        row("a", title="A", price="1"),
    )
    assert codes(body) == [(2, "Handle", "MISSING_HANDLE"), (3, "Handle", "TOO_LONG")]
    assert [draft.handle for draft in drafts(body)] == ["a"]


def test_a_row_with_more_cells_than_the_header_is_named_unless_they_are_blank() -> None:
    body = b"Handle,Title,Variant Price\na,Soap, mild,5\nb,Soap,5,,\n"
    assert codes(body) == [(2, "", "TOO_MANY_CELLS")]
    assert [draft.handle for draft in drafts(body)] == ["b"]


def test_the_rows_of_a_handle_are_one_product_also_when_they_are_apart() -> None:
    body = feed(
        row("a", value="M", price="2"),
        row("b", title="B", price="1"),
        row("", title="Lost", price="1"),
        row("a", title="A", name="Size", value="S", price="1", vendor="Sol"),
        row("b", image="https://img.example.com/1.jpg"),
    )
    assert [(piece.last_row, piece.draft and piece.draft.handle) for piece in pieces(body)] == [
        *((3, None), (4, "a"), (5, "b")),
    ]
    first, second = drafts(body)
    assert (first.title, first.vendor, first.line) == ("A", "Sol", 5)
    assert [variant.options for variant in first.variants] == [{"Size": "M"}, {"Size": "S"}]
    assert (len(second.variants), len(second.images)) == (1, 1)
    assert codes(body) == [(4, "Handle", "MISSING_HANDLE")]


def test_a_handle_that_comes_back_with_another_title_is_the_first_and_both_are_told() -> None:
    body = feed(
        row("a", title="A", type="Soap", tags="x", name="N", value="1", price="1"),
        row("b", title="B", price="1"),
        row("a", title="A", type="Bar", tags="x", vendor="Sol", value="2", price="2"),
    )
    draft = drafts(body)[1]
    assert (draft.product_type, draft.vendor, draft.tags) == ("Soap", "", ["x"])
    assert len(draft.variants) == 2
    assert codes(body) == [(4, "Vendor", "PRODUCT_DIFFERS"), (4, "Type", "PRODUCT_DIFFERS")]
    assert not any(problem.skipped for piece in pieces(body) for problem in piece.problems)


def test_options_without_names_or_values() -> None:
    body = feed(
        row("a", title="A", value="S", price="1"),
        row("a", price="2"),
        row("b", title="B", name="N", name2="N", value="1", value2="2", price="1"),
        row("b", value="x" * 200, value2="y" * 200, price="1"),
    )
    assert [code for _, _, code in codes(body)] == [
        "MISSING_OPTION_NAME",
        "MISSING_OPTION",
        "DUPLICATE_OPTION",
        "TOO_LONG",
    ]
    assert drafts(body)[0].variants[0].options == {"Option 1": "S"}
    assert drafts(body)[1].variants[0].options == {"N": "1", "N (2)": "2"}


def test_a_row_that_says_nothing_is_named() -> None:
    body = feed(row("a", title="A", price="1"), row("a", vendor="V"))
    assert codes(body) == [(3, "", "NOTHING_IN_ROW")]


def test_a_column_that_comes_twice_is_named_once() -> None:
    body = b"Handle,Title,Variant Price,title\na,Soap,5,Bar\nb,Cream,6,Tube\n"
    assert codes(body) == [(1, "title", "DUPLICATE_COLUMN")]
    assert [draft.title for draft in drafts(body)] == ["Soap", "Cream"]


def test_a_header_without_what_is_needed_is_refused() -> None:
    with pytest.raises(columns.MissingColumn) as refused:
        opened(b"SKU,Name\n1,a\n").count()
    assert refused.value.data["columns"] == ["handle", "title", "variant price"]


def test_a_header_alone_is_an_empty_feed() -> None:
    with pytest.raises(texts.EmptyFeed):
        opened(feed()).count()


def test_semicolons_and_decimal_commas_come_in_too() -> None:
    body = feed(row("a", title="A", price="19,90"), delimiter=";")
    assert drafts(body)[0].variants[0].amount == 1990


def test_a_product_has_no_end_of_variants_and_pictures() -> None:
    rows = [
        row(
            "a",
            title="A" if n == 0 else "",
            name="N",
            value=str(n),
            price="1",
            image=f"https://e.example/{n}",
        )
        for n in range(limits.MAX_VARIANTS + 1)
    ]
    [piece] = pieces(feed(*rows))
    assert piece.draft is not None
    assert (len(piece.draft.variants), len(piece.draft.images)) == (limits.MAX_VARIANTS, limits.MAX_IMAGES)
    assert {problem.code for problem in piece.problems} == {"TOO_MANY_VARIANTS", "TOO_MANY_IMAGES"}


def test_a_product_that_is_too_long_to_be_held_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "MAX_RUN", 3)
    monkeypatch.setattr(shopify, "MAX_VARIANTS", 6)
    rows = [row("a", title="A", name="N", value="0", price="1")]
    rows += [row("a", value=str(n), price="1") for n in range(1, 8)]
    [(last, draft)] = [(piece.last_row, piece.draft) for piece in pieces(feed(*rows)) if piece.draft]
    assert (last, len(draft.variants), draft.variants[5].options) == (8, 6, {"N": "5"})
    assert codes(feed(*rows)) == [(8, "", "TOO_MANY_VARIANTS"), (9, "", "TOO_MANY_VARIANTS")]


word = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8).filter(
    lambda text: text == text.strip()
)
variants = st.lists(
    st.tuples(word, st.integers(1, 99_999_999), st.integers(0, 1_000_000)),
    min_size=1,
    max_size=4,
    unique_by=lambda variant: variant[0],
)
goods = st.dictionaries(word, st.tuples(word, variants), min_size=1, max_size=4)


@given(goods)
def test_what_is_written_as_a_feed_is_read_back(
    goods: dict[str, tuple[str, list[tuple[str, int, int]]]],
) -> None:
    rows = []
    for handle, (title, of_product) in goods.items():
        for n, (value, amount, quantity) in enumerate(of_product):
            price = f"{amount // 100}.{amount % 100:02d}"
            first = {"title": title, "name": "Shade"} if n == 0 else {}
            rows.append(row(handle, value=value, price=price, quantity=str(quantity), **first))
    body = feed(*rows)
    read = {
        draft.handle: (draft.title, [(v.options["Shade"], v.amount, v.quantity) for v in draft.variants])
        for draft in drafts(body)
    }
    assert read == goods
    assert codes(body) == []
    assert opened(body).count() == len(rows) == pieces(body)[-1].last_row


@given(
    st.lists(
        st.lists(
            st.sampled_from(["", "a", "b", "1.50", "x,y", "-1", "Default Title", "\0", '"']),
            min_size=24,
            max_size=24,
        ),
        max_size=6,
    )
)
def test_any_cells_make_pieces_in_order(table: list[list[str]]) -> None:
    lines = [make.HEADER, *table]
    body = "\n".join(",".join(cells) for cells in lines).encode()
    ends = [piece.last_row for piece in pieces(body)]
    assert ends == sorted(set(ends))


# --- pre-orders ---


def released(*texts: str) -> bytes:
    rows = "".join(f"kit-{n},Kit,9.90,{text}\n" for n, text in enumerate(texts, start=1))
    return f"Handle,Title,Variant Price,Variant Release Date\n{rows}".encode()


def test_a_release_date_is_a_day_or_a_moment_and_without_a_zone_in_utc() -> None:
    read = drafts(
        released(
            "2030-06-01",
            "2030-06-01 18:30",
            "2030-06-01T18:30:15Z",
            "2030-06-01T18:30+02:00",
            "",
            " 2030-06-01 ",
        )
    )
    assert [(draft.variants[0].says_release, str(draft.variants[0].release_at)) for draft in read] == [
        (True, "2030-06-01 00:00:00+00:00"),
        (True, "2030-06-01 18:30:00+00:00"),
        (True, "2030-06-01 18:30:15+00:00"),
        (True, "2030-06-01 16:30:00+00:00"),
        (True, "None"),
        (True, "2030-06-01 00:00:00+00:00"),
    ]
    (plain,) = drafts(b"Handle,Title,Variant Price\nkit,Kit,9.90\n")
    assert not plain.variants[0].says_release


@pytest.mark.parametrize(
    "text",
    [
        *("soon", "01.06.2030", "2030-02-30", "2030-13-01", "2030-06-01T25:00", "20300601", "2030-W22-1"),
        *(
            "0001-01-01T00:00:00+14:00",
            "1999-12-31",
            "3000-01-01",
            "2030-06-01T10:00+99:00",
            "1",
            "٢٠٣٠-٠٦-٠١",
        ),
    ],
)
def test_what_is_no_release_date_is_noted_and_leaves_it_as_it_is(text: str) -> None:
    body = released(text)
    assert codes(body) == [(2, "Variant Release Date", "BAD_DATE")]
    assert not drafts(body)[0].variants[0].says_release
