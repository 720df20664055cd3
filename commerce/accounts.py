"""Accounts: signing up, recognising who signs in, and the addresses parcels go to."""

from typing import Any
from uuid import UUID

from django.contrib.auth import authenticate, password_validation
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from psycopg2.errors import UniqueViolation

from commerce import countries, errors, outbox
from commerce.models import Address, User

MAX_ADDRESSES = 20


class EmailTaken(errors.Conflict):
    """Somebody signed up with this e-mail address before."""

    code = "EMAIL_TAKEN"
    message = "There is already an account with this e-mail address. Sign in instead."


class WeakPassword(errors.Invalid):
    """The password is too short, too common or too much like the name; `data["reasons"]` says which."""

    code = "WEAK_PASSWORD"
    message = "Choose a stronger password."


class WrongCredentials(errors.Unauthenticated):
    """The e-mail address is unknown or the password is wrong; which of the two is not told."""

    code = "WRONG_CREDENTIALS"
    message = "The e-mail address or the password is not right."


class AddressNotFound(errors.NotFound):
    """This user has no such address."""

    message = "There is no such address."


class TooManyAddresses(errors.Conflict):
    """The user keeps as many addresses as are allowed."""

    code = "TOO_MANY_ADDRESSES"
    message = f"You can keep {MAX_ADDRESSES} addresses. Remove one first."


def sign_up(*, email: str, name: str, password: str) -> User:
    """Create a shopper; raises EmailTaken or WeakPassword."""
    user = User(email=email.strip().lower(), name=_line(name, "name", 80))
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        raise WeakPassword(" ".join(error.messages), reasons=error.messages) from None
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        if isinstance(error.__cause__, UniqueViolation):
            raise EmailTaken from None
        raise
    return user


def recognise(*, email: str, password: str) -> User:
    """Return the active user with this e-mail address and password; raises WrongCredentials.

    An unknown address costs as much hashing as a known one, so time does not tell them apart.
    """
    user = authenticate(username=email, password=password)
    if not isinstance(user, User):
        raise WrongCredentials
    return user


def change_password(*, user_id: UUID, old: str, new: str) -> User:
    """Change the password, which ends the user's sessions and sockets.

    Raises WrongCredentials for the old one, WeakPassword for the new one.
    """
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(id=user_id)
        if not user.check_password(old):
            raise WrongCredentials("The old password is not right.")
        try:
            password_validation.validate_password(new, user)
        except ValidationError as error:
            raise WeakPassword(" ".join(error.messages), reasons=error.messages) from None
        user.set_password(new)
        user.save(update_fields=["password"])
        access_changed(user_id=user_id)
    return user


def sign_out_everywhere(*, user_id: UUID) -> None:
    """End all of a user's sessions and sockets."""
    with transaction.atomic():
        User.objects.filter(id=user_id).update(session_round=F("session_round") + 1)
        access_changed(user_id=user_id)


def access_changed(*, user_id: UUID) -> None:
    """Record, in the transaction that makes it so, that a user may do more or less than before."""
    outbox.record(name="access.changed", payload={"user": str(user_id)})


def change_name(*, user_id: UUID, name: str) -> User:
    """Change the name shown in chat and to merchants."""
    user = User.objects.get(id=user_id)
    user.name = _line(name, "name", 80)
    user.save(update_fields=["name"])
    return user


def save_address(
    *,
    user_id: UUID,
    address_id: UUID | None = None,
    name: str,
    line1: str,
    line2: str = "",
    city: str,
    postal_code: str = "",
    country: str,
    phone: str = "",
    email: str = "",
    is_default: bool = True,
) -> Address:
    """Add an address, or change the one named; a user's only address is the default one.

    Phone and e-mail are given by whoever wants sellers and their carriers to have them.

    Raises AddressNotFound for an address that is not the user's, TooManyAddresses, Invalid for the country.
    """
    code = country.strip().upper()
    if code not in countries.CODES:
        raise _wrong("country", "This is not a country code (ISO 3166-1 alpha-2).")
    fields: dict[str, Any] = {
        "name": _line(name, "name", 120),
        "line1": _line(line1, "line1", 200),
        "line2": line2.strip(),
        "city": _line(city, "city", 120),
        "postal_code": postal_code.strip(),
        "country": code,
        "phone": phone.strip(),
        "email": email.strip(),
    }
    with transaction.atomic():
        kept = _locked(user_id)
        if address_id is None:
            if len(kept) >= MAX_ADDRESSES:
                raise TooManyAddresses
            address = Address(user_id=user_id)
        else:
            address = _among(kept, address_id)
        others = [one for one in kept if one.id != address.id]
        for field, value in fields.items():
            setattr(address, field, value)
        address.is_default = is_default or not any(one.is_default for one in others)
        if address.is_default:
            Address.objects.filter(id__in=[one.id for one in others], is_default=True).update(
                is_default=False
            )
        address.save()
    return address


def forget_addresses(*, user_id: UUID) -> None:
    """Remove all of a user's addresses."""
    Address.objects.filter(user_id=user_id).delete()


def remove_address(*, user_id: UUID, address_id: UUID) -> None:
    """Remove an address; the newest remaining one becomes the default. Raises AddressNotFound."""
    with transaction.atomic():
        kept = _locked(user_id)
        address = _among(kept, address_id)
        rest = [one for one in kept if one.id != address_id]
        address.delete()
        if address.is_default and rest:
            heir = max(rest, key=lambda one: one.id)
            heir.is_default = True
            heir.save(update_fields=["is_default"])


def addresses_of(user_id: UUID) -> list[Address]:
    """Return the user's addresses, the default one first."""
    return list(Address.objects.filter(user_id=user_id).order_by("-is_default", "-id"))


def _locked(user_id: UUID) -> list[Address]:
    # The user is the lock: two first addresses saved at once would otherwise both become the default.
    User.objects.select_for_update(no_key=True).get(id=user_id)
    return list(Address.objects.filter(user_id=user_id))


def _among(kept: list[Address], address_id: UUID) -> Address:
    for address in kept:
        if address.id == address_id:
            return address
    raise AddressNotFound


def _line(text: str, field: str, longest: int) -> str:
    line = " ".join(text.split())
    if not line or len(line) > longest:
        raise _wrong(field, f"This must have 1 to {longest} characters.")
    return line


def _wrong(field: str, message: str) -> errors.Invalid:
    return errors.Invalid(
        "Some fields are not valid.", errors={field: [{"message": message, "code": "invalid"}]}
    )
