"""How refusals look: problem details, whatever was refused, and by whom."""

from typing import Any, cast

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404
from redis.exceptions import RedisError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from commerce import errors

log = structlog.get_logger(__name__)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Render a refusal as problem details (RFC 9457); None lets a programming error become a logged 500."""
    set_rollback()
    refusal = _as_refusal(error)
    if refusal is None:
        return None
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": errors.titled(refusal.code),
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.text,
        "temporary": refusal.temporary,
    }
    headers = {}
    if refusal.retry_ms is not None:
        body["retry_ms"] = refusal.retry_ms
        headers["Retry-After"] = str(-(-refusal.retry_ms // 1000))
    if "errors" in refusal.data:
        body["errors"] = refusal.data["errors"]
    rest = {name: value for name, value in refusal.data.items() if name != "errors"}
    if rest:
        body["data"] = rest
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id:
        body["request_id"] = request_id
    challenge = getattr(error, "auth_header", None)
    if refusal.status == 401:
        headers["WWW-Authenticate"] = challenge or _challenge(context)
    return Response(body, status=refusal.status, headers=headers, content_type="application/problem+json")


def _challenge(context: dict[str, Any]) -> str:
    view, request = context.get("view"), context.get("request")
    return (view.get_authenticate_header(request) if view is not None else None) or "Session"


def _as_refusal(error: Exception) -> errors.Refusal | None:
    match error:
        case errors.Refusal():
            return error
        case exceptions.ValidationError():
            return errors.Invalid("Some fields are not valid.", errors=error.get_full_details())
        case exceptions.Throttled():
            busy = errors.TooMany()
            busy.retry_ms = int((getattr(error, "wait", None) or 1) * 1000)  # type: ignore[misc]
            return busy
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return errors.Unauthenticated()
        case exceptions.PermissionDenied() | PermissionDenied():
            return errors.Forbidden(str(getattr(error, "detail", "")) or None)
        case exceptions.NotFound() | Http404():
            return errors.NotFound()
        case RequestDataTooBig():
            return errors.TooLarge()
        case exceptions.APIException():
            return _other(error)
        case DataError():
            # A value that no field's check thought of, such as an instant a day off UTC: the caller's.
            log.warning("request.out_of_range", exc_info=error)
            return errors.Invalid("A value is out of range.")
        case OperationalError() | InterfaceError() | RedisError():
            # A database or Redis that is away or too busy: the caller may try again; the log keeps why.
            log.warning("part.unavailable", exc_info=error)
            return errors.Unavailable()
    return None


def _other(error: exceptions.APIException) -> errors.Refusal:
    codes = {405: "METHOD_NOT_ALLOWED", 406: "NOT_ACCEPTABLE", 415: "UNSUPPORTED_MEDIA_TYPE"}
    kind = type(
        type(error).__name__,
        (errors.Refusal,),
        {"status": error.status_code, "code": codes.get(error.status_code, "BAD_REQUEST")},
    )
    return cast(errors.Refusal, kind(str(error.detail)))
