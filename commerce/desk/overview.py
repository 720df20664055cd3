"""What waits for a merchant, and the switch to another one."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.module_loading import import_string
from django.views.decorators.http import require_POST, require_safe

from commerce.merchantsite import CHOSEN, EVERY_MEMBER, Waiting, desk, has, member_of, memberships


@desk.screen("", name="index", see=EVERY_MEMBER)
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show what waits, as far as the member's role goes."""
    member = member_of(request)
    asked = [path for path, scope in settings.DESK_WAITING if has(request, scope)]
    found: list[Waiting | None] = [import_string(path)(member.merchant_id) for path in asked]
    waiting = [each for each in found if each is not None and each.count]
    waiting.sort(key=lambda each: not each.is_bad)
    return desk.render(request, "desk/index.html", title="Overview", waiting=waiting)


@desk.screen("switch/", name="switch", see=EVERY_MEMBER)
@require_safe
def switch(request: HttpRequest) -> HttpResponse:
    """List the merchants that the member works for."""
    return desk.render(request, "desk/switch.html", title="Your merchants", rows=memberships(request))


@desk.screen("switch/to/", name="switch_to", see=EVERY_MEMBER, change=EVERY_MEMBER)
@require_POST
def switch_to(request: HttpRequest) -> HttpResponse:
    """Look at another merchant from here on."""
    asked = request.POST.get("to", "")
    chosen = next((each for each in memberships(request) if str(each.merchant_id) == asked), None)
    if chosen is None:
        return desk.nowhere(request)
    request.session[CHOSEN] = asked
    messages.success(request, f"You look at {chosen.merchant.name} now.")
    return HttpResponseRedirect(reverse("desk:index"))
