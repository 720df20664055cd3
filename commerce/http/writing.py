"""Writes that are made once, however often they are sent, and only of what the caller has seen."""

import re
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import orjson
from django.db import transaction
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from commerce import errors, etags, idempotency, ids
from commerce.http.callers import caller_of

# What is kept for an idempotency key of an answer without a body.
_NOTHING = b'""'
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class BadIdempotencyKey(errors.Invalid):
    """The Idempotency-Key header is missing or unreadable."""

    code = "BAD_IDEMPOTENCY_KEY"
    message = "Idempotency-Key has to be 1 to 255 visible ASCII characters."


def idempotency_key(request: Request, *, uuid: bool = False) -> str | None:
    """Return the Idempotency-Key header, None when absent; raises BadIdempotencyKey."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise BadIdempotencyKey
    if uuid:
        try:
            return str(ids.read(key))
        except ValueError as error:
            raise BadIdempotencyKey("Idempotency-Key has to be a UUID here.") from error
    return key


def write_once(
    request: Request, run: Callable[[], tuple[int, Any]], about: etags.Resource | None = None
) -> Response:
    """Run a write and answer (status, body); with an Idempotency-Key, a repetition gets the first answer.

    `run` must not leave the database: it shares one transaction with the key, and with the lock of what it is
    `about`, whose conditions are looked at before. Raises PreconditionFailed, NoCondition.
    """
    if about is None and (request.headers.keys() & {"If-Match", "If-None-Match"}):
        raise etags.NoCondition

    def guarded() -> tuple[int, Any]:
        if about is not None:
            about.lock()
            about.check(request)
        return run()

    key = idempotency_key(request)
    if key is None:
        with transaction.atomic() if about else nullcontext():
            status, body = guarded()
        return _written(about, status, body)

    def rendered() -> tuple[int, Any]:
        status, body = guarded()
        return status, orjson.loads(JSONRenderer().render(body) or _NOTHING)

    fingerprint = idempotency.fingerprint(
        str(request.method).encode(),
        request.get_full_path().encode(),
        JSONRenderer().render(request.data),
    )
    answer = idempotency.once(caller=caller_of(request), key=key, fingerprint=fingerprint, run=rendered)
    headers = {"Idempotent-Replayed": "true"} if answer.replayed else None
    return _written(about, answer.status, answer.reply, headers)


def _written(
    about: etags.Resource | None, status: int, body: Any, headers: dict[str, str] | None = None
) -> Response:
    if about is None or not body:
        return Response(body or None, status=status, headers=headers)
    return etags.shown(body, about.version(body), status=status, headers=headers)
