"""Real answers of the API held against the published document, docs/openapi.yaml.

The document lets a client ignore fields that it does not know. Here it is closed: what an answer has and the
document does not name fails the test.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import jsonschema_rs
import yaml
from django.conf import settings

from tests.protocol import OffTheDocument, draft7

Object = dict[str, Any]


@cache
def document() -> Object:
    """Return the published document."""
    text = (settings.BASE_DIR / "docs/openapi.yaml").read_text("utf-8")
    read: Object = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return read


@cache
def operations() -> dict[str, tuple[str, re.Pattern[str], Object]]:
    """Return every operation by its id: its method, its address, and what the document says of it."""
    return {
        operation["operationId"]: (method, re.compile(re.sub(r"{\w+}", "[^/]+", path)), operation)
        for path, item in document()["paths"].items()
        for method, operation in item.items()
    }


def told(method: str, path: str, answer: Any) -> tuple[str, str]:
    """Return the operation and the status of an answer; raises OffTheDocument unless that may be answered."""
    at = method.lower(), path.partition("?")[0]
    found = [
        each for each, (how, where, _) in operations().items() if how == at[0] and where.fullmatch(at[1])
    ]
    if not found:
        raise OffTheDocument(f"the document has no {method} {path}")
    name, operation = found[0], operations()[found[0]][2]
    status = str(answer.status_code)
    described = operation["responses"].get(status)
    if described is None:
        raise OffTheDocument(f"{name} is not said to answer {status}: {answer.content!r}")
    if "$ref" in described:
        described = document()["components"]["responses"][described["$ref"].rpartition("/")[2]]
    content = described.get("content")
    if content is None:
        if answer.content:
            raise OffTheDocument(f"{name} is said to answer {status} with nothing: {answer.content!r}")
        return name, status
    kind = answer["Content-Type"].partition(";")[0]
    if kind not in content:
        raise OffTheDocument(f"{name} is not said to answer {status} in {kind}")
    error = next(_validator(name, status, kind).iter_errors(json.loads(answer.content)), None)
    if error is not None:
        raise OffTheDocument(
            f"{name} {status}: {error.message} at {list(error.instance_path)}: {answer.content!r}"
        )
    return name, status


@cache
def _validator(name: str, status: str, kind: str) -> jsonschema_rs.Draft7Validator:
    described = operations()[name][2]["responses"][status]
    if "$ref" in described:
        described = document()["components"]["responses"][described["$ref"].rpartition("/")[2]]
    schema = _closed(described["content"][kind]["schema"])
    return draft7({"allOf": [schema], "components": _closed(document()["components"])})


def _closed(schema: Any) -> Any:
    """Return a schema of OpenAPI 3.0 as one of JSON Schema, in which unknown fields are wrong."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(each) for name, each in schema.items() if name != "nullable"}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return {"anyOf": [closed, {"type": "null"}]} if schema.get("nullable") is True else closed
