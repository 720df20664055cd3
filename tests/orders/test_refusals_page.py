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

import orders
import streams.offers
from commerce import errors

PAGE = settings.BASE_DIR / "docs/refusals.md"
ROW = re.compile(r"^\| `([A-Z_]+)` \| (\d{3}) \| (yes|no) \|\s*(.*?)\s*\| (.+) \|$", re.M)

# Beside all of orders/ and of the offers: what stands in the way of buying.
OTHERS = {
    "streams.coupons": ("UnknownCoupon", "CodeTaken", "CouponEnded", "CouponGone"),
    "streams.waitingroom": ("NoWaitingRoom", "NotInRoom", "NotYourTurn"),
    "streams.queries": ("StreamNotLive",),
    "streams.moderation.standing": ("Banned",),
    "streams.frames.wire": ("BadFrame", "BadKey"),
    "streams.live.connection": ("TooManyFrames",),
    "catalog.stock": ("OutOfStock",),
    "commerce.payees": ("CountryNeeded", "OtherCountry", "Gone", "NotOpened"),
    "commerce.http": ("BadIdempotencyKey",),
    "commerce.idempotency": ("IdempotencyMismatch",),
    "commerce.errors": ("Invalid", "Unauthenticated", "NotFound", "TooMany", "Unavailable"),
}
# Refusals in orders/ that merchants and the payment provider hear: docs/api.md, docs/carts.md.
NOT_OF_BUYING = {"ORDER_NOT_OPEN", "NOT_RELEASED", "CANCELLATION_ASKED", "BAD_HOLD_TIME", "BAD_SIGNATURE"}
# Of parcels, and of a buyer who wants to be forgotten: docs/orders.md.
NOT_OF_BUYING |= {"NOT_COMBINABLE", "ORDER_ON_ITS_WAY", "PARCEL_WAITS", "SHIP_TOO_MUCH"}
# What is refused when it has been bought: docs/after-the-sale.md.
AFTERWARDS = (
    "orders.aftersales.cancelling",
    "orders.aftersales.refunding",
    "orders.settling.repaying",
    "orders.aftersales.returning",
    "orders.aftersales.disputes",
)
# What operators are refused on their own screens.
OF_OPERATORS = (
    "orders.settling.discrepancies",
    "orders.settling.banked",
    "orders.payouts.reversing",
)
# What anything may say; its data depends on what it is.
OF_ALL = {"BAD_REQUEST", "UNAVAILABLE", "RATE_LIMITED", "UNAUTHENTICATED", "IDEMPOTENCY_MISMATCH"}


@cache
def refusals() -> list[type[errors.Refusal]]:
    """Return the refusals that the page is about, by what they are defined as."""
    for package in (orders, streams.offers):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(found.name)
    for module in OTHERS:
        importlib.import_module(module)
    return [
        each
        for each in _below(errors.Refusal)
        if (
            each.__module__.startswith(("orders.", "streams.offers."))
            and each.__module__ not in (*AFTERWARDS, *OF_OPERATORS)
        )
        or each.__name__ in OTHERS.get(each.__module__, ())
    ]


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
    for room in ("orders", "streams"):
        for path in (settings.BASE_DIR / room).rglob("*.py"):
            _gather(ast.parse(path.read_text("utf-8")), found)
    for name in ("catalog/stock.py", "commerce/payees.py"):
        _gather(ast.parse((settings.BASE_DIR / name).read_text("utf-8")), found)
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
    assert set(page()) == {each.code for each in refusals()} - NOT_OF_BUYING


def test_status_and_whether_to_try_again_are_as_the_page_says() -> None:
    wrong = [
        (each.__module__, each.__name__, each.status, each.temporary)
        for each in refusals()
        for status, again, _ in page().get(each.code, ())
        if (each.status, each.temporary) != (status, again)
    ]

    assert not wrong


@pytest.mark.parametrize("code", sorted({*page()} - OF_ALL))
def test_the_data_are_those_that_the_page_names(code: str) -> None:
    names = {each.__name__ for each in refusals() if each.code == code}
    given = set().union(*(data_by_class()[name] for name in names)) - {"errors"}
    said = set().union(*(data for _, _, data in page()[code]))

    assert said == given


def test_the_page_about_what_comes_after_names_its_refusals() -> None:
    codes = {each.code for each in _below(errors.Refusal) if each.__module__ in AFTERWARDS}

    assert codes > {"RETURN_TOO_LATE", "NOTHING_TO_REFUND"}
    assert codes <= set(
        re.findall(r"`([A-Z_]+)`", (settings.BASE_DIR / "docs/after-the-sale.md").read_text("utf-8"))
    )


@pytest.mark.parametrize(
    "name", ["drops", "carts", "pricing", "socket-protocol", "api", "payouts", "tax-and-shipping"]
)
def test_the_pages_about_it_lead_to_it(name: str) -> None:
    assert "(refusals.md)" in (settings.BASE_DIR / f"docs/{name}.md").read_text("utf-8")
