"""A product's life: which status may follow which."""

from typing import Final

MOVES: Final[dict[str, frozenset[str]]] = {
    # Where nobody reviews the merchant's goods, asking for sale is being approved.
    "draft": frozenset({"in_review", "approved", "retired"}),
    "in_review": frozenset({"draft", "approved", "retired"}),
    "approved": frozenset({"draft", "retired"}),
    # Brought back: looked at once more, as it may have changed meanwhile.
    "retired": frozenset({"draft", "in_review", "approved"}),
}
WANTS_SALE: Final = frozenset({"in_review", "approved"})


def may_move(old: str, new: str) -> bool:
    """Say whether a product of status `old` may become `new`."""
    return new in MOVES[old]


def asked(old: str, wanted: str, *, reviewed: bool) -> str:
    """Return what a product becomes when its merchant writes a status; `old` is "" for a new product.

    Whoever writes `approved` or `in_review` asks for sale, which is nothing new for what has either.
    """
    if wanted not in WANTS_SALE:
        return wanted
    if old in WANTS_SALE:
        return old
    return "in_review" if reviewed else "approved"
