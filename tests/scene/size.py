"""How large the scene is, how many cards give trouble, and by which seed."""

from collections.abc import Mapping
from dataclasses import dataclass

from config.children import CannotStart

DECLINED_SHARE = 12 / 500  # Of the pieces, as product stories have it; one at least.
DECLINED_IN_TROUBLE, ASKED_IN_TROUBLE = 0.10, 0.05


@dataclass(frozen=True)
class Size:
    """Buyers in all, pieces, cards that decline, and cards whose bank wants to see its owner."""

    buyers: int
    stock: int
    decliners: int
    askers: int
    trouble: bool
    seed: int

    @property
    def sure(self) -> int:
        """Buyers whose cards pay and who have signed up before; the newcomer comes on top."""
        return self.buyers - self.decliners - self.askers - 1

    def in_words(self) -> str:
        """The scene's title."""
        title = f"{self.buyers} buyers, {self.stock} pieces"
        return f"{title}, trouble by seed {self.seed}" if self.trouble else title


def read_size(environ: Mapping[str, str]) -> Size:
    """Return the scene that is asked for; raises CannotStart for numbers that make none."""
    buyers, stock = _number(environ, "BUYERS", 30), _number(environ, "STOCK", 5)
    trouble = environ.get("TROUBLE") == "1"
    seed = _number(environ, "SEED", 1)
    decliners = max(1, round(stock * (DECLINED_IN_TROUBLE if trouble else DECLINED_SHARE)))
    askers = max(1, round(stock * ASKED_IN_TROUBLE)) if trouble else 0
    if buyers < stock + decliners + 1:
        raise CannotStart(f"BUYERS={buyers} is too few for STOCK={stock}: somebody has to miss out.")
    return Size(buyers, stock, decliners, askers, trouble, seed)


def _number(environ: Mapping[str, str], name: str, otherwise: int) -> int:
    text = environ.get(name) or str(otherwise)
    if not text.isdigit() or int(text) < 1:
        raise CannotStart(f"{name}={text} is not a number of at least 1.")
    return int(text)
