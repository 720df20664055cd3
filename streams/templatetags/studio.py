"""How the studio's screens write money and times."""

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
    """Write basis points as hosts say them, such as "12.5 %"."""
    return f"{basis_points / 100:g} %"


@register.filter
def cohost_end(row: Any) -> str:
    """Say what became of an invitation."""
    ends = {"invited": "not answered in time", "accepted": "agreed until the end"}
    return ends.get(row.status, str(row.status))


@register.filter
def status(stream: Any) -> str:
    """Name a show's status as hosts say it."""
    return {"scheduled": "Planned"}.get(stream.status) or str(stream.get_status_display())


@register.filter
def length_of(stream: Any) -> str:
    """Write how long a show was live, such as "1 h 12 min"."""
    if stream.live_at is None or stream.ended_at is None:
        return "–"
    minutes = round((stream.ended_at - stream.live_at).total_seconds() / 60)
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"


def _amount(value: Money) -> str:
    digits = exponent_of(value.currency)
    number = f"{value.amount / 10**digits:,.{digits}f}"
    sign = SIGNS.get(value.currency)
    return f"{sign}{number}" if sign else f"{number} {value.currency}"


@register.filter
def of_show(earnings: Mapping[str, Mapping[str, Any]], stream: Any) -> Mapping[str, Any]:
    """Look up one show's figures; a show that sold nothing has none."""
    return earnings.get(str(stream.id), {})
