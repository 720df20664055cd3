"""How the studio's screens write what shows are about, beside money and times."""

from collections.abc import Mapping
from typing import Any

from django import template

from commerce.templatetags import writing

register = template.Library()
register.filters.update(writing.register.filters)
register.tags.update(writing.register.tags)


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


@register.filter
def of_show(earnings: Mapping[str, Mapping[str, Any]], stream: Any) -> Mapping[str, Any]:
    """Look up one show's figures; a show that sold nothing has none."""
    return earnings.get(str(stream.id), {})
