"""What is written in one cell of a feed: prices as people write them, quantities, weights, HTML. Pure."""

import html
import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from urllib.parse import urlsplit

import nh3

from catalog.limits import MAX_URL_BYTES
from commerce import money

MAX_UNITS = 1_000_000_000
MAX_GRAMS = 1_000_000_000
MAX_HTML_CHARS = 50_000

_SYMBOLS = {
    "€": {"EUR"},
    "£": {"GBP"},
    "¥": {"JPY", "CNY"},
    "₹": {"INR"},
    "₺": {"TRY"},
    "₩": {"KRW"},
    "₫": {"VND"},
    "₪": {"ILS"},
    "฿": {"THB"},
    "₱": {"PHP"},
    "zł": {"PLN"},
    "Kč": {"CZK"},
    "kr": {"SEK", "NOK", "DKK"},
    "R$": {"BRL"},
    "$": {"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN"},
}
_AMOUNT = re.compile(r"(-?)([0-9][0-9., '’\u00a0\u202f]*)")
_GROUPED = re.compile(r"[0-9]{1,3}(?:([., '’\u00a0\u202f])[0-9]{3})(?:\1[0-9]{3})*")
_GRAMS = {
    "": Decimal(1),
    "g": Decimal(1),
    "kg": Decimal(1000),
    "lb": Decimal("453.59237"),
    "oz": Decimal("28.349523125"),
}


_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)


class Unreadable(ValueError):
    """A cell does not say what it should; `code` and the text say why."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def price(text: str, currency: str) -> int:
    """Read a price into minor units of the currency; raises Unreadable.

    Takes "19.99", "1,299.00", "1.299,00", "1 299,00", "1'299.00", with a symbol or code of the currency.
    What could be read in two ways, such as "1.299", is not guessed.
    """
    if len(text) > 40:
        raise Unreadable("BAD_PRICE", "This is not a price.")
    amount = _without_currency(text.strip(), currency)
    match = _AMOUNT.fullmatch(amount)
    if not match:
        raise Unreadable("BAD_PRICE", "This is not a price.")
    sign, digits = match.groups()
    try:
        value = money.parse(_plain(digits.strip(), money.exponent_of(currency)), currency).amount
    except ValueError as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable("BAD_PRICE", f"This is not a price in {currency}.") from error
    if sign or value <= 0:
        raise Unreadable("PRICE_NOT_POSITIVE", "A price has to be more than zero.")
    if value > money.MAX_AMOUNT:
        limit = money.Money(money.MAX_AMOUNT, currency)
        raise Unreadable("PRICE_TOO_HIGH", f"The highest price is {limit}.")
    if value % money.step(currency):
        raise Unreadable("PRICE_NOT_PAYABLE", f"A price in {currency} ends in 0.")
    return value


def _without_currency(text: str, currency: str) -> str:
    found = re.fullmatch(r"([A-Za-z]{3})?(.*?)([A-Za-z]{3})?", text, re.DOTALL)
    assert found is not None  # every part is optional
    before, amount, after = found.groups()
    for code in (before, after):
        if code and code.upper() != currency:
            if code.upper() in money.CURRENCIES:
                raise Unreadable("WRONG_CURRENCY", f"The price is not in {currency}.")
            if not re.search("[0-9]", amount):
                raise Unreadable("BAD_PRICE", "This is not a price.")
            raise Unreadable("UNKNOWN_CURRENCY", f"{code.upper()} is not a currency that prices can have.")
    amount = amount.strip(" \u00a0\u202f")
    for symbol, currencies in _SYMBOLS.items():
        if symbol in amount:
            if currency not in currencies:
                raise Unreadable("WRONG_CURRENCY", f"The price is not in {currency}.")
            return amount.replace(symbol, "", 1).strip(" \u00a0\u202f")
    return amount


def _plain(digits: str, exponent: int) -> str:
    """Return the digits with "." before the decimals and nothing else; raises Unreadable."""
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return _ungrouped(digits)
    mark, head, tail = digits[last], digits[:last], digits[last + 1 :]
    other = "," if mark == "." else "."
    if not tail.isdigit():
        raise Unreadable("BAD_PRICE", "This is not a price.")
    if mark in head:  # several of the same: all of them group thousands
        return _ungrouped(digits)
    if other in head or not head.isdigit():  # grouped by something else: this one is the decimal mark
        return f"{_ungrouped(head)}.{tail}"
    if len(tail) == 3 and len(head) <= 3 and not head.startswith("0") and exponent != 3:
        if mark == ".":
            raise Unreadable("AMBIGUOUS_PRICE", "This can be read in two ways. Write two decimals.")
        return head + tail
    return f"{head}.{tail}"


def _ungrouped(digits: str) -> str:
    if digits.isdigit():
        return digits
    if not _GROUPED.fullmatch(digits):
        raise Unreadable("BAD_PRICE", "This is not a price.")
    return re.sub(r"[^0-9]", "", digits)


def units(text: str) -> int:
    """Read a whole number of pieces, which may be negative; raises Unreadable."""
    match = re.fullmatch(r"(-?[0-9]{1,12})(?:\.0*)?", text.strip())
    if not match:
        raise Unreadable("BAD_QUANTITY", "This is not a whole number of pieces.")
    value = int(match[1])
    if abs(value) > MAX_UNITS:
        raise Unreadable("BAD_QUANTITY", f"The highest quantity is {MAX_UNITS}.")
    return value


def grams(text: str, unit: str = "g") -> int:
    """Read a weight in g, kg, lb or oz into whole grams; raises Unreadable."""
    factor = _GRAMS.get(unit.strip().lower())
    if factor is None:
        raise Unreadable("BAD_WEIGHT", "The weight's unit has to be g, kg, lb or oz.")
    if not re.fullmatch(r"[0-9]{1,12}(?:[.,][0-9]{1,12})?", text.strip()):
        raise Unreadable("BAD_WEIGHT", "This is not a weight.")
    value = (Decimal(text.strip().replace(",", ".")) * factor).to_integral_value(rounding=ROUND_HALF_UP)
    if value > MAX_GRAMS:
        raise Unreadable("BAD_WEIGHT", f"The highest weight is {MAX_GRAMS} g.")
    return int(value)


def moment(text: str, *, by_hand: bool = True) -> datetime:
    """Read a day, which is its first moment, or a day and a time, in UTC where no zone is named.

    What was written `by_hand`, or by a spreadsheet, is of this millennium. Raises Unreadable.
    """
    wrong = Unreadable("BAD_DATE", "A date is written as 2030-06-01, a moment as 2030-06-01T18:00+02:00.")
    if not _MOMENT.fullmatch(text.strip()) or (by_hand and not text.strip().startswith("2")):
        raise wrong
    try:
        at = datetime.fromisoformat(text.strip())
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:  # The latter: before the first year, or after the last.
        raise wrong from error


def truth(text: str) -> bool:
    """Read true or false, as spreadsheets write them; raises Unreadable."""
    match text.strip().lower():
        case "true" | "yes" | "y" | "1":
            return True
        case "false" | "no" | "n" | "0":
            return False
    raise Unreadable("BAD_FLAG", "This is neither true nor false.")


def address(text: str) -> str:
    """Read a picture's web address; raises Unreadable."""
    text = text.strip()
    if len(text.encode(errors="replace")) > MAX_URL_BYTES:
        raise Unreadable("BAD_URL", f"A picture's address has at most {MAX_URL_BYTES} bytes in UTF-8.")
    try:
        parts = urlsplit(text)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
    except ValueError:
        fits = False
    if not fits or re.search(r"[\s\x00-\x1f<>\"]", text):
        raise Unreadable("BAD_URL", "A picture's address has to begin with http:// or https://.")
    return text


