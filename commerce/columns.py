"""What operations screens write: money with its currency, short ids, links to what rows belong to, states."""

import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from unfold.decorators import display

from commerce.money import Money

Column = Callable[[Any], str]
LINK = "text-primary-600 underline"
SHORT = 12  # The last digits of an id are random; the first are the time.


@functools.cache
def money(name: str, *, currency: str = "currency", description: str = "") -> Column:
    """Return a column that writes minor units as money; `currency` may be a path, as `line__currency`."""

    @admin.display(description=description or _words(name), ordering=name)
    def shown(row: Any) -> str:
        amount = getattr(row, name)
        return "-" if amount is None else _whole(str(Money(amount, _at(row, currency))))

    return shown


@functools.cache
def link(path: str, *, description: str = "") -> Column:
    """Return a column that leads to the screen of what a row belongs to, by a path such as `leg__payout`."""

    @admin.display(description=description or _words(path.rpartition("__")[2]), ordering=path)
    def shown(row: Any) -> str:
        other = _at(row, path)
        return "-" if other is None else to(other)

    return shown


@functools.cache
def ledger(ref: str) -> Column:
    """Return a column that leads to what is booked under a row's field or path."""

    @admin.display(description="In the ledger")
    def shown(row: Any) -> str:
        found = _at(row, ref)
        where = reverse("admin:commerce_ledgertransaction_changelist")
        return format_html(
            '<a class="{}" href="{}?{}">what is booked</a>', LINK, where, urlencode({"q": str(found)})
        )

    return shown


@functools.cache
def _state(name: str, colours: tuple[tuple[str, str], ...]) -> Column:
    @display(description=_words(name), ordering=name, label=dict(colours))  # type: ignore[untyped-decorator]
    def shown(row: Any) -> str:
        return str(getattr(row, name))

    found: Column = shown
    return found


def state(name: str = "status", *, good: str = "", bad: str = "", waits: str = "") -> Column:
    """Return a column with a status as a coloured word; the colours' statuses are parted by blanks."""
    named = ((good, "success"), (bad, "danger"), (waits, "warning"))
    return _state(name, tuple((each, colour) for words, colour in named for each in words.split()))


@admin.display(description="Id", ordering="pk")
def ident(row: Any) -> str:
    """Write a row's id short; all of it is its title."""
    return format_html('<span title="{}">{}</span>', row.pk, str(row.pk)[-SHORT:])


class InMoney:
    """Writes every amount of a read-only screen with its currency, and after them `also_shown`."""

    also_shown: tuple[Column | str, ...] = ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Return the fields as they are shown."""
        listed = [name for name in super().get_fields(request, obj) if name != "currency"]  # type: ignore[misc]
        amounts = [isinstance(name, str) and f"_{name}".endswith("_amount") for name in listed]
        shown = [money(name) if amount else name for name, amount in zip(listed, amounts, strict=True)]
        return [*shown, *self.also_shown]


def _at(row: Any, path: str) -> Any:
    for name in path.split("__"):
        row = getattr(row, name, None)
    return row


def to(other: Model, text: str = "") -> str:
    """Return a link to a row's screen, with its name or its short id; that alone where it has no screen."""
    text = text or (str(other.pk)[-SHORT:] if isinstance(other.pk, UUID) else str(other))
    meta = other._meta
    try:
        where = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[other.pk])
    except NoReverseMatch:
        return text
    return format_html('<a class="{}" href="{}" title="{}">{}</a>', LINK, where, other.pk, text)


def _whole(text: str) -> str:
    return format_html('<span class="whitespace-nowrap">{}</span>', text)


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
