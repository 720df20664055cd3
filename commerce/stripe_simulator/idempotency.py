"""Idempotency keys as Stripe documents them for API v1 (https://docs.stripe.com/api/idempotent_requests).

The first answer of an executed request is kept for 24 hours, errors and 500s too, and given again for the
same key. Another request under the key is refused (400); a request still being worked on is a conflict
(409). Requests that were refused before execution (parameters, authentication, rate limit, conflict) keep
nothing.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import orjson

from commerce.stripe_simulator.clock import Clock
from commerce.stripe_simulator.refusals import Refused, Row

LIFETIME = 24 * 3600
_LONGEST = 255


def fingerprint(method: str, path: str, form: dict[str, Any]) -> str:
    """Return what identifies a request besides its key."""
    body = orjson.dumps([method, path, form], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(body).hexdigest()


class Keys:
    """The saved answers, oldest first, and the keys that are being worked on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._saved: dict[str, Row] = {}
        self._busy: set[str] = set()

    def begin(self, key: str, print_: str) -> Row | None:
        """Return the saved answer, or take the key for this request. Raises: Refused (400, 409)."""
        if len(key) > _LONGEST:
            raise Refused(f"Idempotency keys can be at most {_LONGEST} characters long.")
        self._prune()
        if key in self._busy:
            raise Refused(
                f"Another request with the idempotency key '{key}' is still in progress. Try again later.",
                status=409,
                code="idempotency_key_in_use",
            )
        saved = self._saved.get(key)
        if saved is not None:
            if saved["print"] != print_:
                raise Refused(
                    f"The idempotency key '{key}' was first used with other parameters or another endpoint. "
                    "Use another key if you meant another request.",
                    type="idempotency_error",
                )
            return saved
        self._busy.add(key)
        return None

    def finish(self, key: str, print_: str, status: int, body: bytes, request_id: str) -> Row:
        """Keep the answer of an executed request and return what the journal needs of it."""
        self._saved[key] = {
            "key": key,
            "print": print_,
            "status": status,
            "body": body.decode(),
            "request": request_id,
            "at": self._clock.now(),
        }
        return self._saved[key]

    def release(self, key: str) -> None:
        """Let another request take the key, if nothing was kept for it."""
        self._busy.discard(key)

    def restore(self, saved: Row) -> None:
        """Take back a kept answer from the journal."""
        self._saved[saved["key"]] = saved

    def entries(self) -> Iterator[Row]:
        """Yield the kept answers that are young enough to matter."""
        self._prune()
        yield from self._saved.values()

    def _prune(self) -> None:
        oldest = self._clock.now() - LIFETIME
        while self._saved:
            key = next(iter(self._saved))
            if self._saved[key]["at"] > oldest:
                return
            del self._saved[key]
