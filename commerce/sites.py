"""The studio: the hosts' own admin site. Every app hangs its screens there, in a module named `studio`."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.module_loading import autodiscover_modules
from unfold.forms import AuthenticationForm as UnfoldAuthenticationForm
from unfold.sites import UnfoldAdminSite

from commerce import accounts, errors, throttles
from commerce.models import Host, User

TRIES, WINDOW_SECONDS = 10, 300

Screen = Callable[..., HttpResponseBase]


def active_host(user: AbstractBaseUser | AnonymousUser) -> Host | None:
    """Return the host that this user is, None for anybody else and for one who is not active."""
    if not user.is_authenticated or not user.is_active:
        return None
    return Host.objects.filter(user_id=user.pk, is_active=True).first()


class LoginForm(UnfoldAuthenticationForm):  # type: ignore[misc]  # unfold ships no types
    """The admin sites' login, which cannot be tried without end."""

    def clean(self) -> dict[str, Any]:
        """Check the password, a limited number of times per e-mail address."""
        email = str(self.cleaned_data.get("username") or "").strip().casefold()
        try:
            throttles.spend(what="sign-in", who=email, limit=TRIES, seconds=WINDOW_SECONDS)
        except errors.Refusal as refusal:
            raise ValidationError(refusal.text, code=refusal.code) from None
        cleaned = cast(dict[str, Any], super().clean())
        throttles.clear(what="sign-in", who=email)
        return cleaned


class HostLoginForm(LoginForm):
    """Lets hosts in, who need not be staff."""

    error_messages = AuthenticationForm.error_messages

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        """Refuse whoever is not an active host."""
        # Not the admin's own check, which asks for staff.
        AuthenticationForm.confirm_login_allowed(self, cast(User, user))
        if active_host(user) is None:
            raise ValidationError("The studio is for hosts. This account is not one.", code="not_a_host")


class ScreensSite(UnfoldAdminSite):  # type: ignore[misc]
    """An admin site without models: its screens are views that apps hang there, in modules of one name."""

    login_template = "commerce/screens_login.html"
    module = ""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._screens: list[URLPattern] = []

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        """Sign out, and have the live connections of that session closed."""
        with transaction.atomic():
            if isinstance(request.user, User):
                accounts.access_changed(user_id=request.user.id)
            return cast(HttpResponseBase, super().logout(request, extra_context))

    def extra_urls(self) -> list[URLPattern]:
        """Return the screens of all apps; they come before the site's own addresses."""
        autodiscover_modules(self.module)
        return self._screens

    def render(
        self, request: HttpRequest, template: str, *, title: str, status: int = 200, **context: Any
    ) -> TemplateResponse:
        """Render a screen inside the site's frame."""
        request.current_app = self.name
        shown = {**self.each_context(request), "title": title, **context}
        return TemplateResponse(request, template, shown, status=status)


class StudioSite(ScreensSite):
    """The hosts' site: each screen starts from the host who looks."""

    settings_name = "STUDIO"
    login_form = HostLoginForm
    module = "studio"

    def has_permission(self, request: HttpRequest) -> bool:
        """Let active hosts in, staff or not."""
        return active_host(request.user) is not None

    def screen(self, route: str, *, name: str) -> Callable[[Screen], Screen]:
        """Hang a view into the studio, behind its login, at `route` and as `studio:name`."""

        def hang(view: Screen) -> Screen:
            self._screens.append(path(route, self.admin_view(view), name=name))
            return view

        return hang


studio = StudioSite(name="studio")


def host_of(request: HttpRequest) -> Host:
    """Return the host who is looking at a studio screen."""
    return cast(User, request.user).host
