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

# What became of a try that has no HTTP status, in words; docs/webhooks.md says more of each.
OUTCOMES = {
    "": "–",
    "NOT_PUBLIC": "Address not public",
    "UNKNOWN_NAME": "No such host",
    "CANNOT_CONNECT": "Nobody listens there",
    "BAD_CERTIFICATE": "Certificate not valid",
    "TLS_FAILED": "No secure connection",
    "TIMEOUT": "No answer in time",
    "REDIRECTED": "Led elsewhere",
    "BROKEN_ANSWER": "Unreadable answer",
    "NO_OUTCOME": "Being sent",
    "NO_KEY": "Secret not valid any more",
}


@register.filter
def outcome(code: str) -> str:
    """Write what became of a try in words; a code that is not known stands for itself."""
    return OUTCOMES.get(code, code)


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
