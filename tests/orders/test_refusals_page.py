"""docs/refusals.md held against the refusals in the code: none is missing, and what it says of each is so."""

import ast
import importlib
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

import pytest
from django.conf import settings

import catalog
import commerce
import orders
import streams
from commerce import errors

PAGE = settings.BASE_DIR / "docs/refusals.md"
ROW = re.compile(r"^\| `([A-Z_]+)` \| (\d{3}) \| (yes|no) \|\s*(.*?)\s*\| (.+) \|$", re.M)

ROOMS = (commerce, catalog, streams, orders)
NOT_OURS = (".migrations", ".stripe_simulator", ".management")
# What is refused when it has been bought has a page of its own, too: docs/after-the-sale.md.
AFTERWARDS = (
    "orders.aftersales.cancelling",
    "orders.aftersales.refunding",
    "orders.settling.repaying",
    "orders.aftersales.returning",
    "orders.aftersales.disputes",
)
# What anything may say; its data depends on what it is.
OF_ALL = {"BAD_REQUEST", "UNAVAILABLE", "RATE_LIMITED", "UNAUTHENTICATED", "IDEMPOTENCY_MISMATCH"}


@cache
def refusals() -> list[type[errors.Refusal]]:
    """Return every refusal that there is, of all rooms."""
    for room in ROOMS:
        for found in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if not any(part in found.name for part in NOT_OURS):
                importlib.import_module(found.name)
    rooms = tuple(f"{room.__name__}." for room in ROOMS)
    return [each for each in _below(errors.Refusal) if each.__module__.startswith(rooms)]


def _below(kind: type[errors.Refusal]) -> Iterator[type[errors.Refusal]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


@cache
def page() -> dict[str, list[tuple[int, bool, frozenset[str]]]]:
    """Return the rows of the page by code: status, whether it is temporary, and the names of its data."""
    rows = defaultdict(list)
    for code, status, again, data, _ in ROW.findall(PAGE.read_text("utf-8")):
        rows[code].append((int(status), again == "yes", frozenset(re.findall(r"`(\w+)`", data))))
    return dict(rows)


@cache
def data_by_class() -> dict[str, set[str]]:
    """Return the names of the data that the code gives to each class of that name."""
    found: dict[str, set[str]] = defaultdict(set)
    for room in ROOMS:
        for path in (settings.BASE_DIR / room.__name__).rglob("*.py"):
            _gather(ast.parse(path.read_text("utf-8")), found)
    return found


def _gather(tree: ast.AST, found: dict[str, set[str]]) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            found[name] |= {each.arg for each in node.keywords if each.arg}
        elif isinstance(node, ast.ClassDef):
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "__init__":
                    found[node.name] |= {each.arg for each in call.keywords if each.arg}


def test_the_page_has_every_refusal_and_no_other() -> None:
    assert set(page()) == {each.code for each in refusals()}


def test_status_and_whether_to_try_again_are_as_the_page_says() -> None:
    said = {(code, status, again) for code, rows in page().items() for status, again, _ in rows}

    assert said == {(each.code, each.status, each.temporary) for each in refusals()}


@pytest.mark.parametrize("code", sorted({*page()} - OF_ALL))
def test_the_data_are_those_that_the_page_names(code: str) -> None:
    names = {each.__name__ for each in refusals() if each.code == code}
    given = set().union(*(data_by_class()[name] for name in names)) - {"errors"}
    said = set().union(*(data for _, _, data in page()[code]))

    assert said == given


def test_the_page_about_what_comes_after_names_its_refusals() -> None:
    codes = {each.code for each in refusals() if each.__module__ in AFTERWARDS}

    assert codes > {"RETURN_TOO_LATE", "NOTHING_TO_REFUND"}
    assert codes <= set(
        re.findall(r"`([A-Z_]+)`", (settings.BASE_DIR / "docs/after-the-sale.md").read_text("utf-8"))
    )


@pytest.mark.parametrize(
    "name", ["drops", "carts", "pricing", "socket-protocol", "api", "payouts", "tax-and-shipping"]
)
def test_the_pages_about_it_lead_to_it(name: str) -> None:
    assert "(refusals.md" in (settings.BASE_DIR / f"docs/{name}.md").read_text("utf-8")
