"""Secrets of merchants that we have to say elsewhere, sealed for the database with keys of the settings.

Encrypted with a stream of HMAC-SHA256 over a counter and bound to what it belongs to by another HMAC, each
with a key of its own derived from one of WEBHOOK_KEYS: whoever has the database alone reads and changes none.
"""

import base64
import hashlib
import hmac
import secrets

from django.conf import settings

_NONCE = 16
_TAG = 32


class CannotOpen(Exception):
    """The key is gone from the settings, or this was sealed for something else."""


def seal(text: str, *, bound_to: str) -> str:
    """Return a secret as it is kept; it opens for the same `bound_to` alone."""
    key, nonce, body = settings.WEBHOOK_KEYS[0], secrets.token_bytes(_NONCE), text.encode()
    packed = nonce + _crossed(key, nonce, body)
    return base64.b64encode(packed + _tag(key, packed, bound_to)).decode()


def opened(sealed: str, *, bound_to: str) -> str:
    """Return the secret; raises CannotOpen."""
    raw = base64.b64decode(sealed)
    packed, tag = raw[:-_TAG], raw[-_TAG:]
    for key in settings.WEBHOOK_KEYS:
        if hmac.compare_digest(tag, _tag(key, packed, bound_to)):
            return _crossed(key, packed[:_NONCE], packed[_NONCE:]).decode()
    raise CannotOpen


def _tag(key: str, packed: bytes, bound_to: str) -> bytes:
    return hmac.digest(_derived(key, b"tag"), packed + b"\0" + bound_to.encode(), hashlib.sha256)


def _crossed(key: str, nonce: bytes, body: bytes) -> bytes:
    derived, stream = _derived(key, b"stream"), b""
    for block in range(-(-len(body) // 32)):
        stream += hmac.digest(derived, nonce + block.to_bytes(8, "big"), hashlib.sha256)
    return bytes(one ^ other for one, other in zip(body, stream, strict=False))


def _derived(key: str, what: bytes) -> bytes:
    return hmac.digest(key.encode(), b"sealed " + what, hashlib.sha256)