_KEPT = re.compile(r'<div style="white-space: ?pre-wrap;?">([^<>]*)</div>')
MAX_TEXT_CHARS = 100_000


def as_html(text: str) -> str:
    """Return plain text as HTML which shows it, and which `preserved` or `plain_text` reads back exactly."""
    if not re.search("[<&\n]", text) and text == text.strip() and len(text) <= MAX_HTML_CHARS:
        return text
    return f'<div style="white-space: pre-wrap">{html.escape(text, quote=False)}</div>'


def preserved(text: str) -> str | None:
    """Return the text that `as_html` was given, blanks and all; None when the HTML is not such."""
    match = _KEPT.fullmatch(text)
    kept = html.unescape(match[1]) if match else ""
    return kept if match and len(kept) <= MAX_TEXT_CHARS else None


_BREAKS = {
    *("p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre"),
    *("ul", "ol", "li", "table", "tr", "hr", "br"),
}
_TAG = re.compile(r"<(/?)([a-z0-9]+)[^>]*>")


def plain_text(text: str) -> str:
    """Return the text that an HTML fragment shows, with its paragraphs as lines; markup never survives.

    nh3 (html5ever) does the parsing, as the standard library's parser takes quadratic time on hostile input.
    """
    if "<" not in text and "&" not in text:
        return text.strip()
    clean = nh3.clean(text, tags=_BREAKS, attributes={}, link_rel=None)
    lines = _TAG.sub(_line_break, clean.replace("\n", " "))
    shown = html.unescape(lines).replace("\xa0", " ")
    shown = re.sub(r"[^\S\n]+", " ", shown)
    return re.sub(r" ?\n ?(?:\n ?)+", "\n\n", re.sub(r" ?\n ?", "\n", shown)).strip()


def _line_break(tag: "re.Match[str]") -> str:
    closing, name = tag.groups()
    if name == "li":
        return "" if closing else "\n- "
    return "\n" if name in ("br", "hr", "tr") else "\n\n"
