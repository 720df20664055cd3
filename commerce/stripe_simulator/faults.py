"""Things that go wrong on request: slow answers, errors, answers that get lost after the work was done."""

import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from commerce.stripe_simulator.refusals import Refused

Kind = Literal[
    "error_500",  # nothing done, nothing kept: a retry runs the request
    "error_500_saved",  # nothing done, and the 500 is what the key answers from now on
    "error_500_after",  # done, but answered with a 500 that is kept under the key
    "balance_insufficient",  # 400, nothing done, nothing kept: the money is not there yet
    "rate_limit",  # 429, nothing done, nothing kept
    "drop_before",  # connection closed, nothing done
    "drop_after",  # done and kept, then the connection closed without an answer
    "slow_before",  # waits, then works: the client may be gone by then
    "slow_after",  # works, then waits before it answers
]


@dataclass
class Fault:
    """One rule. It strikes `times` requests (None: all) whose path starts with `path`, each with chance
    `share`.
    """

    kind: Kind
    times: int | None = 1
    path: str = "/v1/"
    method: str = "POST"
    share: float = 1.0
    milliseconds: int = 0
    struck: int = 0


@dataclass
class Rate:
    """How many calls within a second are answered at most (0: all), and how many were turned away."""

    per_second: int = 0
    refused: int = 0
    clock: Callable[[], float] = time.monotonic
    _answered: deque[float] = field(default_factory=deque, repr=False)

    def check(self) -> None:
        """Count a call. Raises: Refused (429) for one too many."""
        if not self.per_second:
            return
        now = self.clock()
        while self._answered and self._answered[0] <= now - 1.0:
            self._answered.popleft()
        if len(self._answered) >= self.per_second:
            self.refused += 1
            raise too_many()
        self._answered.append(now)


def too_many() -> Refused:
    """Return the 429 of a caller that is too quick."""
    return Refused("Too many requests in a short time (simulated).", status=429, code="rate_limit")


@dataclass
class Faults:
    """The rules in force, and the latency of every request."""

    latency_ms: int = 0
    rate: Rate = field(default_factory=Rate)
    rules: list[Fault] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(0))

    def add(self, given: dict[str, Any]) -> Fault:
        """Add a rule. Raises: Refused when it is not understood."""
        types: dict[str, tuple[type, ...]] = {
            "times": (int, type(None)),
            "path": (str,),
            "method": (str,),
            "share": (int, float),
            "milliseconds": (int,),
            "seed": (int,),
        }
        if given.get("kind") not in get_args(Kind):
            raise Refused(f"kind must be one of {', '.join(get_args(Kind))}", param="kind")
        for name, value in given.items():
            if name != "kind" and (name not in types or not isinstance(value, types[name])):
                raise Refused(f"Invalid fault setting: {name}", param=name)
        if "seed" in given:
            self.chance = random.Random(given["seed"])
        rule = Fault(**{name: value for name, value in given.items() if name != "seed"})
        self.rules.append(rule)
        return rule

    def strike(self, method: str, path: str) -> Fault | None:
        """Return the fault for this request, if any, and count it."""
        for rule in self.rules:
            if rule.times == 0 or rule.method not in (method, "*") or not path.startswith(rule.path):
                continue
            if rule.share < 1.0 and self.chance.random() >= rule.share:
                continue
            rule.struck += 1
            if rule.times is not None:
                rule.times -= 1
                if rule.times == 0:
                    self.rules.remove(rule)
            return rule
        return None

    def clear(self) -> None:
        """Forget all rules, the latency and the rate."""
        self.rules.clear()
        self.rate = Rate()
        self.latency_ms = 0

    def rows(self) -> list[dict[str, Any]]:
        """Return the rules as plain data."""
        return [asdict(rule) for rule in self.rules]
