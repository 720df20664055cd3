"""The merchant admin: merchants' own site. Every app hangs its screens there, in a module named `desk`.

Each screen says which scope it needs to be looked at and which to change something, and starts from
`member_of(request)`: who looks, at which merchant, as what. That is read anew on every request.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, cast
from uuid import UUID

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.urls import path

from commerce import errors, members
from commerce.models import MerchantMember, User
from commerce.scopes import may
from commerce.sites import LoginForm, Screen, ScreensSite

CHOSEN = "merchant"  # Where the session keeps the merchant that was chosen.
SAFE = ("GET", "HEAD")
EVERY_MEMBER = ""  # In place of a scope.


class MemberLoginForm(LoginForm):
    """Lets merchants' members in, who need not be staff."""

    error_messages = AuthenticationForm.error_messages

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        """Refuse whoever works for no merchant."""
        # Not the admin's own check, which asks for staff.
        AuthenticationForm.confirm_login_allowed(self, cast(User, user))
        if not members.of_user(cast(User, user).pk):
            raise ValidationError("This is for merchants. This account works for none.", code="not_a_member")


@dataclass(frozen=True)
class Waiting:
    """Something that waits for a merchant: how many, in words, and the screen where it is dealt with."""

    count: int
    words: str
    url: str
    is_bad: bool = False


@dataclass(frozen=True)
class Needs:
    """Which scope a screen needs to be looked at, and which to change something; None: nothing changes."""

    see: str
    change: str | None


def memberships(request: HttpRequest) -> list[MerchantMember]:
    """Return what the one who looks is where; read once per request."""
    user = request.user
    if not isinstance(user, User):
        return []
    known: tuple[UUID, list[MerchantMember]] | None = getattr(request, "_memberships", None)
    if known is None or known[0] != user.pk:
        known = (user.pk, members.of_user(user.pk))
        request._memberships = known  # type: ignore[attr-defined]
    return known[1]


def found_member(request: HttpRequest) -> MerchantMember | None:
    """Return the membership that was chosen, else the first one; None for whoever has none."""
    mine = memberships(request)
    chosen = request.session.get(CHOSEN)
    return next((each for each in mine if str(each.merchant_id) == chosen), mine[0] if mine else None)


def member_of(request: HttpRequest) -> MerchantMember:
    """Return who is looking at a screen, at which merchant and as what."""
    found = found_member(request)
    assert found is not None  # The site has let her in.
    return found


class DeskSite(ScreensSite):
    """The merchants' site: each screen starts from the membership of who looks."""

    settings_name = "DESK"
    login_form = MemberLoginForm
    module = "desk"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.needs: dict[str, Needs] = {}

    def has_permission(self, request: HttpRequest) -> bool:
        """Let members of active merchants in, staff or not."""
        return found_member(request) is not None

    def extra_context(self, context: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
        """Tell every screen who looks and where."""
        member = found_member(request)
        return {**context, "member": member, "merchant": member and member.merchant}

    def screen(
        self, route: str, *, name: str, see: str, change: str | None = None
    ) -> Callable[[Screen], Screen]:
        """Hang a view at `route`, as `desk:name`, behind the login and for those whose role has the scopes.

        Either may be EVERY_MEMBER. Without `change` the screen takes no POST. A POST has to carry the
        merchant that its form was made for (the tag `own`). Refusals NotFound and Forbidden become pages.
        """
        needs = self.needs[name] = Needs(see, change)

        def hang(view: Screen) -> Screen:
            @wraps(view)
            def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
                refused = self._refused(request, needs)
                if refused is not None:
                    return refused
                try:
                    return view(request, *args, **kwargs)
                except (Http404, errors.NotFound):
                    return self.nowhere(request)
                except errors.Forbidden as refusal:
                    return self.forbidden(request, refusal.text)

            self._screens.append(path(route, self.admin_view(guarded), name=name))
            return view

        return hang

    def open_screen(self, route: str, *, name: str) -> Callable[[Screen], Screen]:
        """Hang a view that needs no login, at `route` and as `desk:name`."""

        def hang(view: Screen) -> Screen:
            self._screens.append(path(route, view, name=name))
            return view

        return hang

    def nowhere(self, request: HttpRequest) -> HttpResponse:
        """Return the answer where there is nothing for this merchant."""
        return self.render(request, "desk/nowhere.html", title="Not found", status=404)

    def forbidden(self, request: HttpRequest, text: str = "") -> HttpResponse:
        """Return the answer where the member's role does not open a screen."""
        return self.render(request, "desk/forbidden.html", title="Not for your role", status=403, text=text)

    def may_open(self, request: HttpRequest, name: str) -> bool:
        """Tell whether who looks may see a screen."""
        return _opens(member_of(request), self.needs[name].see)

    def _refused(self, request: HttpRequest, needs: Needs) -> HttpResponseBase | None:
        member = member_of(request)
        safe = request.method in SAFE
        if not safe and (request.method != "POST" or needs.change is None):
            return HttpResponseNotAllowed([*SAFE, *([] if needs.change is None else ["POST"])])
        if not _opens(member, needs.see) or not (safe or _opens(member, needs.change or EVERY_MEMBER)):
            return self.forbidden(request)
        if not safe and request.POST.get(CHOSEN) != str(member.merchant_id):
            # Another tab has switched: what is written here was meant for somebody else's goods.
            return self.render(request, "desk/elsewhere.html", title="Another merchant", status=409)
        return None


def _opens(member: MerchantMember, scope: str) -> bool:
    return scope == EVERY_MEMBER or may(member.scopes, scope)


desk = DeskSite(name="desk")


def may_open(name: str) -> Callable[[HttpRequest], bool]:
    """Return who may see a screen, for the sidebar."""
    return lambda request: desk.may_open(request, name)


def merchant_name(request: HttpRequest) -> str:
    """Return whose goods are looked at, for the head of the sidebar."""
    found = found_member(request)
    return found.merchant.name if found else "Merchants"


def has(request: HttpRequest, scope: str) -> bool:
    """Tell whether the role of who looks opens a scope."""
    return may(member_of(request).scopes, scope)
