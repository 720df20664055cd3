"""Secrets of merchants that we have to say elsewhere, sealed for the database with keys of the settings.

AES-256-GCM, with a key derived from one of WEBHOOK_KEYS, bound to what the secret belongs to: whoever has the
database alone reads none, and moves none to another row.
"""

import base64
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_NONCE = 12  # Bytes; drawn anew for each secret: NIST SP 800-38D, 8.2.2.


class CannotOpen(Exception):
    """The key is gone from the settings, or this was sealed for something else."""


def seal(text: str, *, bound_to: str) -> str:
    """Return a secret as it is kept; it opens for the same `bound_to` alone."""
    nonce = secrets.token_bytes(_NONCE)
    body = _cipher(settings.WEBHOOK_KEYS[0]).encrypt(nonce, text.encode(), bound_to.encode())
    return base64.b64encode(nonce + body).decode()


def opened(sealed: str, *, bound_to: str) -> str:
    """Return the secret; raises CannotOpen."""
    raw = base64.b64decode(sealed)
    for key in settings.WEBHOOK_KEYS:
        try:
            return _cipher(key).decrypt(raw[:_NONCE], raw[_NONCE:], bound_to.encode()).decode()
        except InvalidTag:
            continue
    raise CannotOpen


def _cipher(key: str) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt=None, info=b"sealed").derive(key.encode()))
