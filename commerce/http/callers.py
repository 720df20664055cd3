"""Who calls: a merchant's system by its key, or somebody who is signed in."""

from typing import cast

from django.utils import timezone
from rest_framework import authentication, permissions
from rest_framework.request import Request
from rest_framework.views import APIView
from rest_framework_api_key.permissions import KeyParser

from commerce import errors, merchantkeys
from commerce.models import MerchantKey


class BadKey(errors.Unauthenticated):
    """The API key is unknown, revoked, expired or of a merchant that is not active."""

    code = "BAD_KEY"
    message = "This API key is not valid."


class AddressNotAllowed(errors.Forbidden):
    """The API key may not be used from this address."""

    code = "ADDRESS_NOT_ALLOWED"
    message = "This API key may not be used from this address."


class MerchantKeyAuthentication(authentication.BaseAuthentication):
    """`Authorization: Api-Key <key>` names a merchant; `request.auth` is the MerchantKey."""

    def authenticate(self, request: Request) -> tuple[None, MerchantKey] | None:
        """Return the key, None when the header is absent; raises BadKey."""
        text = KeyParser().get(request._request)
        if text is None:
            return None
        now = timezone.now()
        secret = merchantkeys.of_text(text, now=now)
        if secret is None:
            raise BadKey
        merchantkeys.used(secret, now=now)
        return None, secret.key

    def authenticate_header(self, request: Request) -> str:
        return "Api-Key"


class SessionAuthentication(authentication.SessionAuthentication):
    """The site's session cookie with CSRF; an anonymous caller gets 401, not 403."""

    def authenticate_header(self, request: Request) -> str:
        return "Session"


class IsMerchant(permissions.BasePermission):
    """Lets in callers with a merchant's API key."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not isinstance(request.auth, MerchantKey):
            raise errors.Unauthenticated("Send a merchant's API key: `Authorization: Api-Key <key>`.")
        return True


class IsShopper(permissions.BasePermission):
    """Lets in users who are signed in."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user.is_authenticated:
            raise errors.Unauthenticated
        return True


class FromItsNetworks(permissions.BasePermission):
    """Lets in keys that come from where they may; raises AddressNotAllowed."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        key = cast(MerchantKey, request.auth)
        # Behind a proxy that is trusted, the server has put the client's own address here.
        if not merchantkeys.may_come_from(key, str(request.META.get("REMOTE_ADDR") or "")):
            raise AddressNotAllowed
        return True


def caller_of(request: Request) -> str:
    """Return the name under which the caller's idempotency keys are kept."""
    if isinstance(request.auth, MerchantKey):
        return f"merchant:{request.auth.merchant_id}"
    return f"user:{request.user.pk}"
