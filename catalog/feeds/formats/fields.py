"""What one row or item of a feed says, field by field, read with the problems noted. Pure."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from catalog.feeds import cells
from catalog.feeds.drafts import ImageDraft, Problem, ProductDraft
from catalog.limits import MAX_IMAGES, MAX_TEXT, MAX_URL

MAX_TOLD = 10_000  # problems of a file that are told one by one

Value = TypeVar("Value")


class Fields(ABC):
    """The fields of one row under our names; each format says where they are."""

    def __init__(self, line: int, problems: list[Problem]) -> None:
        self.line = line
        self.problems = problems

    @abstractmethod
    def __getitem__(self, name: str) -> str:
        """Return a field without surrounding blanks, "" where there is none."""

    @abstractmethod
    def __contains__(self, name: str) -> bool:
        """Tell whether the feed says anything about the field, be it nothing."""

    @abstractmethod
    def called(self, name: str) -> str:
        """Return what the feed calls the field."""

    def note(self, name: str, code: str, value: str, message: str, *, taken: bool = False) -> None:
        """Note a problem of this row; `taken` says: with a default, not left out."""
        problem = Problem(
            self.line, self.called(name)[:MAX_TEXT], code, shorten(value), message, skipped=not taken
        )
        self.problems.append(problem)

    def text(self, name: str, limit: int = MAX_TEXT, *, cut: bool = True) -> str:
        """Return a field of at most `limit` characters; a longer one is cut or left out, and noted."""
        text = self[name]
        if len(text) <= limit:
            return text
        message = f"Longer than {limit} characters: {'cut' if cut else 'left out'}."
        self.note(name, "TOO_LONG", text, message, taken=True)
        return text[:limit] if cut else ""

    def attempt(self, name: str, read: Callable[[str], Value], *, taken: bool = True) -> Value | None:
        """Return what `read` makes of a field, None when it is unreadable, which is noted."""
        text = self[name]
        try:
            return read(text)
        except cells.Unreadable as error:
            self.note(name, error.code, text, str(error), taken=taken)
            return None


def tell(problems: list[Problem], more: Iterable[Problem]) -> None:
    """Add what else is wrong with a product; of very much, only how much it is takes memory."""
    for problem in more:
        problems.append(problem if len(problems) < MAX_TOLD else _UNTOLD[problem.skipped])


_UNTOLD = {skipped: Problem(0, "", "UNTOLD", "", "One of very many.", skipped) for skipped in (False, True)}


def differing(row: Fields, names: Iterable[str], firsts: Mapping[str, Fields]) -> None:
    """Note what a row says of its product that is not what the row says which counts for it."""
    for name in names:
        first = firsts[name]
        if (said := row[name]) and said != first[name]:
            message = f"Line {first.line} says something else of the same product: taken from there."
            row.note(name, "PRODUCT_DIFFERS", said, message, taken=True)


def shorten(text: str) -> str:
    """Return the text, cut to what a problem shows."""
    return text if len(text) <= 200 else text[:199] + "…"


def description(row: Fields, name: str) -> str:
    """Return the text that a field with HTML shows."""
    text = row[name]
    kept = cells.preserved(text)
    if kept is not None:
        return kept
    if len(text) > cells.MAX_HTML_CHARS:
        row.note(name, "TOO_LONG", text, f"Cut after {cells.MAX_HTML_CHARS} characters.", taken=True)
    return cells.plain_text(text[: cells.MAX_HTML_CHARS])


def quantity(row: Fields, name: str) -> int | None:
    """Return units in stock, None where the field says nothing that can be read."""
    if not row[name]:
        return None
    value = row.attempt(name, cells.units)
    if value is not None and value < 0:
        row.note(name, "NEGATIVE_QUANTITY", row[name], "Taken as 0.", taken=True)
        return 0
    return value


def higher(row: Fields, name: str, amount: int, currency: str) -> int | None:
    """Return a comparison price, None where there is none above the price."""
    if not row[name].strip("0.,"):
        return None
    value = row.attempt(name, lambda text: cells.price(text, currency))
    if value is not None and value <= amount:
        message = "Not above the price. Taken without it."
        row.note(name, "COMPARE_AT_NOT_HIGHER", row[name], message, taken=True)
        return None
    return value


def picture(row: Fields, name: str, url: str, alt: str, draft: ProductDraft, *, alone: bool = True) -> None:
    """Add a picture to a product; `alone` says that nothing else of the row is taken when it cannot be."""
    if len(url) > MAX_URL:
        row.note(name, "TOO_LONG", url, f"An address has at most {MAX_URL} characters.")
        return
    try:
        url = cells.address(url)
    except cells.Unreadable as error:
        row.note(name, error.code, url, str(error), taken=not alone)
        return
    if any(url == image.url for image in draft.images):
        return
    if len(draft.images) >= MAX_IMAGES:
        row.note(name, "TOO_MANY_IMAGES", url, f"A product has at most {MAX_IMAGES} pictures.")
        return
    draft.images.append(ImageDraft(url, alt))
