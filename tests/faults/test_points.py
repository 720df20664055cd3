"""Every place at which a process can be killed is registered, and killed there by a test."""

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from commerce import faults
from config.env import ROOT

ROOMS = ("config", "orders", "streams", "catalog", "commerce")


def reached(source: str) -> Iterator[str | None]:
    """Return what each call of `faults.reach` names; None for one that is not a literal."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func).endswith("faults.reach")):
            continue
        word = node.args[0] if node.args else None
        yield word.value if isinstance(word, ast.Constant) and isinstance(word.value, str) else None


def in_the_code() -> set[str | None]:
    files = (path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    return {point for path in files for point in reached(path.read_text())}


def killed() -> set[str]:
    """Return the points of all scenarios beside this file: the values of their parameter `point`."""
    return {point for path in Path(__file__).parent.glob("test_*_killed.py") for point in scenarios(path)}


def scenarios(path: Path) -> Iterator[str]:
    spec = importlib.util.spec_from_file_location(f"scenarios_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, test in vars(module).items():
        marks = getattr(test, "pytestmark", ()) if name.startswith("test_") else ()
        for mark in marks:
            if mark.name != "parametrize":
                continue
            names = (
                mark.args[0].replace(" ", "").split(",") if isinstance(mark.args[0], str) else mark.args[0]
            )
            for given in mark.args[1] if "point" in names else ():
                values = getattr(given, "values", None) or (given if isinstance(given, tuple) else (given,))
                yield values[names.index("point")]


def test_every_place_in_the_code_is_registered_and_every_registered_one_is_in_the_code() -> None:
    assert in_the_code() == set(faults.POINTS)


def test_every_registered_place_has_a_scenario_that_kills_there() -> None:
    assert killed() == set(faults.POINTS)


def test_control_a_place_that_nobody_registered_is_seen() -> None:
    source = "from commerce import faults\ndef f(x):\n    faults.reach('payout.new')\n    faults.reach(x)\n"

    assert list(reached(source)) == ["payout.new", None]
