"""Who works for the merchant: inviting, other roles, removing, and what was done."""

from typing import Any
from uuid import UUID

import structlog
from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminSelectWidget

from commerce import errors, members
from commerce.merchantsite import EVERY_MEMBER, desk, member_of
from commerce.models import MemberEvent, MemberInvitation, Merchant, MerchantMember, User
from commerce.models.members import Role
from commerce.screens import by_of

log = structlog.get_logger(__name__)

EVENTS = 50
WORDS = {
    "owner": "Everything, with money, API keys and members",
    "catalog": "Goods, prices, stock and feeds",
    "orders": "Orders, returns and refunds",
    "viewer": "Looks, and changes nothing",
}
ROLES = [(role.value, f"{role.label.capitalize()}: {WORDS[role.value]}") for role in Role]

_LETTER = """{inviter} invites you to work for {merchant} on Yellowcart, as: {role}.

Open this link within {days} days to join. It works once, and for this e-mail address only.

{link}

If you do not know {merchant}, leave it alone: nothing happens.
"""


class InviteForm(forms.Form):
    """Whom an owner invites, and as what."""

    email = forms.EmailField(label="E-mail", max_length=254, widget=UnfoldAdminEmailInputWidget())
    role = forms.ChoiceField(choices=ROLES, initial="viewer", widget=UnfoldAdminSelectWidget)


@desk.screen("members/", name="members", see="members", change="members")
def people(request: HttpRequest) -> HttpResponse:
    """List members and invitations; invite somebody, whose link is shown this once."""
    merchant = member_of(request).merchant
    form = InviteForm(request.POST if request.method == "POST" else None)
    link, mailed = "", False
    if request.method == "POST" and form.is_valid():
        try:
            row, secret = members.invite(
                merchant_id=merchant.pk,
                email=form.cleaned_data["email"],
                role=form.cleaned_data["role"],
                now=timezone.now(),
                by=by_of(request),
            )
        except (errors.Invalid, errors.Conflict) as refusal:
            form.add_error("email", refusal.text)
        else:
            link = f"{settings.BASE_URL}{reverse('desk:join')}?token={secret}"
            mailed = _mailed(row, merchant, request.user, link)
            form = InviteForm()
    now = timezone.now()
    return desk.render(
        request,
        "desk/members.html",
        title="Members",
        status=400 if form.errors else 200,
        form=form,
        link=link,
        mailed=mailed,
        roles=[(role.value, role.label.capitalize()) for role in Role],
        rows=MerchantMember.objects.filter(merchant=merchant)
        .select_related("user")
        .order_by("user__name", "id"),
        invitations=MemberInvitation.objects.filter(merchant=merchant, ending="", expires_at__gt=now),
        events=MemberEvent.objects.filter(merchant=merchant)
        .select_related("person")
        .order_by("-id")[:EVENTS],
    )


@desk.screen("members/<uuid:user_id>/role/", name="member_role", see="members", change="members")
@require_POST
def role(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Give a member another role."""
    merchant_id = member_of(request).merchant_id
    try:
        row = members.change(
            merchant_id=merchant_id, user_id=user_id, role=request.POST.get("role", ""), by=by_of(request)
        )
    except (errors.Invalid, errors.Conflict) as refusal:
        messages.error(request, refusal.text)
    else:
        messages.success(request, f"{row.user.name} is here as {row.get_role_display()} now.")
    # Who is no owner any more may not see the members.
    still = row_of(merchant_id, request.user.pk)
    return HttpResponseRedirect(reverse("desk:members" if still == members.OWNER else "desk:index"))


@desk.screen("members/<uuid:user_id>/remove/", name="member_remove", see="members", change="members")
@require_POST
def remove(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """End a membership, at once."""
    try:
        members.remove(merchant_id=member_of(request).merchant_id, user_id=user_id, by=by_of(request))
    except errors.Conflict as refusal:
        messages.error(request, refusal.text)
    else:
        messages.success(request, "Removed. Whoever it was is signed out of this merchant.")
    return HttpResponseRedirect(reverse("desk:members" if user_id != request.user.pk else "desk:index"))


@desk.screen("invitations/<uuid:invitation_id>/withdraw/", name="withdraw", see="members", change="members")
@require_POST
def withdraw(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Take an invitation back: its link opens nothing any more."""
    row = members.withdraw(
        merchant_id=member_of(request).merchant_id,
        invitation_id=invitation_id,
        now=timezone.now(),
        by=by_of(request),
    )
    messages.success(request, f"{row.email} is not invited any more.")
    return HttpResponseRedirect(reverse("desk:members"))


@desk.screen("leave/", name="leave", see=EVERY_MEMBER, change=EVERY_MEMBER)
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """End one's own membership."""
    member = member_of(request)
    try:
        members.remove(merchant_id=member.merchant_id, user_id=member.user_id, by=by_of(request))
    except errors.Conflict as refusal:
        messages.error(request, refusal.text)
        return HttpResponseRedirect(reverse("desk:switch"))
    messages.success(request, f"You do not work for {member.merchant.name} any more.")
    return HttpResponseRedirect(reverse("desk:index"))


def row_of(merchant_id: UUID, user_id: Any) -> str:
    """Return a member's role as it is now; "" for none."""
    roles = MerchantMember.objects.filter(merchant_id=merchant_id, user_id=user_id)
    return roles.values_list("role", flat=True).first() or ""


def _mailed(row: MemberInvitation, merchant: Merchant, inviter: Any, link: str) -> bool:
    """Write to who is invited, outside of any transaction; tells whether the letter was handed over."""
    if settings.EMAIL_BACKEND.endswith("dummy.EmailBackend"):
        return False
    who = inviter.name if isinstance(inviter, User) else ""
    text = _LETTER.format(
        inviter=who or merchant.name,
        merchant=merchant.name,
        role=row.get_role_display(),
        days=members.INVITED_FOR.days,
        link=link,
    )
    try:
        return bool(send_mail(f"Work for {' '.join(merchant.name.split())}", text, None, [row.email]))
    except OSError as error:  # SMTP's own errors are OSErrors.
        log.warning("member.not_mailed", invitation=str(row.pk), error=type(error).__name__)
        return False
