"""The page behind an invitation's link: who has an account signs in, who has none makes one, and joins."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from unfold.widgets import INPUT_CLASSES, UnfoldAdminTextInputWidget

from commerce import accounts, errors, members, throttles
from commerce.merchantsite import CHOSEN, desk
from commerce.models import MemberInvitation, User
from commerce.screens import by_of
from commerce.sites import TRIES, WINDOW_SECONDS


def _password(complete: str) -> forms.CharField:
    attrs = {"class": " ".join(INPUT_CLASSES), "autocomplete": complete}
    return forms.CharField(strip=False, max_length=128, widget=forms.PasswordInput(attrs=attrs))


class KnownForm(forms.Form):
    """The password of an account that there is."""

    password = _password("current-password")


class NewForm(forms.Form):
    """What a new account needs beside its e-mail address."""

    name = forms.CharField(
        max_length=80, widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "name"}), label="Your name"
    )
    password = _password("new-password")


@desk.open_screen("join/", name="join")
@never_cache
def join(request: HttpRequest) -> HttpResponse:
    """Show who invites whom as what; a press joins."""
    secret = str((request.POST if request.method == "POST" else request.GET).get("token", ""))
    now = timezone.now()
    try:
        row = members.invitation(secret=secret, now=now)
    except members.UnknownInvitation as refusal:
        return _page(request, None, text=refusal.text, status=404)
    known = User.objects.filter(email=row.email).first()
    signed_in = request.user if isinstance(request.user, User) else None
    if signed_in is not None and signed_in.email != row.email:
        return _page(request, row, text=members.OtherAddress.message, status=403)
    form: forms.Form | None = None
    if signed_in is None:
        form = (KnownForm if known else NewForm)(request.POST if request.method == "POST" else None)
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            user = signed_in or _somebody(row, known is not None, cast(forms.Form, form).cleaned_data)
            if signed_in is None:
                login(request, user, backend="django.contrib.auth.backends.ModelBackend")
            members.accept(secret=secret, user_id=user.pk, now=now, by=by_of(request))
        except accounts.WeakPassword as refusal:
            cast(forms.Form, form).add_error("password", refusal.text)
        except errors.Refusal as refusal:
            if form is None:
                return _page(request, row, text=refusal.text, status=refusal.status)
            form.add_error(None, refusal.text)
        else:
            request.session[CHOSEN] = str(row.merchant_id)
            messages.success(request, f"Welcome. You work for {row.merchant.name} now.")
            return HttpResponseRedirect(reverse("desk:index"))
    status = 400 if form is not None and form.errors else 200
    return _page(request, row, form=form, secret=secret, known=known is not None, status=status)


def _somebody(row: MemberInvitation, known: bool, said: dict[str, Any]) -> User:
    """Return the account of the invited address, recognised or new.

    Raises WrongCredentials, throttles.TooOften, WeakPassword, EmailTaken.
    """
    if not known:
        return accounts.sign_up(email=row.email, name=said["name"], password=said["password"])
    throttles.spend(what="sign-in", who=row.email, limit=TRIES, seconds=WINDOW_SECONDS)
    user = accounts.recognise(email=row.email, password=said["password"])
    throttles.clear(what="sign-in", who=row.email)
    return user


def _page(request: HttpRequest, row: MemberInvitation | None, *, status: int, **more: Any) -> HttpResponse:
    title = f"Join {row.merchant.name}" if row else "Invitation"
    return desk.render(request, "desk/join.html", title=title, status=status, row=row, **more)
