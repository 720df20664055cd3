"""What the merchant admin's screens share: how a form says whose it is, and what a role opens."""

from typing import Any

from django import template
from django.middleware.csrf import get_token
from django.utils.html import format_html
from django.utils.safestring import SafeString

from commerce.merchantsite import CHOSEN, has
from commerce.templatetags import writing

register = template.Library()
register.filters.update(writing.register.filters)
register.tags.update(writing.register.tags)


@register.simple_tag(takes_context=True)
def own(context: dict[str, Any]) -> SafeString:
    """Write what every form carries: the proof that it is ours, and the merchant that it is for."""
    return format_html(
        '<input type="hidden" name="csrfmiddlewaretoken" value="{}">'
        '<input type="hidden" name="{}" value="{}">',
        get_token(context["request"]),
        CHOSEN,
        context["merchant"].pk,
    )


@register.simple_tag(takes_context=True)
def may(context: dict[str, Any], scope: str) -> bool:
    """Tell whether the role of who looks opens a scope."""
    return has(context["request"], scope)
