"""Forms of the merchant admin that count once however often they are sent, and what was written into them."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from commerce import errors, idempotency
from commerce.merchantsite import member_of

UNDER_WAY = "This was sent before, and is being done."


def once(request: HttpRequest, act: Callable[..., object], **of: Any) -> None:
    """Do what a form asks once, in one transaction with its key."""

    def run() -> tuple[int, object]:
        act(**of)
        return 204, {}

    idempotency.once(**_asked(request), run=run)


def was_done(request: HttpRequest) -> bool:
    """Tell whether just this form was sent before, and done."""
    return idempotency.is_kept(**_asked(request))


def done(request: HttpRequest, act: Callable[..., object], words: str, to: str, **of: Any) -> HttpResponse:
    """Do something once, and go to the page that says what came of it; raises errors.NotFound."""
    try:
        once(request, act, **of)
    except errors.NotFound:
        raise
    except idempotency.InProgress:
        messages.info(request, UNDER_WAY)
    except errors.Refusal as refusal:
        messages.error(request, words_of(refusal))
    else:
        messages.success(request, words)
    return HttpResponseRedirect(to)


def words_of(refusal: errors.Refusal) -> str:
    """Return what is said of a refusal; people know no keys."""
    if isinstance(refusal, idempotency.IdempotencyMismatch):
        return "This form was sent before with something else in it. Send it again if you want this as well."
    return refusal.text


def written(request: HttpRequest, name: str, most: int) -> str:
    """Return what was written into a field, cut to `most` characters."""
    return str(request.POST.get(name, "")).replace("\0", "").strip()[:most]


def _asked(request: HttpRequest) -> dict[str, str]:
    said = sorted(
        (name, request.POST.getlist(name)) for name in request.POST if name != "csrfmiddlewaretoken"
    )
    match = request.resolver_match
    form = match.url_name if match else ""
    return {
        "caller": f"member:{member_of(request).user_id}",
        # A page's forms share its key.
        "key": f"{written(request, 'key', 36) or uuid4()}:{form}",
        "fingerprint": idempotency.fingerprint(request.path.encode(), repr(said).encode()),
    }
