"""Who works for a merchant and as what: inviting, joining, changing and removing, each written down.

Every act holds the merchant's row, so that of two at once the second sees what the first has left; that a
merchant with an owner keeps one is held by the database as well. Who acts as an owner is looked at again
under that lock: she may have been removed a moment ago.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from commerce import errors
from commerce.merchantkeys import By
from commerce.models import MemberEvent, MemberInvitation, Merchant, MerchantMember, User
from commerce.scopes import ROLES, may

INVITED_FOR = timedelta(days=7)
MOST = 200  # Members and open invitations of one merchant.
OWNER = "owner"


class BadRole(errors.Invalid):
    """There is no such role."""

    code = "BAD_ROLE"
    message = "There is no such role."


class BadEmail(errors.Invalid):
    """What was given is no e-mail address."""

    code = "BAD_EMAIL"
    message = "This is not an e-mail address."


class AlreadyMember(errors.Conflict):
    """Whoever is invited or added is a member already."""

    code = "ALREADY_MEMBER"
    message = "Somebody with this e-mail address is a member already."


class TooManyMembers(errors.Conflict):
    """The merchant has as many members and invitations as are allowed."""

    code = "TOO_MANY_MEMBERS"
    message = f"A merchant has at most {MOST} members and open invitations."


class LastOwner(errors.Conflict):
    """The merchant would be left without anybody who may do everything."""

    code = "LAST_OWNER"
    message = "This is the last owner. Make somebody else an owner first."


class NotAnOwner(errors.Forbidden):
    """Who asked is not an owner, or not any more."""

    code = "NOT_AN_OWNER"
    message = "Only owners may change who works here."


class UnknownMember(errors.NotFound):
    """The merchant has no such member."""

    message = "There is no such member."


class UnknownInvitation(errors.NotFound):
    """No invitation has this secret or id, or none that is open."""

    message = "This invitation does not exist, was used, was withdrawn or has expired."


class OtherAddress(errors.Forbidden):
    """The invitation is for another e-mail address than that of who is signed in."""

    code = "INVITED_OTHER_ADDRESS"
    message = "The invitation is for another e-mail address."


def invite(
    *, merchant_id: UUID, email: str, role: str, now: datetime, by: By, as_owner: bool = True
) -> tuple[MemberInvitation, str]:
    """Invite an e-mail address, in place of an open invitation of it; returns the secret, told this once.

    With `as_owner` who asks has to be an owner still; operators are not. Raises BadRole, BadEmail,
    AlreadyMember, TooManyMembers, NotAnOwner.
    """
    address = _email(email)
    _known(role)
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        _lock(merchant_id, by if as_owner else None)
        if MerchantMember.objects.filter(merchant_id=merchant_id, user__email=address).exists():
            raise AlreadyMember
        open_ones = MemberInvitation.objects.filter(merchant_id=merchant_id, ending="")
        again = bool(open_ones.filter(email=address).update(ending="withdrawn", ended_at=now))
        waiting = open_ones.filter(expires_at__gt=now).count()
        if MerchantMember.objects.filter(merchant_id=merchant_id).count() + waiting >= MOST:
            raise TooManyMembers
        made = MemberInvitation.objects.create(
            merchant_id=merchant_id,
            email=address,
            role=role,
            hashed=_hash(secret),
            invited_by_id=by.person_id,
            created_at=now,
            expires_at=now + INVITED_FOR,
        )
        _write_down(merchant_id, MemberEvent.Action.INVITED, address, by, role=role, again=again)
    return made, secret


def withdraw(*, merchant_id: UUID, invitation_id: UUID, now: datetime, by: By) -> MemberInvitation:
    """Take an open invitation back; raises UnknownInvitation, NotAnOwner."""
    with transaction.atomic():
        _lock(merchant_id, by)
        row = MemberInvitation.objects.filter(merchant_id=merchant_id, pk=invitation_id, ending="").first()
        if row is None:
            raise UnknownInvitation
        row.ending, row.ended_at = MemberInvitation.Ending.WITHDRAWN, now
        row.save(update_fields=["ending", "ended_at"])
        _write_down(merchant_id, MemberEvent.Action.WITHDRAWN, row.email, by, role=row.role)
    return row


def invitation(*, secret: str, now: datetime) -> MemberInvitation:
    """Return the open invitation with this secret, with its merchant; raises UnknownInvitation."""
    found = MemberInvitation.objects.select_related("merchant", "invited_by").filter(
        hashed=_hash(secret), ending="", expires_at__gt=now, merchant__is_active=True
    )
    row = found.first()
    if row is None:
        raise UnknownInvitation
    return row


def accept(*, secret: str, user_id: UUID, now: datetime, by: By) -> MerchantMember:
    """Make the user a member as she was invited; the invitation is used up.

    Raises UnknownInvitation, OtherAddress when it is for another e-mail address, AlreadyMember.
    """
    with transaction.atomic():
        merchant_id = invitation(secret=secret, now=now).merchant_id
        _lock(merchant_id)
        # Again, now that nobody else can be using it or taking it back.
        row = invitation(secret=secret, now=now)
        user = User.objects.get(pk=user_id)
        if user.email != row.email:
            raise OtherAddress
        if MerchantMember.objects.filter(merchant_id=merchant_id, user=user).exists():
            raise AlreadyMember("You are a member already.")
        row.ending, row.ended_at = MemberInvitation.Ending.ACCEPTED, now
        row.save(update_fields=["ending", "ended_at"])
        made = MerchantMember.objects.create(merchant_id=merchant_id, user=user, role=row.role)
        _write_down(merchant_id, MemberEvent.Action.JOINED, row.email, by, role=row.role)
    return made


def add(*, merchant_id: UUID, user_id: UUID, role: str, by: By) -> MerchantMember:
    """Make a user a member without an invitation, as operators do; raises BadRole, AlreadyMember."""
    _known(role)
    with transaction.atomic():
        _lock(merchant_id)
        user = User.objects.get(pk=user_id)
        if MerchantMember.objects.filter(merchant_id=merchant_id, user=user).exists():
            raise AlreadyMember
        made = MerchantMember.objects.create(merchant_id=merchant_id, user=user, role=role)
        _write_down(merchant_id, MemberEvent.Action.ADDED, user.email, by, role=role)
    return made


def change(*, merchant_id: UUID, user_id: UUID, role: str, by: By, as_owner: bool = True) -> MerchantMember:
    """Give a member another role; raises BadRole, UnknownMember, LastOwner, NotAnOwner."""
    with transaction.atomic():
        _lock(merchant_id, by if as_owner else None)
        row = _member(merchant_id, user_id)
        _known(role)
        before = row.role
        if before != role:
            _keep_an_owner(row)
            row.role = role
            row.save(update_fields=["role"])
            _write_down(merchant_id, MemberEvent.Action.CHANGED, row.user.email, by, role=[before, role])
    return row


def remove(*, merchant_id: UUID, user_id: UUID, by: By, as_owner: bool = True) -> None:
    """End a membership; screens look it up on every request, so it counts at once.

    Raises UnknownMember, LastOwner, NotAnOwner. Anybody may leave, owner or not.
    """
    with transaction.atomic():
        leaves = by.person_id == user_id
        _lock(merchant_id, by if as_owner and not leaves else None)
        row = _member(merchant_id, user_id)
        _keep_an_owner(row)
        row.delete()
        _write_down(merchant_id, MemberEvent.Action.REMOVED, row.user.email, by, role=row.role)


def of_user(user_id: UUID) -> list[MerchantMember]:
    """Return what a user is where, with the merchants, by their names; only merchants that are active."""
    rows = MerchantMember.objects.select_related("merchant", "user").filter(
        user_id=user_id, user__is_active=True, merchant__is_active=True
    )
    return list(rows.order_by("merchant__name", "id"))


def _lock(merchant_id: UUID, by: By | None = None) -> None:
    """Hold the merchant's members until the transaction ends; `by` has to be one who may change them."""
    Merchant.objects.select_for_update(no_key=True).get(pk=merchant_id)
    if by is None:
        return
    asks = MerchantMember.objects.filter(merchant_id=merchant_id, user=by.person_id).first()
    if asks is None or not may(asks.scopes, "members"):
        raise NotAnOwner


def _member(merchant_id: UUID, user_id: UUID) -> MerchantMember:
    rows = MerchantMember.objects.select_related("user")
    row = rows.filter(merchant_id=merchant_id, user_id=user_id).first()
    if row is None:
        raise UnknownMember
    return row


def _keep_an_owner(row: MerchantMember) -> None:
    """Refuse to take an owner away when no other one can sign in."""
    if row.role != OWNER:
        return
    others = MerchantMember.objects.filter(merchant_id=row.merchant_id, role=OWNER, user__is_active=True)
    if not others.exclude(pk=row.pk).exists():
        raise LastOwner


def _known(role: str) -> None:
    if role not in ROLES:
        raise BadRole


def _email(text: str) -> str:
    address = text.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise BadEmail from None
    if len(address) > 254:
        raise BadEmail
    return address


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _write_down(merchant_id: UUID, action: str, email: str, by: By, **details: Any) -> None:
    MemberEvent.objects.create(
        merchant_id=merchant_id,
        action=action,
        email=email,
        person_id=by.person_id,
        address=by.address,
        details=details,
    )
