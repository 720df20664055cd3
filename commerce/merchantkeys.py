"""Merchants' API keys: making, changing, rotating and revoking them, and telling whose one is.

Every act is written down with who did it and from where. A secret is told once, by the verb that makes it;
what is kept is its prefix and its SHA-512.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from rest_framework_api_key.crypto import KeyGenerator

from commerce import errors
from commerce.models import MerchantKey, MerchantKeyEvent, MerchantKeySecret
from commerce.scopes import SCOPES

LAST_USED_EVERY = timedelta(minutes=1)
MOST_NETWORKS = 50
_TEXT = re.compile(r"([A-Za-z0-9]{8})\.[!-~]{1,200}")
_SECRETS = KeyGenerator()
# A row that an operator holds is passed over: no request waits for the admin, and nobody for a request.
_USED = """
UPDATE commerce_merchantkeysecret SET last_used_at = %(now)s WHERE id = (
    SELECT id FROM commerce_merchantkeysecret
     WHERE id = %(id)s AND (last_used_at IS NULL OR last_used_at <= %(before)s)
       FOR UPDATE SKIP LOCKED)
"""


class BadScopes(errors.Invalid):
    """No scope was named, or one that there is not."""

    code = "BAD_SCOPES"
    message = "Name at least one scope, and only scopes that there are."


class BadNetwork(errors.Invalid):
    """A network that a key may be used from cannot be read."""

    code = "BAD_NETWORK"
    message = "A network is written like 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32."


class BadOverlap(errors.Invalid):
    """The end of a rotated-out secret lies before its rotation."""

    code = "BAD_OVERLAP"
    message = "The old secret cannot end before now."


class KeyRevoked(errors.Conflict):
    """The key was revoked, which stays."""

    code = "KEY_REVOKED"
    message = "This key was revoked. Make another one."


class AlreadyRotated(errors.Conflict):
    """The secret that was to be rotated is not the current one any more."""

    code = "KEY_ALREADY_ROTATED"
    message = "This key was rotated meanwhile. Look at it again."


@dataclass(frozen=True)
class By:
    """Who does it, and from which address; None for the programme itself."""

    person_id: UUID | None = None
    address: str | None = None


def networks_of(texts: Iterable[str]) -> list[str]:
    """Return networks as they are kept, each once; raises BadNetwork."""
    found: dict[str, None] = {}
    for text in texts:
        try:
            found[str(ipaddress.ip_network(text.strip()))] = None
        except ValueError as error:
            raise BadNetwork(f"{text.strip()[:60]} is no network. {BadNetwork.message}") from error
    if len(found) > MOST_NETWORKS:
        raise BadNetwork(f"A key may be used from {MOST_NETWORKS} networks at most.")
    return list(found)


def make(
    *,
    merchant_id: UUID,
    name: str,
    scopes: Iterable[str],
    networks: Iterable[str] = (),
    expires_at: datetime | None = None,
    by: By,
) -> tuple[MerchantKey, str]:
    """Make a key and return it with its text, which is told this once; raises BadScopes, BadNetwork."""
    with transaction.atomic():
        key = MerchantKey.objects.create(
            merchant_id=merchant_id,
            name=name,
            scopes=_scopes(scopes),
            networks=networks_of(networks),
            expires_at=expires_at,
        )
        secret, text = _new_secret(key)
        _write_down(key, MerchantKeyEvent.Action.MADE, by, {**_said(key), "prefix": secret.prefix})
    return key, text


def change(
    *,
    key_id: UUID,
    name: str,
    scopes: Iterable[str],
    networks: Iterable[str],
    expires_at: datetime | None,
    by: By,
) -> MerchantKey:
    """Say anew what a key is; raises NotFound, KeyRevoked, BadScopes, BadNetwork."""
    with transaction.atomic():
        key = _held(key_id)
        before = _said(key)
        key.name, key.scopes, key.networks = name, _scopes(scopes), networks_of(networks)
        key.expires_at = expires_at
        after = _said(key)
        changed = {field: [before[field], after[field]] for field in after if before[field] != after[field]}
        if changed:
            key.save(update_fields=["name", "scopes", "networks", "expires_at"])
            _write_down(key, MerchantKeyEvent.Action.CHANGED, by, changed)
    return key


def rotate(*, key_id: UUID, prefix: str, until: datetime, now: datetime, by: By) -> str:
    """Give a key a new secret and return its text, told this once; the one named by `prefix` ends at `until`.

    Secrets that were rotated out before end then too, if not earlier. Raises NotFound, KeyRevoked,
    BadOverlap, and AlreadyRotated when `prefix` is not that of the current secret.
    """
    if until < now:
        raise BadOverlap
    with transaction.atomic():
        key = _held(key_id)
        current = key.secrets.get(valid_until=None)
        if current.prefix != prefix:
            raise AlreadyRotated
        key.secrets.filter(Q(valid_until=None) | Q(valid_until__gt=until)).update(valid_until=until)
        secret, text = _new_secret(key)
        said = {"prefix": [prefix, secret.prefix], "old_valid_until": until.isoformat()}
        _write_down(key, MerchantKeyEvent.Action.ROTATED, by, said)
    return text


def revoke(*, key_id: UUID, now: datetime, by: By) -> bool:
    """End a key with all its secrets, at once and for good; False: it was revoked before. Raises NotFound."""
    with transaction.atomic():
        try:
            key = _held(key_id)
        except KeyRevoked:
            return False
        key.revoked_at = now
        key.save(update_fields=["revoked_at"])
        _write_down(key, MerchantKeyEvent.Action.REVOKED, by, {})
    return True


def of_text(text: str, *, now: datetime) -> MerchantKeySecret | None:
    """Return the valid secret that `text` is, with its key and merchant, in one statement; None if none."""
    shape = _TEXT.fullmatch(text)
    if shape is None:
        return None
    secret = MerchantKeySecret.objects.select_related("key__merchant").filter(prefix=shape[1]).first()
    # The comparison takes the same time wherever the two differ.
    if secret is None or not _SECRETS.verify(text, secret.hashed) or not secret.is_valid(now):
        return None
    return secret


def used(secret: MerchantKeySecret, *, now: datetime) -> None:
    """Keep when a secret was used, by the minute: most requests write nothing."""
    before = now - LAST_USED_EVERY
    if secret.last_used_at is not None and secret.last_used_at > before:
        return
    with connection.cursor() as cursor:
        cursor.execute(_USED, {"id": secret.pk, "now": now, "before": before})


def may_come_from(key: MerchantKey, address: str) -> bool:
    """Tell whether the key may be used from an address; one that cannot be read is outside every list."""
    if not key.networks:
        return True
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in ipaddress.ip_network(network) for network in key.networks)


def _scopes(asked: Iterable[str]) -> list[str]:
    wanted = set(asked)
    if not wanted or not wanted <= SCOPES.keys():
        raise BadScopes
    return [scope for scope in SCOPES if scope in wanted]


def _held(key_id: UUID) -> MerchantKey:
    key = MerchantKey.objects.select_for_update().filter(pk=key_id).first()
    if key is None:
        raise errors.NotFound
    if key.revoked_at is not None:
        raise KeyRevoked
    return key


def _new_secret(key: MerchantKey) -> tuple[MerchantKeySecret, str]:
    text, prefix, hashed = _SECRETS.generate()
    made = MerchantKeySecret.objects.create(
        merchant_id=key.merchant_id, key=key, prefix=prefix, hashed=hashed
    )
    return made, text


def _said(key: MerchantKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "scopes": key.scopes,
        "networks": key.networks,
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
    }


def _write_down(key: MerchantKey, action: str, by: By, details: dict[str, Any]) -> None:
    MerchantKeyEvent.objects.create(
        merchant_id=key.merchant_id,
        key=key,
        action=action,
        person_id=by.person_id,
        address=by.address,
        details=details,
    )
