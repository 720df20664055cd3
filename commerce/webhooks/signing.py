"""Signatures of Standard Webhooks (`v1`: HMAC-SHA256), and the secrets they are made with.

No secret is kept anywhere. Each is derived from a key of the settings and the id of its row, so what is in
the database, a backup of it or a log signs nothing.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings

PREFIX = "whsec_"


class KeyGone(Exception):
    """The key that a secret was derived from is no more in WEBHOOK_KEYS."""


def current_key() -> str:
    """Return the id of the key that new secrets are derived from."""
    return _id_of(settings.WEBHOOK_KEYS[0])


def secret(*, secret_id: UUID, key: str) -> str:
    """Return a secret as merchants are given it, `whsec_...`; raises KeyGone."""
    return PREFIX + base64.b64encode(_derived(secret_id, key)).decode()


def headers(
    *, message_id: str, at: datetime, body: bytes, secrets: Sequence[tuple[UUID, str]]
) -> dict[str, str]:
    """Return the headers that sign a message, once for each secret (its id and its key's); raises KeyGone."""
    stamp = str(int(at.timestamp()))
    signed = f"{message_id}.{stamp}.".encode() + body
    signatures = [
        "v1," + base64.b64encode(hmac.digest(_derived(*each), signed, hashlib.sha256)).decode()
        for each in secrets
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(signatures),
    }


def _derived(secret_id: UUID, key: str) -> bytes:
    for each in settings.WEBHOOK_KEYS:
        if _id_of(each) == key:
            return hmac.digest(each.encode(), b"webhook secret " + secret_id.bytes, hashlib.sha256)
    raise KeyGone(key)


def _id_of(key: str) -> str:
    return hashlib.sha256(b"webhook key " + key.encode()).hexdigest()[:12]
