"""Whatever buyers, hosts, merchants, the provider and time do, the books are those of a plain model.

`MACHINE_EXAMPLES=150` and `--timeout 900` look longer (five minutes), at lives that differ each time.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run

from catalog.shelf import stock
from orders import expiry
from orders.till import deciding, reading, writing
from orders.waitlist import keeping, queue
from streams import grants
from tests.orders.machine.buying import Buying, presses
from tests.orders.machine.hosting import Hosting
from tests.orders.machine.shopping import Shopping
from tests.orders.machine.world import Shop, World

LONGER = int(os.environ.get("MACHINE_EXAMPLES", "0"))
SETTINGS = settings(
    max_examples=LONGER or 12,
    stateful_step_count=50 if LONGER else 20,
    deadline=None,
    database=None,
    derandomize=not LONGER,
    report_multiple_bugs=False,
    phases=[Phase.generate, Phase.shrink] if LONGER else [Phase.generate],
    suppress_health_check=list(HealthCheck),
)

pytestmark = pytest.mark.django_db


class Trade(Buying, Shopping, Hosting):
    """All of it together."""

    shop: Shop

    @initialize(hot=st.integers(2, 6), soap=st.integers(1, 4), live=st.integers(0, 3), batch=presses)
    def begin(self, hot: int, soap: int, live: int, batch: list[Any]) -> None:
        """Open the shop, mostly with an offer, with two coupons claimed and some people who press."""
        self.world = World(self.shop, {"hot": hot, "brush": 8, "soap": soap})
        if live:
            self.begin_an_offer(quota=3 + live, seconds=400 if live == 1 else 2000, ahead=0)
            self.claim(1)
            self.claim(2)
            # Neighbours who want more than their household may have, and somebody with her coupon.
            self.ring_up([(who, [("hot", 2, True)], "") for who in (0, 1)])
            self.ring_up([(1, [("brush", 1, False)], "coupon")])
        self.ring_up(batch)
        self.ring_up([(3, [("hot", units, False)], "") for units in (2, 1, 1)])
        self.everybody_lines_up(live=bool(live))

    @rule(batch=presses, seconds=st.sampled_from([1, 61, 601]), used=st.booleans())
    def press_after_a_while(self, batch: list[Any], seconds: int, used: bool) -> None:
        """Time goes on, the sweeps go through, and several people press, some in their turn."""
        self.world.pass_by(seconds)
        self.sweep()
        if used:
            self.those_in_turn_press()
        self.ring_up(batch)

    @rule(used=st.booleans())
    def press_after_the_end_of_holds(self, used: bool) -> None:
        """Everything that was held is back, and somebody still wants it at the offer's price."""
        batch = [(2, [("hot", 1, True)], ""), (1, [("brush", 1, False)], "coupon")]
        self.press_after_a_while(batch=batch, seconds=601, used=used)

    def teardown(self) -> None:
        """Audit the end of this life, and undo it."""
        if hasattr(self, "world"):
            try:
                self.world.audit()
            finally:
                self.world.close()

    @invariant()
    def the_books_are_the_models(self) -> None:
        """After every step."""
        if hasattr(self, "world"):
            self.world.check()


@pytest.mark.parametrize("plenty", [reading.PLENTY, 1], ids=["few", "plenty"])
def test_whatever_happens_the_books_are_those_of_the_model(
    plenty: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With 1, what is just enough counts as plenty, and is locked when all is written.
    monkeypatch.setattr(reading, "PLENTY", plenty)
    live()


def live() -> None:
    """Let the shop live its lives."""
    Trade.shop = Shop()
    run(Trade, settings=SETTINGS)


# --- the controls: the machine finds what it is there to find ---


def nothing(*_: Any, **__: Any) -> None:
    """Do nothing."""


def twice(real: Any) -> Any:
    """Return what gives each unit back twice."""
    return lambda *, units, **more: real(units={pk: 2 * each for pk, each in units.items()}, **more)


def forgets_coupons(real: Any) -> Any:
    """Return what gives a coupon's uses not back."""
    return lambda *, claims, **more: real(claims={}, **more)


DEFECTS: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "units that come back are forgotten": (stock, "give_back", lambda _: nothing),
    "units come back twice": (queue, "returned", twice),
    "limits are not looked at": (deciding, "_limit", lambda _: lambda *_: []),
    "an offer sells outside of its window": (deciding, "_open", lambda _: nothing),
    "a coupon's use does not come back": (grants, "give_back", forgets_coupons),
    "a turn that was used stays open": (writing, "_turns", lambda _: nothing),
    "sweeps do not look for charges in flight": (expiry, "IN_FLIGHT", lambda _: frozenset()),
    "turns do not end": (keeping, "end_turns", lambda _: lambda **_: 0),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_the_machine_finds(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, name, wrong = DEFECTS[defect]
    monkeypatch.setattr(where, name, wrong(getattr(where, name)))

    with pytest.raises(AssertionError):
        live()
