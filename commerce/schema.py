"""The API document: who may call, how every endpoint refuses, and what rooms reuse to describe theirs."""

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from commerce import errors
from commerce.scopes import SCOPES, Need

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    type={"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"},
    location=OpenApiParameter.HEADER,
    description="A repetition with the same key gets the first answer, with `Idempotent-Replayed: true`.",
)

_TAGS = r'^(\*|(W/)?"[!#-~]{1,40}"(, (W/)?"[!#-~]{1,40}"){0,9})$'
_TAG = '"7.8d969eef6ecad3c2"'

# Of an operation that looks at it (etags.Resource); what reads has If-None-Match without saying so.
IF_MATCH = OpenApiParameter(
    "If-Match",
    type={"type": "string", "pattern": _TAGS, "example": _TAG},
    location=OpenApiParameter.HEADER,
    description="Only if it still is the version of one of these entity tags; otherwise 412.",
)
_IF_NONE_MATCH: dict[str, Any] = {
    "in": "header",
    "name": "If-None-Match",
    "schema": {"type": "string", "pattern": _TAGS, "example": _TAG},
    "description": "Not if it still is what one of these entity tags says: then 304.",
}
_FIELDS: dict[str, Any] = {
    "in": "query",
    "name": "fields",
    "style": "form",
    "explode": False,
    "description": "Answer with these fields only: names with commas between them, those within another one"
    " with dots (`id,variants.sku`), 2,000 characters at most. Of a list, those of its rows.",
}
_ETAG = {
    "schema": {"type": "string"},
    "description": 'Its entity tag, such as `"7.8d969eef6ecad3c2"`.',
}
_NOT_MODIFIED = {"description": "It still is what If-None-Match says.", "headers": {"ETag": _ETAG}}

# Of an operation that is refused with 404 though no part of its address says what may be missing.
MAY_BE_MISSING = {"x-may-be-missing": True}
# Of a read that is counted though nobody says who asks.
THROTTLED = {"x-throttled": True}

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "Problem details (RFC 9457). `code` is stable; `detail` is for people.",
    "required": ["type", "title", "status", "code", "detail", "temporary"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "example": "OUT_OF_STOCK"},
        "detail": {"type": "string"},
        "temporary": {"type": "boolean", "description": "The same request may succeed later."},
        "retry_ms": {"type": "integer", "description": "When to try again, in milliseconds."},
        "errors": {
            "type": "object",
            "additionalProperties": True,
            "description": "Field by field, nested as the body is: lists of `{message, code}`.",
        },
        "data": {"type": "object", "additionalProperties": True, "description": "Numbers and ids to act on."},
        "request_id": {"type": "string", "description": "Name it when you ask us."},
    },
}

# Status -> what it means, with one code that comes with it. The others are in docs/api.md.
_REFUSALS = {
    "400": ("The request is malformed or a field is not valid.", "BAD_REQUEST"),
    "401": ("Nobody is signed in, or the key is not valid.", "UNAUTHENTICATED"),
    "403": ("The caller may not do this.", "FORBIDDEN"),
    "404": ("There is no such thing for this caller.", "NOT_FOUND"),
    "409": ("The state of things forbids it now.", "OUT_OF_STOCK"),
    "412": ("It has changed since; `data.etag` is how it is now.", "PRECONDITION_FAILED"),
    "413": ("The body is too large.", "TOO_LARGE"),
    "415": ("The body is of a type that is not read here.", "UNSUPPORTED_MEDIA_TYPE"),
    "422": ("The idempotency key was used with another request.", "IDEMPOTENCY_MISMATCH"),
    "429": ("Too many requests.", "RATE_LIMITED"),
    "503": ("A part of ours is away or busy. Nothing was done.", "UNAVAILABLE"),
}
_TEMPORARY = ("429", "503")


class Schema(AutoSchema):
    """Describes our views; loading it registers the descriptions below."""

    def get_summary(self) -> str | None:
        """Return the first sentence of the description, which the page shows beside the address."""
        described = self.get_description() or ""
        first = re.split(r"(?<=[.;])\s|\n", described.strip(), maxsplit=1)[0].rstrip(".;")
        return first or None

    def _map_serializer_field(self, field: Any, direction: str, bypass_extensions: bool = False) -> Any:
        """Say of every list how many it may have; the framework forgets that of lists of objects."""
        schema = super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        if direction == "request" and isinstance(schema, dict) and schema.get("type") == "array":
            least = max(getattr(field, "min_length", None) or 0, not getattr(field, "allow_empty", True))
            most = getattr(field, "max_length", None)
            schema |= {"minItems": int(least)} if least else {}
            schema |= {"maxItems": most} if most is not None else {}
        return schema


class MerchantKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How merchants' systems sign their requests."""

    target_class = "commerce.http.MerchantKeyAuthentication"
    name = "merchantKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return the OpenAPI security scheme."""
        scopes = "\n".join(f"- `{scope}`: {text}" for scope, text in SCOPES.items())
        description = (
            "A merchant's API key, as `Authorization: Api-Key <key>`. Made in the operations admin. Answers"
            " have `RateLimit-Policy` and `RateLimit`. A key has some of these scopes; every operation names"
            f" the one it needs (`x-required-scope`):\n\n{scopes}"
        )
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": description}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How a signed-in person's browser is known."""

    target_class = "commerce.http.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return the OpenAPI security scheme."""
        description = "The cookie that sign-in sets. Writes also need the CSRF token in `X-CSRFToken`."
        return {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": description}


class StrictBody(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """A body that refuses unknown fields says so."""

    target_class = "commerce.strict.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        """Return the serializer's own schema, closed."""
        described = auto_schema._map_serializer(  # type: ignore[no-untyped-call]
            self.target, direction, bypass_extensions=True
        )
        schema: dict[str, Any] = described
        return {**schema, "additionalProperties": False} if direction == "request" else schema


def describe_refusals(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """Add to every operation the ways in which it may refuse; what a view says itself stays."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = _PROBLEM
    components["responses"] = {f"Refused{status}": _refused(status) for status in _REFUSALS}
    for path, item in result.get("paths", {}).items():
        for method, operation in item.items():
            if not isinstance(operation, dict) or "responses" not in operation:
                continue
            _say_scope(f"{method.upper()} {path}", operation)
            _say_tags(method, operation, components["schemas"])
            for status in _statuses(path, method, operation):
                reference = {"$ref": f"#/components/responses/Refused{status}"}
                operation["responses"].setdefault(status, reference)
            operation["responses"] = dict(sorted(operation["responses"].items()))
    components["schemas"] = dict(sorted(components["schemas"].items()))
    return result


def _say_scope(address: str, operation: dict[str, Any]) -> None:
    needs: dict[str, Need] = settings.MERCHANT_NEEDS
    if any("merchantKey" in way for way in operation.get("security", [])):
        need = needs[address]
        operation["description"] = f"{operation['description']}\n\nNeeds the scope `{need.scope}`.".strip()
        operation["x-required-scope"] = need.scope


def _say_tags(method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    parameters = operation.get("parameters", [])
    conditional = any(each["name"] == "If-Match" for each in parameters)
    reads = method == "get" and any("merchantKey" in way for way in operation.get("security", []))
    answers = [operation["responses"].get(status) for status in ("200", "201")]
    shown = [each for each in answers if each and "application/json" in each.get("content", {})]
    if not shown or not (reads or conditional):
        return
    for each in shown:
        each.setdefault("headers", {})["ETag"] = _ETAG
    if reads:
        shape = shown[0]["content"]["application/json"]["schema"]
        fields = {**_FIELDS, "schema": _names_in(shape, schemas)}
        operation["parameters"] = [*parameters, fields, _IF_NONE_MATCH]
        operation["responses"]["304"] = _NOT_MODIFIED


def _names_in(shape: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of names of fields of an answer, which all answers of that shape have in common."""
    name, fields = _object(shape, schemas)
    if "results" in fields:
        name, fields = _object(fields["results"], schemas)
    known = {"type": "string", "enum": list(_paths(fields, schemas, (name,)))}
    if name:
        schemas[f"{name}FieldName"] = known
        known = {"$ref": f"#/components/schemas/{name}FieldName"}
    return {"type": "array", "items": known, "minItems": 1}


def _paths(fields: dict[str, Any], schemas: dict[str, Any], within: tuple[str, ...]) -> Iterator[str]:
    for name, schema in fields.items():
        yield name
        inner, further = _object(schema, schemas)
        if not inner or inner not in within:  # What holds itself has no end of names.
            yield from (f"{name}.{path}" for path in _paths(further, schemas, (*within, inner)))


def _object(schema: dict[str, Any], schemas: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the name and the fields of an object, or of each in a list of them; of anything else none."""
    name = ""
    while True:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            schema = schemas[name]
        elif "items" in schema:
            schema = schema["items"]
        elif len(schema.get("allOf", ())) == 1:
            schema = schema["allOf"][0]
        else:
            return name, schema.get("properties", {})


def _refused(status: str) -> dict[str, Any]:
    text, code = _REFUSALS[status]
    example = {
        "type": "about:blank",
        "title": errors.titled(code),
        "status": int(status),
        "code": code,
        "detail": text,
        "temporary": status in _TEMPORARY,
    }
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    return {"description": text, "content": {"application/problem+json": content}}


def _statuses(path: str, method: str, operation: dict[str, Any]) -> list[str]:
    schemes = {name for way in operation.get("security", []) for name in way}
    writes = method != "get"
    return [
        *(["400"] if writes or operation.get("parameters") else []),
        *(["401"] if schemes else []),
        *(["403"] if "merchantKey" in schemes or (writes and "session" in schemes) else []),
        *(["404"] if "{" in path or operation.pop("x-may-be-missing", False) else []),
        *(["409", "422"] if writes else []),
        *(["412"] if any(each["name"] == "If-Match" for each in operation.get("parameters", [])) else []),
        *(["413", "415"] if operation.get("requestBody") else []),
        *(["429"] if operation.pop("x-throttled", False) or writes or "merchantKey" in schemes else []),
        "503",
    ]
