"""Google product feeds, as text and as XML, into drafts; and XML that is an attack or broken."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.feeds.drafts import Piece, ProductDraft, SaleDraft, VariantDraft
from catalog.feeds.formats import detect, google_xml
from catalog.feeds.formats.sheets import MAX_REPAIRS
from commerce import errors
from tests.catalog.make import NOW

HEAD = '<?xml version="1.0"?>\n<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>\n'
TAIL = "</channel></rss>\n"


def xml(*items: str) -> bytes:
    return (HEAD + "".join(f"<item>{item}</item>\n" for item in items) + TAIL).encode()


def item(**said: str) -> str:
    return "".join(f"<g:{name}>{value}</g:{name}>" for name, value in said.items())


def tsv(*rows: dict[str, str]) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["\t".join(names), *("\t".join(row.get(name, "") for name in names) for row in rows)]
    return "\n".join(lines).encode()


def pieces(body: bytes, currency: str = "EUR") -> list[Piece]:
    file = io.BytesIO(body)
    form = detect.format_of(file)
    assert form.startswith("google")
    assert detect.opened(file, form).count() > 0
    return list(detect.opened(file, form).pieces(currency=currency, now=NOW))


def drafts(body: bytes) -> list[ProductDraft]:
    return [piece.draft for piece in pieces(body) if piece.draft]


def only(body: bytes) -> VariantDraft:
    [draft] = drafts(body)
    [variant] = draft.variants
    return variant


def codes(body: bytes) -> list[tuple[int, str, str]]:
    return [(p.line, p.column, p.code) for piece in pieces(body) for p in piece.problems]


LIPSTICK = {
    "id": "L-1",
    "item_group_id": "lipstick",
    "title": "Lipstick",
    "description": "Soft",
    "brand": "Rouge",
    "product_type": "Beauty",
    "gtin": "4006381333931",
    "color": "Coral",
    "price": "24.90 EUR",
    "sale_price": "19.90 EUR",
    "shipping_weight": "0.5 kg",
    "quantity": "7",
    "availability": "in_stock",
    "image_link": "https://img.example.com/1.jpg",
    "additional_image_link": "https://img.example.com/2.jpg",
}


@pytest.mark.parametrize("body", [tsv(LIPSTICK), xml(item(**LIPSTICK))])
def test_an_item_is_a_variant_of_its_group(body: bytes) -> None:
    [piece] = pieces(body)
    draft = piece.draft
    assert draft is not None
    assert not piece.problems
    assert (draft.handle, draft.title, draft.description, draft.vendor, draft.product_type) == (
        *("lipstick", "Lipstick", "Soft", "Rouge", "Beauty"),
    )
    assert [image.url[-5:] for image in draft.images] == ["1.jpg", "2.jpg"]
    [one] = draft.variants
    assert (one.sku, one.barcode, one.options, one.title) == (
        *("L-1", "4006381333931", {"Color": "Coral"}, "Coral"),
    )
    assert (one.amount, one.compare_at, one.weight_grams, one.quantity) == (1990, 2490, 500, 7)


@pytest.mark.parametrize("write", [lambda *rows: tsv(*rows), lambda *rows: xml(*(item(**r) for r in rows))])
def test_items_of_one_group_are_one_product_also_when_they_are_apart(write: Any) -> None:
    body = write(
        {"id": "A", "item_group_id": "g", "title": "G", "price": "1", "color": "Red", "size": "S"},
        {"id": "B", "item_group_id": "g", "title": "G", "price": "2", "color": "Red", "size": "M"},
        {"id": "C", "title": "Alone", "price": "3", "color": "Red"},
        {"id": "D", "item_group_id": "g", "title": "G", "price": "4", "color": "Red", "size": "L"},
    )
    alone, whole = drafts(body)
    assert (alone.handle, alone.option_names, alone.variants[0].title) == ("C", [], "")
    assert (whole.handle, whole.option_names) == ("g", ["Color", "Size"])
    assert [variant.title for variant in whole.variants] == ["Red / S", "Red / M", "Red / L"]
    assert [piece.last_row for piece in pieces(body)] == [3, 4]
    assert codes(body) == []


@pytest.mark.parametrize("write", [lambda *rows: tsv(*rows), lambda *rows: xml(*(item(**r) for r in rows))])
def test_what_items_say_of_their_product_counts_where_it_is_said_first(write: Any) -> None:
    body = write(
        {"id": "A", "item_group_id": "g", "title": "G, red", "price": "1", "color": "Red"},
        {"id": "X", "title": "Alone", "price": "3", "brand": "Other"},
        {"id": "B", "item_group_id": "g", "title": "G, blue", "price": "1", "color": "Blue", "brand": "Sol"},
        {"id": "C", "item_group_id": "g", "title": "G, tan", "price": "1", "color": "Tan", "brand": "sol"}
        | {"size": "S", "product_type": "Hats"},
        {"id": "D", "item_group_id": "g", "title": "G, sky", "price": "1", "color": "Sky", "brand": "Sol"},
    )
    draft = drafts(body)[1]
    assert (draft.title, draft.vendor, draft.product_type) == ("G, red", "Sol", "Hats")
    assert draft.option_names == ["Color", "Size"]
    assert [variant.title for variant in draft.variants] == ["Red", "Blue", "Tan / S", "Sky"]
    [problem] = [problem for piece in pieces(body) for problem in piece.problems]
    assert (problem.code, problem.value, problem.skipped) == ("PRODUCT_DIFFERS", "sol", False)
    assert problem.column.endswith("brand")


def test_googles_own_elements_stand_before_those_of_rss() -> None:
    body = xml("<title>Feed</title><g:id>A</g:id><g:title>Ours</g:title><g:price>1</g:price>")
    assert drafts(body)[0].title == "Ours"
    plain = b"<rss><channel><item><id>A</id><title>T</title><price>1</price></item></channel></rss>"
    assert drafts(plain)[0].title == "T"


def test_atom_is_read_too() -> None:
    body = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><title>x</title>'
        "<entry><g:id>A</g:id><title>Soap</title><summary>Mild</summary><g:price>2.50 EUR</g:price></entry>"
        "</feed>"
    )
    [draft] = drafts(body.encode())
    assert (draft.title, draft.description, draft.variants[0].amount) == ("Soap", "Mild", 250)


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "windows-1252", "utf-8-sig"])
def test_xml_in_other_encodings_is_read(encoding: str) -> None:
    said = "utf-8" if encoding == "utf-8-sig" else encoding
    body = (
        HEAD.replace('"1.0"?', f'"1.0" encoding="{said}"?')
        + f"<item>{item(id='A', title='Größe', price='1')}"
    )
    assert drafts(f"{body}</item>{TAIL}".encode(encoding))[0].title == "Größe"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"id": ""}, "MISSING_ID"),
        ({"id": "x" * 256}, "TOO_LONG"),
        ({"price": ""}, "MISSING_PRICE"),
        ({"price": "1.299"}, "AMBIGUOUS_PRICE"),
        ({"price": "5 USD"}, "WRONG_CURRENCY"),
        ({"price": "5 XYZ"}, "UNKNOWN_CURRENCY"),
        ({"price": "-5 EUR"}, "PRICE_NOT_POSITIVE"),
        ({"item_group_id": "g", "color": ""}, "MISSING_OPTION"),
        ({"item_group_id": "g", "c:options": '{"Size": "S"}'}, "BAD_OPTIONS"),
        ({"item_group_id": "g", "c:options": "[[[["}, "BAD_OPTIONS"),
        ({"item_group_id": "g", "c:options": '{"Color": "\\ud800"}'}, "BAD_OPTIONS"),
        ({"item_group_id": "g", "c:options": '{"Color": "a\\u0000"}'}, "BAD_OPTIONS"),
    ],
)
def test_an_item_that_cannot_be_taken_is_named_and_the_next_one_taken(
    said: dict[str, str], code: str
) -> None:
    other = {"id": "OK", "item_group_id": "ok", "title": "Fine", "price": "1", "color": "Red"}
    # A product whose items have colours, so that one without is told from none.
    bad = {"id": "BAD", "item_group_id": "", "title": "Bad", "price": "1", "color": "", **said}
    good = {**other, "id": "G2", "item_group_id": said.get("item_group_id", "x")}
    body = tsv(good, bad, other)
    assert code in [found for _, _, found in codes(body)]
    assert {v.sku for draft in drafts(body) for v in draft.variants} == {"G2", "OK"}


@pytest.mark.parametrize(
    ("said", "code", "field", "value"),
    [
        ({"quantity": "-2"}, "NEGATIVE_QUANTITY", "quantity", 0),
        ({"quantity": "many"}, "BAD_QUANTITY", "quantity", None),
        ({"availability": "soon"}, "BAD_AVAILABILITY", "quantity", None),
        ({"availability": "out of stock"}, "", "quantity", 0),
        ({"availability": "out_of_stock"}, "", "quantity", 0),
        ({"availability": "in_stock"}, "", "quantity", None),
        ({"shipping_weight": "heavy"}, "BAD_WEIGHT", "weight_grams", None),
        ({"gtin": "9" * 65}, "TOO_LONG", "barcode", None),
        ({"availability_date": "soon"}, "BAD_DATE", "says_release", False),
        ({"availability_date": "2031-02-03T04:05+01:00"}, "", "says_release", True),
        ({"sale_price": "10.00 EUR"}, "SALE_PRICE_NOT_LOWER", "amount", 500),
        ({"sale_price": "4 EUR", "sale_price_effective_date": "soon"}, "BAD_DATE", "amount", 500),
        (
            {
                "sale_price": "4 EUR",
                "sale_price_effective_date": "2030-05-01T00:00+0200/2030-05-02T00:00+0200",
            },
            *("", "amount", 400),
        ),
        (
            {
                "sale_price": "4 EUR",
                "sale_price_effective_date": "2030-04-01T00:00+0200/2030-04-02T00:00+0200",
            },
            *("SALE_NOT_ON", "amount", 500),
        ),
        (
            {
                "sale_price": "4 EUR",
                "sale_price_effective_date": "2030-06-02T00:00+0200/2030-06-01T00:00+0200",
            },
            *("BAD_DATE", "sale", None),
        ),
        (
            {
                "sale_price": "4 EUR",
                "sale_price_effective_date": "0001-01-01T00:00+1400/2030-06-02T00:00+0200",
            },
            *("BAD_DATE", "sale", None),
        ),
        (
            {
                "sale_price": "4 EUR",
                "sale_price_effective_date": "2030-05-01T00:00Z/9999-12-31T23:59-1400",
            },
            *("BAD_DATE", "sale", None),
        ),
        ({"sale_price": "0.00"}, "", "compare_at", None),
        ({"sale_price": "-1"}, "PRICE_NOT_POSITIVE", "compare_at", None),
        (
            {
                "sale_price": "4 EUR",
                "sale_price_effective_date": "2030-06-01T00:00+0200/2030-06-02T00:00+0200",
            },
            *("", "amount", 500),
        ),
        (
            {
                "sale_price": "4 EUR",
                "sale_price_effective_date": "2030-06-01T00:00Z/2030-06-02T00:00Z",
            },
            *("", "sale"),
            SaleDraft(400, 500, datetime(2030, 6, 1, tzinfo=UTC), datetime(2030, 6, 2, tzinfo=UTC)),
        ),
    ],
)
def test_what_is_wrong_beside_the_price_is_taken_with_a_default(
    said: dict[str, str], code: str, field: str, value: Any
) -> None:
    body = tsv({"id": "A", "title": "A", "price": "5.00 EUR", **said})
    assert [found for _, _, found in codes(body)] == [code] * bool(code)
    assert getattr(only(body), field) == value


def test_an_id_that_comes_twice_is_taken_once() -> None:
    row = {"id": "A", "title": "A", "price": "1"}
    assert codes(tsv(row, {"id": "B", "title": "B", "price": "1"}, row)) == [(4, "id", "DUPLICATE_SKU")]
    assert codes(xml(item(**row), item(id="B", title="B", price="1"), item(**row))) == [
        (5, "g:id", "DUPLICATE_SKU")
    ]


# --- XML that is broken, or an attack ---


def test_what_is_not_well_formed_loses_its_item_only() -> None:
    good = item(id="A", title="A", price="1")
    body = xml(
        good, item(id="B", title="Tom & Jerry", price="1"), item(id="C", title="C", price="1"), "<g:id>"
    )
    assert [draft.handle for draft in drafts(body)] == ["A", "C"]
    assert [(line, code) for line, _, code in codes(body)] == [(4, "BAD_XML"), (6, "BAD_XML")]
    nul = body.replace(b"Tom & Jerry", b"Tom \0 Jerry")
    assert [draft.handle for draft in drafts(nul)] == ["A", "C"]


def test_lines_are_right_after_several_broken_places() -> None:
    bad, good = item(id="B", title="a & b", price="1"), item(id="A", title="A")
    body = xml(bad, "\n" + bad, "\n\n" + bad, good)
    assert [(line, code) for line, _, code in codes(body)] == [
        *((3, "BAD_XML"), (5, "BAD_XML"), (8, "BAD_XML"), (9, "MISSING_PRICE")),
    ]


def test_a_feed_of_broken_items_has_an_end() -> None:
    body = xml(item(id="OK", title="OK", price="1"), *["a & b"] * (MAX_REPAIRS + 50))
    found = pieces(body)
    assert len(found) == MAX_REPAIRS + 2
    assert "rest of the file was not read" in found[-1].problems[0].message


@pytest.mark.parametrize(
    "encoding", ["shift_jis", "gbk", "utf-7", "utf_16_le", "hex", "idna", "undefined", "nobody-s"]
)
def test_xml_in_an_encoding_that_is_not_read_is_refused_with_what_to_send(encoding: str) -> None:
    body = (
        xml(item(id="A", title="Soap", price="1")).decode().replace('"1.0"?', f'"1.0" encoding="{encoding}"?')
    )
    with pytest.raises(
        google_xml.BadXml, match=r"Line 1: The encoding that it declares is not read\. Send UTF-8"
    ):
        pieces(body.encode())


BOMB = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (
            f'<!DOCTYPE rss [<!ENTITY e0 "ha">{BOMB}]><rss><channel><item>&e9;</item></channel></rss>',
            "XML_DOCTYPE",
        ),
        ('<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel/></rss>', "XML_DOCTYPE"),
        ('<!DOCTYPE r SYSTEM "http://127.0.0.1/x.dtd"><rss><channel/></rss>', "XML_DOCTYPE"),
        (f'<!DOCTYPE r [<!ENTITY a "{"a" * 100_000}">]><rss>{"&a;" * 1000}</rss>', "XML_DOCTYPE"),
        ("<html><body>Please sign in</body></html>", "BAD_XML"),
        ("<rss", "BAD_XML"),
        ("<rss><channel></channel></rss>", "BAD_XML"),
        ("<" * 1000, "BAD_XML"),
        ("<a>" * 100_000, "BAD_XML"),
    ],
)
def test_what_is_no_feed_or_an_attack_is_refused_at_once(body: str, code: str) -> None:
    with pytest.raises(errors.Invalid) as refused:
        pieces(body.encode())
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ("<g:title>" + "x" * (google_xml.MAX_ITEM_CHARS + 1) + "</g:title>", "ROW_TOO_LONG"),
        ("<x/>" * (google_xml.MAX_FIELDS + 1), "TOO_MANY_CELLS"),
        ("<x>" * 50 + "</x>" * 50, "TOO_DEEP"),
        ("<x " + "".join(f'a{n}="1" ' for n in range(300_000)) + "/>", "ROW_TOO_LONG"),
        ("&undeclared;", "BAD_XML"),
    ],
)
def test_an_item_without_measure_loses_itself_only(inside: str, code: str) -> None:
    good = [item(id=name, title=name, price="1") for name in "AB"]
    body = xml(good[0], inside, good[1])
    assert [draft.handle for draft in drafts(body)] == ["A", "B"]
    assert [found for _, _, found in codes(body)] == [code]


@given(st.binary(max_size=200))
def test_any_bytes_inside_a_feed_are_items_or_problems(inside: bytes) -> None:
    good = item(id="A", title="A", price="1").encode()
    body = HEAD.encode() + b"<item>" + good + b"</item>" + inside + TAIL.encode()
    assert drafts(body)[0].handle == "A"


@pytest.mark.parametrize("kind", [xml, tsv])
def test_a_category_is_read_as_the_codes_of_its_path(kind: Any) -> None:
    said = {"id": "1", "title": "A", "price": "1", "google_product_category": "Make_up &gt; Lipsticks"}
    if kind is tsv:
        said["google_product_category"] = "Make_up > Lipsticks"
        [draft] = drafts(tsv(said))
    else:
        [draft] = drafts(xml(item(**said)))
    assert draft.category_path == "make_up/lipsticks"
