"""What people write in a cell, and what we make of it."""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.feeds import cells
from commerce import money


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("19.99", 1999),
        ("19,99", 1999),
        ("5", 500),
        ("7.5", 750),
        (" 19.90 ", 1990),
        ("1,299.00", 129900),
        ("1.299,00", 129900),
        ("1 299,00", 129900),
        ("1\u00a0299,00", 129900),
        ("1'299.50", 129950),
        ("1,299", 129900),
        ("19.9900", 1999),
        ("0.500", 50),
        ("€19.99", 1999),
        ("19,99 €", 1999),
        ("EUR 19.99", 1999),
        ("19.99 eur", 1999),
    ],
)
def test_prices_are_read_in_the_notations_people_use(text: str, amount: int) -> None:
    assert cells.price(text, "EUR") == amount


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "BAD_PRICE"),
        ("free", "BAD_PRICE"),
        ("1e5", "BAD_PRICE"),
        ("NaN", "BAD_PRICE"),
        ("5.", "BAD_PRICE"),
        ("1..2", "BAD_PRICE"),
        ("1,2,3", "BAD_PRICE"),
        ("12,34.56", "BAD_PRICE"),
        ("19.999.9", "BAD_PRICE"),
        ("1234.567", "BAD_PRICE"),
        ("٣", "BAD_PRICE"),
        ("=1+1", "BAD_PRICE"),
        ("9" * 5000, "BAD_PRICE"),
        ("1.299", "AMBIGUOUS_PRICE"),
        ("0", "PRICE_NOT_POSITIVE"),
        ("0.00", "PRICE_NOT_POSITIVE"),
        ("-5", "PRICE_NOT_POSITIVE"),
        ("$5", "WRONG_CURRENCY"),
        ("5 USD", "WRONG_CURRENCY"),
        ("1000000.00", "PRICE_TOO_HIGH"),
    ],
)
def test_what_is_no_clear_price_is_refused_by_name(text: str, code: str) -> None:
    with pytest.raises(cells.Unreadable) as refused:
        cells.price(text, "EUR")
    assert refused.value.code == code


def test_minor_units_follow_the_currency() -> None:
    assert cells.price("1,299", "JPY") == 1299
    assert cells.price("1.230", "KWD") == 1230
    with pytest.raises(cells.Unreadable) as refused:
        cells.price("1.234", "KWD")
    assert refused.value.code == "PRICE_NOT_PAYABLE"
    with pytest.raises(cells.Unreadable):
        cells.price("1299.5", "JPY")


@given(st.integers(1, money.MAX_AMOUNT), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_every_amount_is_read_back_as_it_is_written(amount: int, currency: str) -> None:
    amount = max(amount - amount % money.step(currency), money.step(currency))
    whole, decimals = divmod(amount, 10 ** money.exponent_of(currency))
    digits = f".{decimals:0{money.exponent_of(currency)}d}" if money.exponent_of(currency) else ""
    assert cells.price(f"{whole}{digits}", currency) == amount
    if digits:  # grouped, and with a decimal mark, there is one reading only
        assert cells.price(f"{whole:,}{digits}", currency) == amount
        german = f"{whole:,}".replace(",", ".") + digits.replace(".", ",")
        if money.exponent_of(currency) == 2:
            assert cells.price(german, currency) == amount


@given(st.text(max_size=50))
def test_any_text_is_a_price_or_unreadable(text: str) -> None:
    with contextlib.suppress(cells.Unreadable):
        assert 0 < cells.price(text, "EUR") <= money.MAX_AMOUNT


def test_units_are_whole_numbers() -> None:
    assert cells.units("12") == 12
    assert cells.units("-3") == -3
    assert cells.units("5.0") == 5
    for text in ("5.5", "many", "1e3", "99999999999", "", "१"):
        with pytest.raises(cells.Unreadable):
            cells.units(text)


def test_weights_become_grams() -> None:
    assert cells.grams("250") == 250
    assert cells.grams("1.5", "kg") == 1500
    assert cells.grams("1,5", "KG") == 1500
    assert cells.grams("2", "lb") == 907
    assert cells.grams("1", "oz") == 28
    for text, unit in (("heavy", "g"), ("-1", "g"), ("1", "stone"), ("9999999999", "kg")):
        with pytest.raises(cells.Unreadable):
            cells.grams(text, unit)


def test_only_web_addresses_are_addresses() -> None:
    assert cells.address(" https://img.example.com/a.jpg?v=1 ") == "https://img.example.com/a.jpg?v=1"
    for text in (
        "javascript:alert(1)",
        "//img.example.com/a.jpg",
        "ftp://img.example.com/a.jpg",
        "https://",
        "https://user:pw@example.com/a.jpg",
        "http://[",
        "https://example.com/a b.jpg",
        'https://example.com/"onload=',
    ):
        with pytest.raises(cells.Unreadable):
            cells.address(text)


def test_html_becomes_the_text_it_shows() -> None:
    html = "<p>Soft &amp; <b>warm</b>.</p><ul><li>wool</li><li>silk</li></ul>5 &lt; 6<br>end&nbsp;."
    assert cells.plain_text(html) == "Soft & warm.\n\n- wool\n- silk\n\n5 < 6\nend ."
    assert cells.plain_text("two lines\nas they are") == "two lines\nas they are"


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>hello",
        "<style>p { color: red }</style>hello",
        "hello<img src=x onerror=alert(1)>",
        "<!-- <p>not</p> -->hello",
        "<svg><script>alert(1)</script></svg>hello",
        "hello<iframe src='https://example.com'></iframe>",
    ],
)
def test_scripts_never_survive(html: str) -> None:
    assert cells.plain_text(html) == "hello"


@given(st.text(alphabet="<>&;/!-ab p=\"'", max_size=200))
def test_plain_text_takes_anything(text: str) -> None:
    assert "\0" not in cells.plain_text(text)


@pytest.mark.parametrize("unit", ["<", "<a b='", "<!--", "<div>", "</", "&#", "<![", "<b><i><p>"])
def test_hostile_html_takes_no_time(unit: str) -> None:
    text = (unit * cells.MAX_HTML_CHARS)[: cells.MAX_HTML_CHARS]
    began = time.process_time()
    cells.plain_text(text)
    # The standard library's parser takes 5 to 25 seconds for some of these.
    assert time.process_time() - began < 2


def test_truth() -> None:
    assert [cells.truth(word) for word in ("TRUE", "yes", "1", "false", "No", "0")] == [True] * 3 + [
        False
    ] * 3
    with pytest.raises(cells.Unreadable):
        cells.truth("maybe")


@pytest.mark.parametrize("text", ["1999-01-01T00:00:00Z", "9999-12-31T00:00:00Z"])
def test_a_release_that_the_api_takes_is_read_back_from_an_export(text: str) -> None:
    assert cells.moment(text, by_hand=False).isoformat().replace("+00:00", "Z") == text
    with pytest.raises(cells.Unreadable):
        cells.moment(text)


def test_a_moment_before_the_first_year_or_after_the_last_is_none() -> None:
    for text in ("0001-01-01T00:00+10:00", "9999-12-31T23:00-10:00"):
        for by_hand in (True, False):
            with pytest.raises(cells.Unreadable):
                cells.moment(text, by_hand=by_hand)
