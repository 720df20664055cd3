"""The HTTP edge of every API: who calls, how bodies are read, how refusals and pages look."""

import re
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache, partial
from typing import Any, cast

import orjson
import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, ValidationError
from django.db import DataError, InterfaceError, OperationalError, transaction
from django.http import Http404
from django.urls import ResolverMatch
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from redis.exceptions import RedisError
from rest_framework import authentication, exceptions, pagination, permissions
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, set_rollback
from rest_framework_api_key.permissions import KeyParser

from commerce import buckets, cursors, errors, etags, idempotency, ids, merchantkeys, picking
from commerce.models import Merchant, MerchantKey
from commerce.schema import IF_MATCH
from commerce.scopes import Need, may

log = structlog.get_logger(__name__)

# What is kept for an idempotency key of an answer without a body.
_NOTHING = b'""'
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class BadIdempotencyKey(errors.Invalid):
    """The Idempotency-Key header is missing or unreadable."""

    code = "BAD_IDEMPOTENCY_KEY"
    message = "Idempotency-Key has to be 1 to 255 visible ASCII characters."


class BadCursor(errors.Invalid):
    """The cursor of a page is not one that we gave."""

    code = "BAD_CURSOR"
    message = "This cursor is not valid. Begin again without one."


class BadPageSize(errors.Invalid):
    """The page size is not a number that is taken."""

    code = "BAD_PAGE_SIZE"
    message = "page_size has to be between 1 and 200."


class BadKey(errors.Unauthenticated):
    """The API key is unknown, revoked, expired or of a merchant that is not active."""

    code = "BAD_KEY"
    message = "This API key is not valid."


class AddressNotAllowed(errors.Forbidden):
    """The API key may not be used from this address."""

    code = "ADDRESS_NOT_ALLOWED"
    message = "This API key may not be used from this address."


class MissingScope(errors.Forbidden):
    """The API key has not the scope of this endpoint; `data["scope"]` names it."""

    code = "MISSING_SCOPE"
    message = "This API key does not open this."


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


class HasScope(permissions.BasePermission):
    """Lets in keys that have what the endpoint needs; raises MissingScope."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        need = cast(MerchantView, view).need(request)
        if need is not None and not may(cast(MerchantKey, request.auth).scopes, need.scope):
            raise MissingScope(f"This API key has not the scope {need.scope}.", scope=need.scope)
        return True


@cache
def address_of(route: str) -> str:
    """Return a route's address as the API document writes it: `/api/v1/orders/{order_id}`."""
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


def _takes_conditions(view: APIView) -> bool:
    """Tell whether an operation looks at If-Match: as with fields, what its document says is what counts."""
    described = getattr(getattr(view, str(view.request.method).lower()), "kwargs", {}).get("schema")
    if described is None:
        return False
    schema = described()
    schema.view, schema.method = view, view.request.method
    return IF_MATCH in schema.get_override_parameters()


class MerchantView(APIView):
    """A view for merchants' systems; `self.merchant` is the caller and every queryset starts from it."""

    authentication_classes = [MerchantKeyAuthentication]
    permission_classes = [IsMerchant, FromItsNetworks, HasScope]
    standing: buckets.Standing | None = None
    wanted = picking.ALL

    @property
    def merchant(self) -> Merchant:
        return cast(MerchantKey, self.request.auth).merchant

    def need(self, request: Request) -> Need | None:
        """Return what this request needs, None where nothing is done; KeyError: the table does not say."""
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method == "OPTIONS" or not hasattr(self, method.lower()):
            return None
        needs: dict[str, Need] = settings.MERCHANT_NEEDS
        return needs[f"{method} {address_of(cast(ResolverMatch, request.resolver_match).route)}"]

    def check_throttles(self, request: Request) -> None:
        """Count the request for its key; raises RateLimited."""
        super().check_throttles(request)
        need = self.need(request)
        if need is None or not isinstance(request.auth, MerchantKey):
            return
        self.standing = buckets.take(key_id=request.auth.pk, kind=need.kind)
        if self.standing is not None and not self.standing.taken:
            raise self.standing.refusal()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let the caller in; raises BadTag, NoCondition, UnknownField, BadFields for what it names."""
        super().initial(request, *args, **kwargs)
        if request.method in ("GET", "HEAD") and picking.PARAMETER in request.query_params:
            self.wanted = picking.asked(request, picking.shape_of(self))
        if self.need(request) is not None:
            asked = [each for each in ("If-Match", "If-None-Match") if etags.seen(request, each) is not None]
            if asked and request.method not in ("GET", "HEAD") and not _takes_conditions(self):
                raise etags.NoCondition

    def answer(self, about: etags.Resource) -> Response:
        """Answer with what the request is about; raises PreconditionFailed."""
        about.check(self.request)
        body = about.look()
        return etags.shown(body, about.version(body))

    def _picked(self, body: Any) -> Any:
        if isinstance(body, dict) and body.keys() == {"next", "previous", "results"}:
            return {**body, "results": self.wanted.pick(body["results"])}
        return self.wanted.pick(body)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Say on every answer, refusals too, how often the key may still call; give what is read its tag."""
        if isinstance(response, Response) and response.status_code == 200:
            response.data = self._picked(response.data)
        final: Any = super().finalize_response(request, response, *args, **kwargs)
        if isinstance(final, Response) and final.headers.get("Cache-Control") != "no-store":
            final.add_post_render_callback(partial(etags.settle, request))
        for name, value in (self.standing.headers() if self.standing else {}).items():
            final[name] = value
        return final


class ShopperView(APIView):
    """A view for signed-in users; every queryset starts from `request.user`."""

    authentication_classes = [SessionAuthentication]
    permission_classes = [IsShopper]


class CursorPagination(pagination.CursorPagination):
    """Newest first by id (UUIDv7 sorts by time); `page_size` up to 200."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        """Return the page that the query asks for; raises BadCursor for a cursor that we did not give."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (exceptions.NotFound, ValidationError, ValueError) as error:
            raise BadCursor from error

    def decode_cursor(self, request: Request) -> Any:
        """Return the place that the cursor names, None without one; raises BadCursor."""
        text = request.query_params.get(self.cursor_query_param)
        if text and not cursors.is_place(text):
            raise BadCursor
        return super().decode_cursor(request) if text else None

    def get_page_size(self, request: Request) -> int:
        """Return how many rows the query asks for; raises BadPageSize."""
        text = request.query_params.get(self.page_size_query_param, str(self.page_size))
        if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= self.max_page_size:
            raise BadPageSize
        return int(text)

    @classmethod
    def parameters(cls) -> list[OpenApiParameter]:
        """Describe the query parameters of a list that renders its rows itself, for the API document."""
        size = {"type": "integer", "minimum": 1, "maximum": cls.max_page_size, "default": cls.page_size}
        return [
            OpenApiParameter("cursor", str, description="Follow `next` rather than making one."),
            OpenApiParameter("page_size", size),
        ]

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """Describe the query parameters, for the API document."""
        cursor, size = super().get_schema_operation_parameters(view)
        size["schema"] |= {"minimum": 1, "maximum": self.max_page_size, "default": self.page_size}
        cursor["description"] = "Follow `next` rather than making one."
        return [cursor, size]


class Nowhere(APIView):
    """What an API address that is none answers, so that clients get a problem document there too."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse every method; raises NotFound."""
        raise errors.NotFound("There is nothing at this address.")


def caller_of(request: Request) -> str:
    """Return the name under which the caller's idempotency keys are kept."""
    if isinstance(request.auth, MerchantKey):
        return f"merchant:{request.auth.merchant_id}"
    return f"user:{request.user.pk}"


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
