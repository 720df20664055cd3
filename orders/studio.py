"""The host's screen of the trade: where she is paid, and what she is owed."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from commerce import errors, payees
from commerce.models import Host
from commerce.money import Money
from commerce.sites import host_of, studio
from orders.payouts import planning

# Account states in words for its owner.
NOT_YET = ("Not set up", "Tell our payment provider who you are and where to send your commission.")
STATES = {
    "none": NOT_YET,
    "new": NOT_YET,
    "onboarding": ("Not finished", "The payment provider still has questions for you."),
    "pending": (
        "Being checked",
        "The payment provider looks at what you gave. Nothing is left to do for you.",
    ),
    "enabled": ("Ready", "Your commission is sent to you once a day, as soon as it is earned."),
    "restricted": ("Stopped", "The payment provider wants to know more before it pays you."),
    "gone": ("Not connected", "Your account was cut off. Please write to us."),
}
GOES_ON = ("none", "new", "onboarding", "restricted")


@studio.screen("payout/", name="payout")
@require_http_methods(["GET", "HEAD", "POST"])
def payout(request: HttpRequest) -> HttpResponse:
    """Show where the host is paid; a press leads to the provider's page, which leads back here."""
    host = host_of(request)
    owner = payees.Owner(host_id=host.id)
    url = _open(request, host) if request.method == "POST" else ""
    if "back" in request.GET:
        known = payees.of(owner)
        if known is not None and known.provider_id:
            try:
                payees.refresh(provider_id=known.provider_id, now=timezone.now())
            except errors.Unavailable:
                messages.warning(request, "The payment provider does not answer. What is shown may be old.")
    body = planning.body(owner)
    title, words = STATES[body["state"]]
    return studio.render(
        request,
        "orders/studio_payout.html",
        title="Get paid",
        account=body,
        state=title,
        words=words,
        # A link: a form may lead nowhere but here (Content-Security-Policy, form-action).
        url=url,
        goes_on=body["state"] in GOES_ON,
        asks_country=not body["country"],
        standing=[
            {**{name: _money(each[name]) for name in ("pending", "payable", "under_way")}, "why": each["why"]}
            for each in body["standing"]
        ],
    )


def _open(request: HttpRequest, host: Host) -> str:
    """Return the provider's page; empty when there is none, which is said then."""
    here = request.build_absolute_uri(reverse("studio:payout"))
    try:
        return payees.open_page(
            owner=payees.Owner(host_id=host.id),
            country=request.POST.get("country", "").strip().upper(),
            back_to=f"{here}?back",
            again_at=f"{here}?back",
            now=timezone.now(),
        )
    except errors.Refusal as refusal:
        messages.error(request, refusal.text)
        return ""


def _money(body: dict[str, Any]) -> str:
    return str(Money(body["amount"], body["currency"]))
