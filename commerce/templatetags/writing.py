"""How the screens of hosts and merchants write money and times."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from commerce.money import Money, exponent_of

register = template.Library()

SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩"}


@register.filter
def money(given: Mapping[str, Any] | Iterable[Mapping[str, Any]] | None) -> str:
    """Write an amount, or one per currency, such as "€1,204.50"; nothing is a dash."""
    amounts = [given] if isinstance(given, Mapping) else list(given or ())
    return " + ".join(_amount(Money(each["amount"], each["currency"])) for each in amounts) or "–"


@register.filter
def price_range(variants: Iterable[Mapping[str, Any]]) -> str:
    """Write what variants cost, such as "€4.90 – €9.90"; of several currencies one range each."""
    ends: dict[str, tuple[int, int]] = {}
    for price in (each["price"] for each in variants):
        if price is not None:
            amount, currency = price["amount"], price["currency"]
            least, most = ends.get(currency, (amount, amount))
            ends[currency] = min(least, amount), max(most, amount)
    ranges = (
        " – ".join(_amount(Money(amount, currency)) for amount in dict.fromkeys(pair))
        for currency, pair in ends.items()
    )
    return ", ".join(ranges) or "–"


@register.simple_tag
def moment(at: datetime, style: str = "full") -> SafeString:
    """Write a moment in UTC; the page's script rewrites it in the reader's own time."""
    at = at.astimezone(timezone.get_default_timezone())
    return format_html(
        '<time datetime="{}" data-moment="{}">{} UTC</time>',
        at.isoformat(),
        style,
        at.strftime("%-d %b %Y, %H:%M"),
    )


@register.filter
def percent(basis_points: int) -> str:
    """Write basis points as people say them, such as "12.5 %"."""
    return f"{basis_points / 100:g} %"


def _amount(value: Money) -> str:
    digits = exponent_of(value.currency)
    number = f"{value.amount / 10**digits:,.{digits}f}"
    sign = SIGNS.get(value.currency)
    return f"{sign}{number}" if sign else f"{number} {value.currency}"
