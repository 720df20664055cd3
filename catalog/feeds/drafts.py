"""Products as a feed has them, before they are looked up and written. Pure."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a row; `skipped` says whether something was left out or taken with a default."""

    line: int
    column: str
    code: str
    value: str
    message: str
    skipped: bool = True


@dataclass(frozen=True, slots=True)
class ImageDraft:
    """A picture as the feed names it."""

    url: str
    alt: str


@dataclass(frozen=True, slots=True)
class SaleDraft:
    """A price for a while, and the one that it is instead of, in minor units."""

    amount: int
    instead_of: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class VariantDraft:
    """A sellable unit as the feed has it, in minor units and grams; None: the feed says nothing about it."""

    line: int
    title: str
    options: dict[str, str]
    sku: str | None
    barcode: str | None
    weight_grams: int | None
    quantity: int | None
    amount: int | None
    compare_at: int | None
    release_at: datetime | None = None
    says_release: bool = False  # With it None means that it ships now.
    currency: str = ""  # "": the merchant's.
    is_active: bool | None = None
    sale: SaleDraft | None = None  # `amount` and `compare_at` are those of now.
    says_options: bool = True  # Without it a SKU says which variant is meant, and its options stay.
    says_compare: bool = True  # Without it the comparison price stays where it is still above the price.
    again: str = ""  # Why it is one too many, unless its SKU says that it is another one.


@dataclass(slots=True)
class ProductDraft:
    """A product as the feed has it; None means that the feed says nothing about it."""

    line: int
    handle: str
    title: str | None = None
    description: str | None = None
    vendor: str | None = None
    product_type: str | None = None
    tags: list[str] | None = None
    status: str | None = None
    category: str | None = None  # A code.
    says_category: bool = False  # With it None means that it is in none.
    category_path: str | None = None  # Codes from the root, with / between them.
    attributes: dict[str, str | int | float | bool] | None = None
    language: str | None = None
    option_names: list[str] = field(default_factory=list)
    says_options: bool | None = None  # Whether these are its options from now on; None: with a title.
    variants: list[VariantDraft] = field(default_factory=list)
    images: list[ImageDraft] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Piece:
    """The rows up to `last_row` which belong together: one product or none, and what is wrong with them."""

    last_row: int
    draft: ProductDraft | None
    problems: list[Problem]
