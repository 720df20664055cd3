"""JSON Lines: one product per line with its variants, in the shape and by the names of the REST API. Pure."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, BinaryIO, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from catalog.feeds import cells
from catalog.feeds.drafts import ImageDraft, Piece, Problem, ProductDraft, VariantDraft
from catalog.feeds.formats import texts
from catalog.feeds.formats.fields import shorten
from catalog.feeds.formats.reading import Seen
from catalog.feeds.formats.sheets import MAX_LINES, MAX_ROWS, TooManyRows
from catalog.feeds.formats.strictjson import MAX_LINE_CHARS, Wrong, convert, decoded
from catalog.feeds.formats.texts import EmptyFeed
from catalog.limits import (
    MAX_ALT,
    MAX_ATTRIBUTES,
    MAX_BARCODE,
    MAX_IMAGES,
    MAX_TAGS,
    MAX_TEXT,
    MAX_URL,
    MAX_VARIANTS,
)
from commerce import errors, money

# As Product.Language has them; "": none.
LANGUAGES = frozenset(
    {
        *("", "ar", "ca", "da", "de", "el", "en", "es", "eu", "fi", "fr", "ga", "hi", "hu", "hy", "id", "it"),
        *("lt", "ne", "nl", "no", "pt", "ro", "ru", "sr", "sv", "ta", "tr", "yi"),
    }
)
Text = Annotated[str, Meta(max_length=MAX_TEXT)]
Name = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]


class NotJsonLines(errors.Invalid):
    """The file begins like JSON, and no line of it is a product."""

    code = "NOT_JSON_LINES"
    message = "Send one product per line (JSON Lines), not an array of them."


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    """An object that has no other fields."""


class _Image(_Strict):
    url: Annotated[str, Meta(max_length=MAX_URL)]
    alt: Annotated[str, Meta(max_length=MAX_ALT)] = ""


class _Price(_Strict):
    amount: int
    compare_at: int | None = None
    currency: str | UnsetType = UNSET


class _Variant(_Strict):
    options: dict[Name, Name] = {}
    sku: Text | UnsetType = UNSET
    barcode: Annotated[str, Meta(max_length=MAX_BARCODE)] | UnsetType = UNSET
    weight_grams: Annotated[int, Meta(ge=0, le=cells.MAX_GRAMS)] | UnsetType = UNSET
    price: _Price | None = None
    available: int | UnsetType = UNSET
    release_at: str | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET


class _Product(_Strict):
    handle: Name
    title: Text | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=cells.MAX_TEXT_CHARS)] | UnsetType = UNSET
    vendor: Text | UnsetType = UNSET
    type: Text | UnsetType = UNSET
    tags: Annotated[list[Name], Meta(max_length=MAX_TAGS)] | UnsetType = UNSET
    options: Annotated[list[Name], Meta(max_length=3)] | UnsetType = UNSET
    status: Literal["draft", "in_review", "approved", "retired"] | UnsetType = UNSET
    category: Text | UnsetType | None = UNSET
    attributes: dict[Name, Any] | UnsetType = UNSET
    language: str | UnsetType = UNSET
    images: list[Any] = []
    variants: list[Any] = []


class JsonLines:
    """A file of JSON objects; raises NotJsonLines when it is an array."""

    def __init__(self, file: BinaryIO) -> None:
        if texts.start(file).startswith("["):
            raise NotJsonLines
        self._file = file
        self._damaged = False

    def count(self) -> int:
        """Return how many lines have content; raises EmptyFeed, TooManyRows, NotJsonLines."""
        rows, wrong = 0, ""
        for number, line, text in self._lines():
            if rows == 0 or wrong:
                trouble = self._trouble(line, text)
                # The first trouble is told when every line has one.
                wrong = trouble and (wrong or trouble)
            rows = number
        if not rows:
            raise EmptyFeed
        if wrong:
            raise NotJsonLines(f"No line is a product. {wrong}")
        return rows

    def _trouble(self, line: int, text: str) -> str:
        try:
            convert(decoded(text, damaged=self._damaged), _Product, "")
        except Wrong as wrong:
            return f"Line {line}: {wrong}"
        return ""

    def pieces(self, *, currency: str, now: datetime) -> Iterator[Piece]:
        """Yield a piece per line; raises TooManyRows at the last."""
        reader = Reader(currency)
        for number, line, text in self._lines():
            yield reader.product(number, line, text, damaged=self._damaged)

    def _lines(self) -> Iterator[tuple[int, int, str]]:
        """Yield each line with content: how many such there were, its number in the file, its text."""
        file, self._damaged = texts.opened(self._file)
        number = line = 0
        while text := file.readline(MAX_LINE_CHARS + 1):
            line += 1
            rest = text
            while len(rest) > MAX_LINE_CHARS and not rest.endswith(("\n", "\r")):
                rest = file.readline(MAX_LINE_CHARS + 1)  # dropped: the line is refused for its length
            if not text.strip("\ufeff \t\r\n"):
                if line > MAX_LINES:
                    raise TooManyRows
                continue
            number += 1
            if number > MAX_ROWS:
                raise TooManyRows
            yield number, line, text


class Reader:
    """Turns lines, or rows of a batch, into pieces; remembers what it has had, to see what comes twice."""

    def __init__(self, currency: str, *, unit: str = "Line") -> None:
        self._currency = currency
        self._unit = unit
        self._seen = Seen()

    def product(self, number: int, line: int, text: str, *, damaged: bool) -> Piece:
        """Read one line; `damaged` says that the file has bytes which are none of its encoding."""
        try:
            sent = decoded(text, damaged=damaged)
        except Wrong as wrong:
            return Piece(number, None, [_problem(line, wrong)])
        return self.piece(number, line, sent)

    def piece(self, number: int, line: int, sent: Any) -> Piece:
        """Read what a line says, once it is decoded."""
        problems: list[Problem] = []
        try:
            draft = self._product(line, sent, problems)
        except Wrong as wrong:
            problems.append(_problem(line, wrong))
            draft = None
        return Piece(number, draft, problems)

    def _product(self, line: int, sent: Any, problems: list[Problem]) -> ProductDraft:
        said = convert(sent, _Product, "")
        handle = said.handle.strip()
        if not handle:
            raise Wrong("handle", "MISSING_HANDLE", "", "The product has no handle.")
        if earlier := self._seen.line("handle", handle):
            raise Wrong("handle", "DUPLICATE_PRODUCT", handle, f"{self._unit} {earlier} has it already.")
        names = [] if said.options is UNSET else [name.strip() for name in said.options]
        if len(set(names)) < len(names):
            raise Wrong("options", "DUPLICATE_OPTION", ", ".join(names), "Two options have one name.")
        if said.language is not UNSET and said.language not in LANGUAGES:
            message = "It is one of " + ", ".join(sorted(LANGUAGES - {""})) + "; empty for none."
            raise Wrong("language", "BAD_VALUE", said.language, message)
        attributes = said.attributes if said.attributes is not UNSET else None
        if attributes is not None and len(attributes) > MAX_ATTRIBUTES:
            message = f"A product has at most {MAX_ATTRIBUTES} attributes."
            raise Wrong("attributes", "BAD_VALUE", str(len(attributes)), message)
        self._seen.put(line, "handle", handle)
        draft = ProductDraft(
            line,
            handle,
            title=_said(said.title) or None,
            description=said.description if said.description is not UNSET else None,
            vendor=_said(said.vendor),
            product_type=_said(said.type),
            tags=list(said.tags) if said.tags is not UNSET else None,
            status=said.status if said.status is not UNSET else None,
            category=None if said.category is UNSET else said.category or None,
            says_category=said.category is not UNSET,
            attributes=attributes,
            language=said.language if said.language is not UNSET else None,
            option_names=names,
            says_options=said.options is not UNSET,
        )
        for at, image in enumerate(_most(line, "images", said.images, MAX_IMAGES, problems)):
            with _noting(line, problems):
                _image(at, image, draft)
        titles: set[str] = set()
        for at, variant in enumerate(_most(line, "variants", said.variants, MAX_VARIANTS, problems)):
            with _noting(line, problems):
                self._variant(at, variant, draft, titles, problems)
        return draft

    def _variant(
        self, at: int, sent: Any, draft: ProductDraft, titles: set[str], problems: list[Problem]
    ) -> None:
        where = f"variants[{at}]"
        said = convert(sent, _Variant, where)
        unknown = said.options.keys() - set(draft.option_names)
        if unknown or bool(said.options) != bool(draft.option_names):
            message = "A variant has a value for one or more of the product's options, and for nothing else."
            raise Wrong(f"{where}.options", "BAD_OPTIONS", ", ".join(sorted(unknown)), message)
        options = {name: said.options[name].strip() for name in draft.option_names if name in said.options}
        title = " / ".join(options.values())
        if len(title) > MAX_TEXT:
            message = f"The option values together have at most {MAX_TEXT} characters."
            raise Wrong(f"{where}.options", "TOO_LONG", title, message)
        sku = _said(said.sku)
        again = "The product has it already." if title in titles else ""
        if again and (draft.says_options or not sku):
            raise Wrong(where, "DUPLICATE_VARIANT", title, again)
        if sku and (line := self._seen.line("sku", sku)):
            raise Wrong(f"{where}.sku", "DUPLICATE_SKU", sku, f"{self._unit} {line} has it already.")
        amount, compare_at, currency = self._price(f"{where}.price", said.price)
        if said.available is not UNSET and not 0 <= said.available <= cells.MAX_UNITS:
            code = "NEGATIVE_QUANTITY" if said.available < 0 else "BAD_QUANTITY"
            message = f"Stock is between 0 and {cells.MAX_UNITS} units."
            raise Wrong(f"{where}.available", code, str(said.available), message)
        release = _release(f"{where}.release_at", said.release_at)
        if amount is not None and compare_at is not None:
            compare_at = _higher(f"{where}.price.compare_at", amount, compare_at, draft.line, problems)
        titles.add(title)
        if sku:
            self._seen.put(draft.line, "sku", sku)
        draft.variants.append(
            VariantDraft(
                line=draft.line,
                title=title,
                options=options,
                sku=sku,
                barcode=_said(said.barcode),
                weight_grams=said.weight_grams if said.weight_grams is not UNSET else None,
                quantity=said.available if said.available is not UNSET else None,
                amount=amount,
                compare_at=compare_at,
                release_at=release,
                says_release=said.release_at is not UNSET,
                currency=currency,
                is_active=said.is_active if said.is_active is not UNSET else None,
                says_options=bool(draft.says_options),
                again=again,
            )
        )

    def _price(self, where: str, said: _Price | None) -> tuple[int | None, int | None, str]:
        if said is None:
            return None, None, ""
        currency = said.currency if said.currency is not UNSET else self._currency
        if currency not in money.CURRENCIES:
            message = f"{currency[:10]} is not a currency that prices can have."
            raise Wrong(f"{where}.currency", "UNKNOWN_CURRENCY", currency, message)
        if said.amount <= 0:
            message = "A price has to be more than zero."
            raise Wrong(f"{where}.amount", "PRICE_NOT_POSITIVE", str(said.amount), message)
        if said.amount > money.MAX_AMOUNT:
            message = f"The highest price is {money.Money(money.MAX_AMOUNT, currency)}."
            raise Wrong(f"{where}.amount", "PRICE_TOO_HIGH", str(said.amount)[:40], message)
        if said.amount % money.step(currency):
            message = f"A price in {currency} ends in 0."
            raise Wrong(f"{where}.amount", "PRICE_NOT_PAYABLE", str(said.amount), message)
        return said.amount, said.compare_at, currency


def _higher(where: str, amount: int, compare_at: int, line: int, problems: list[Problem]) -> int | None:
    """Return a comparison price, None where it cannot be one: the variant is taken without it."""
    if amount < compare_at <= money.MAX_AMOUNT:
        return compare_at
    code, message = "COMPARE_AT_NOT_HIGHER", "Not above the price. Taken without it."
    if compare_at > amount:
        code, message = "PRICE_TOO_HIGH", "Above the highest price. Taken without it."
    problems.append(Problem(line, where, code, str(compare_at)[:40], message, skipped=False))
    return None


def _most(line: int, name: str, sent: list[Any], most: int, problems: list[Problem]) -> list[Any]:
    """Return as many of a list as are taken, and note it when there are more."""
    if len(sent) > most:
        message = f"A product has at most {most}. The others were left out."
        problems.append(Problem(line, name, f"TOO_MANY_{name.upper()}", str(len(sent)), message))
    return sent[:most]


@contextmanager
def _noting(line: int, problems: list[Problem]) -> Iterator[None]:
    try:
        yield
    except Wrong as wrong:
        problems.append(_problem(line, wrong))


def _image(at: int, sent: Any, draft: ProductDraft) -> None:
    said = convert(sent, _Image, f"images[{at}]")
    try:
        url = cells.address(said.url)
    except cells.Unreadable as error:
        raise Wrong(f"images[{at}].url", error.code, said.url, str(error)) from error
    if all(url != image.url for image in draft.images):
        draft.images.append(ImageDraft(url, said.alt.strip()))


def _release(where: str, said: "str | UnsetType | None") -> datetime | None:
    if not isinstance(said, str):
        return None
    try:
        return cells.moment(said, by_hand=False)
    except cells.Unreadable as error:
        raise Wrong(where, error.code, said, str(error)) from error


def _said(text: "str | UnsetType") -> str | None:
    return text.strip() if isinstance(text, str) else None


def _problem(line: int, wrong: Wrong) -> Problem:
    return Problem(line, wrong.column, wrong.code, shorten(wrong.value), str(wrong)[:300])
