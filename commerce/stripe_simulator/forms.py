"""Form bodies and query strings in Stripe's bracket notation: `metadata[order]=7`, `expand[0]=customer`,
`a[]=x`.
"""

import re
from collections.abc import Iterable
from typing import Any

from commerce.stripe_simulator.refusals import Refused

_NAME = re.compile(r"\A[^\[\]]+((?:\[[^\[\]]*\])*)\Z")
_DEEPEST = 8
_LONGEST_LIST = 1000


def read(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the pairs as nested dicts and lists of text. Raises: Refused when a name cannot be read."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        match = _NAME.match(name)
        if match is None:
            raise Refused(f"Invalid parameter name: {name[:100]}", param=name[:100])
        head = name[: match.start(1)]
        steps = [head, *re.findall(r"\[([^\[\]]*)\]", match.group(1))]
        if len(steps) > _DEEPEST:
            raise Refused(f"Parameter nested too deep: {head}", param=head)
        _put(tree, steps, value, name)
    return {key: _lists(part) for key, part in tree.items()}


def _put(tree: dict[str, Any], steps: list[str], value: str, name: str) -> None:
    for step in steps[:-1]:
        below = tree.setdefault(step or str(len(tree)), {})
        if not isinstance(below, dict):
            raise Refused(f"Invalid parameter, both a value and an object: {name}", param=name)
        tree = below
    last = steps[-1] or str(len(tree))
    if isinstance(tree.get(last), dict):
        raise Refused(f"Invalid parameter, both a value and an object: {name}", param=name)
    tree[last] = value


def _lists(part: Any) -> Any:
    """Turn dicts whose keys are 0..n-1 into lists, from the inside out."""
    if not isinstance(part, dict):
        return part
    below = {key: _lists(value) for key, value in part.items()}
    if below and len(below) <= _LONGEST_LIST and all(str(n) in below for n in range(len(below))):
        return [below[str(n)] for n in range(len(below))]
    return below
