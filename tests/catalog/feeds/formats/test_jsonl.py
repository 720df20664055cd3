"""JSON Lines into drafts, strictly: a line says what is known, once, or is refused with its place."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.feeds.drafts import Piece, ProductDraft
from catalog.feeds.formats import detect, jsonl, strictjson
from tests.catalog.make import NOW

PLAIN = {"handle": "soap", "title": "Soap"}


def lines(*products: Any) -> bytes:
    return "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in products).encode()


def pieces(body: bytes) -> list[Piece]:
    file = io.BytesIO(body)
    assert detect.format_of(file) == "jsonl"
    detect.opened(file, "jsonl").count()
    return list(detect.opened(file, "jsonl").pieces(currency="EUR", now=NOW))


def drafts(body: bytes) -> list[ProductDraft]:
    return [piece.draft for piece in pieces(body) if piece.draft]


def problems(body: bytes) -> list[tuple[int, str, str, str]]:
    return [(p.line, p.column, p.code, p.value) for piece in pieces(body) for p in piece.problems]


def variant(**said: Any) -> dict[str, Any]:
    return {**PLAIN, "variants": [{"price": {"amount": 100}, **said}]}


def test_a_product_with_everything() -> None:
    body = lines(
        {
            "handle": "lipstick",
            "title": " Lipstick ",
            "description": " Soft\n\n  matte",
            "vendor": "Rouge",
            "type": "Beauty",
            "tags": ["a,b", "a,b"],
            "options": ["Shade"],
            "status": "draft",
            "images": [{"url": "https://img.example.com/1.jpg", "alt": "One"}],
            "variants": [
                {
                    "options": {"Shade": "Coral"},
                    "sku": "L-1",
                    "barcode": "4006381333931",
                    "weight_grams": 12,
                    "price": {"amount": 1990, "compare_at": 2490, "currency": "USD"},
                    "available": 7,
                    "release_at": "2031-02-03T04:05:06Z",
                    "is_active": False,
                }
            ],
        }
    )
    [draft] = drafts(body)
    assert problems(body) == []
    assert (draft.title, draft.description, draft.tags) == ("Lipstick", " Soft\n\n  matte", ["a,b", "a,b"])
    assert (draft.vendor, draft.product_type, draft.status) == ("Rouge", "Beauty", "draft")
    [one] = draft.variants
    assert (one.title, one.options, one.sku, one.quantity) == ("Coral", {"Shade": "Coral"}, "L-1", 7)
    assert (one.amount, one.compare_at, one.currency, one.is_active) == (1990, 2490, "USD", False)
    assert str(one.release_at) == "2031-02-03 04:05:06+00:00"


def test_what_is_left_out_is_unsaid() -> None:
    [draft] = drafts(lines({"handle": "a", "variants": [{}]}))
    assert (draft.title, draft.description, draft.tags, draft.status) == (None, None, None, None)
    [one] = draft.variants
    assert (one.sku, one.amount, one.quantity, one.says_release, one.is_active) == (
        *(None, None, None, False, None),
    )


@pytest.mark.parametrize(
    ("line", "column", "code"),
    [
        ('{"handle": "a"', "", "BAD_JSON"),
        ("{nonsense}", "", "BAD_JSON"),
        ('{"handle": "a", "x": NaN}', "", "BAD_JSON"),
        ('{"handle": ' + "9" * 5000 + "}", "", "BAD_JSON"),
        ('{"handle": "a", "handle": "b"}', "handle", "DUPLICATE_KEY"),
        ('{"handle": "a", "variants": [{"sku": "1", "sku": "2"}]}', "sku", "DUPLICATE_KEY"),
        ('{"x":' + "[" * 100_000, "", "TOO_DEEP"),
        ('{"handle": "a", "title": "\\u0000"}', "", "NUL_BYTE"),
        ('{"handle": "a", "title": "\\ud800"}', "", "BAD_ENCODING"),
        ({"title": "A"}, "handle", "MISSING_FIELD"),
        ({"handle": "  "}, "handle", "MISSING_HANDLE"),
        ({"handle": ""}, "handle", "BAD_VALUE"),
        ({"handle": "x" * 256}, "handle", "TOO_LONG"),
        ({"handle": 5}, "handle", "BAD_VALUE"),
        ({**PLAIN, "colour": "red"}, "colour", "UNKNOWN_FIELD"),
        ({**PLAIN, "id": "0196a1c0-5d1e-7c4a-9d0a-3f6b8a1c2e01"}, "id", "UNKNOWN_FIELD"),
        ({**PLAIN, "status": "sold"}, "status", "BAD_VALUE"),
        ({**PLAIN, "tags": "a"}, "tags", "BAD_VALUE"),
        ({**PLAIN, "options": ["N", "N"]}, "options", "DUPLICATE_OPTION"),
    ],
)
def test_a_line_that_is_wrong_is_left_out_and_the_others_taken(line: Any, column: str, code: str) -> None:
    body = lines({"handle": "first"}, line, {"handle": "last"})
    assert [draft.handle for draft in drafts(body)] == ["first", "last"]
    [(at, where, found, _)] = problems(body)
    assert (at, where, found) == (2, column, code)


@pytest.mark.parametrize(
    ("said", "column", "code", "value"),
    [
        ({"colour": "red"}, "colour", "UNKNOWN_FIELD", ""),
        ({"price": {"amount": "19.90"}}, "price.amount", "BAD_VALUE", '"19.90"'),
        ({"price": {"amount": 19.9}}, "price.amount", "BAD_VALUE", "19.9"),
        ({"price": {"amount": True}}, "price.amount", "BAD_VALUE", "true"),
        ({"price": {"amount": 0}}, "price.amount", "PRICE_NOT_POSITIVE", "0"),
        ({"price": {"amount": -5}}, "price.amount", "PRICE_NOT_POSITIVE", "-5"),
        ({"price": {"amount": 10**30}}, "price.amount", "PRICE_TOO_HIGH", "1" + "0" * 30),
        ({"price": {"amount": 1234, "currency": "KWD"}}, "price.amount", "PRICE_NOT_PAYABLE", "1234"),
        ({"price": {"amount": 100, "currency": "XYZ"}}, "price.currency", "UNKNOWN_CURRENCY", "XYZ"),
        ({"price": {}}, "price.amount", "MISSING_FIELD", ""),
        ({"available": -1}, "available", "NEGATIVE_QUANTITY", "-1"),
        ({"available": 10**10}, "available", "BAD_QUANTITY", "10000000000"),
        ({"weight_grams": -1}, "weight_grams", "BAD_VALUE", "-1"),
        ({"release_at": "soon"}, "release_at", "BAD_DATE", "soon"),
        ({"options": {"Size": "S"}}, "options", "BAD_OPTIONS", "Size"),
        ({"sku": "x" * 256}, "sku", "TOO_LONG", None),
    ],
)
def test_what_is_wrong_with_a_variant_loses_that_variant_only(
    said: Any, column: str, code: str, value: str | None
) -> None:
    product = variant(**said)
    body = lines({**product, "variants": [*product["variants"], {"sku": "good"}]})
    [draft] = drafts(body)
    assert [one.sku for one in draft.variants] == ["good"]
    [(line, where, found, shown)] = problems(body)
    assert (line, where, found) == (1, f"variants[0].{column}", code)
    assert value is None or shown == value


@pytest.mark.parametrize(
    ("compare_at", "code"),
    [
        (100, "COMPARE_AT_NOT_HIGHER"),
        (0, "COMPARE_AT_NOT_HIGHER"),
        (-5, "COMPARE_AT_NOT_HIGHER"),
        (10**30, "PRICE_TOO_HIGH"),
    ],
)
def test_a_comparison_price_that_cannot_be_one_costs_no_variant(compare_at: int, code: str) -> None:
    [piece] = pieces(lines(variant(price={"amount": 100, "compare_at": compare_at})))
    assert piece.draft
    [one] = piece.draft.variants
    assert (one.amount, one.compare_at) == (100, None)
    [problem] = piece.problems
    assert (problem.column, problem.code) == ("variants[0].price.compare_at", code)
    assert not problem.skipped


def test_what_comes_twice_is_taken_once() -> None:
    body = lines(
        {
            **PLAIN,
            "options": ["N"],
            "variants": [{"options": {"N": "1"}, "sku": "A"}, {"options": {"N": "1"}}],
        },
        {"handle": "other", "variants": [{"sku": "A"}]},
        PLAIN,
    )
    assert [problem[:3] for problem in problems(body)] == [
        (1, "variants[1]", "DUPLICATE_VARIANT"),
        (2, "variants[0].sku", "DUPLICATE_SKU"),
        (3, "handle", "DUPLICATE_PRODUCT"),
    ]


def test_pictures_that_are_none_are_left_out() -> None:
    images = [{"url": "ftp://x.example/1"}, {"url": "https://x.example/1"}, "https://x.example/2"]
    body = lines({**PLAIN, "images": images})
    assert [problem[1:3] for problem in problems(body)] == [
        ("images[0].url", "BAD_URL"),
        ("images[2]", "BAD_VALUE"),
    ]
    assert [image.url for image in drafts(body)[0].images] == ["https://x.example/1"]


def test_lists_have_an_end() -> None:
    body = lines({**PLAIN, "images": [1] * 300, "variants": [1] * 300_000})
    found = [problem[2] for problem in problems(body)]
    assert len(found) == 250 + 2_000 + 2
    assert {"TOO_MANY_IMAGES", "TOO_MANY_VARIANTS"} <= set(found)


def test_a_line_that_is_too_long_loses_itself_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "MAX_LINE_CHARS", 100)
    monkeypatch.setattr(strictjson, "MAX_LINE_CHARS", 100)
    body = lines(PLAIN, {"handle": "x" * 1000}, "", {"handle": "last"})
    assert [draft.handle for draft in drafts(body)] == ["soap", "last"]
    assert [(line, code) for line, _, code, _ in problems(body)] == [(2, "ROW_TOO_LONG")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_other_encodings_are_read(encoding: str) -> None:
    text = json.dumps({"handle": "a", "title": "Größe"}, ensure_ascii=False)
    assert drafts((text + "\n").encode(encoding))[0].title == "Größe"


def test_a_damaged_line_is_left_out_and_a_replacement_character_is_a_character() -> None:
    good = json.dumps({"handle": "ü" * 50}, ensure_ascii=False).encode() + b"\n"
    found = problems(good + b'{"handle": "bro\xffken"}\n')
    assert [(line, code) for line, _, code, _ in found] == [(2, "BAD_ENCODING")]
    assert drafts('{"handle": "\ufffd"}\n'.encode())[0].handle == "\ufffd"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], include_characters="\r\n\t"), max_size=200))
def test_any_text_is_drafts_or_problems(text: str) -> None:
    for piece in pieces(b'{"handle": "a"}\n' + text.encode()):
        assert piece.draft or piece.problems


@pytest.mark.parametrize(
    "body", [b"{}", b'{"products": []}', b'{"a"\n{"b"\n', b"[]", b'[\n{"handle": "a"}\n]', b"\n\n{\n"]
)
def test_a_file_of_which_no_line_is_a_product_is_refused(body: bytes) -> None:
    with pytest.raises(jsonl.NotJsonLines):
        pieces(body)
