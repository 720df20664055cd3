"""Every frame that a test hears or says, held against the published document, docs/asyncapi.yaml.

The document lets a client ignore fields it does not know. Here it is closed: what the server sends and the
document does not name fails the test.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any
from uuid import UUID

import jsonschema_rs
import yaml
from django.conf import settings

from streams.frames import wire

Object = dict[str, Any]


class OffTheDocument(ValueError):
    """A frame is not as the document says."""


@cache
def document() -> Object:
    """Return the published document."""
    text = (settings.BASE_DIR / "docs/asyncapi.yaml").read_text("utf-8")
    read: Object = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return read


@cache
def validator(message: str) -> jsonschema_rs.Draft7Validator:
    """Return what tells right payloads of a message from wrong ones, unknown fields being wrong."""
    return draft7(_closed({**_messages()[message]["payload"], "components": {"schemas": _schemas()}}))


def draft7(schema: Object) -> jsonschema_rs.Draft7Validator:
    """Return a validator that also looks at formats, `uuid` among them."""
    return jsonschema_rs.Draft7Validator(schema, validate_formats=True, formats={"uuid": _is_uuid})


def told(frame: Object, *, to: str | None = None) -> None:
    """Raise OffTheDocument unless the server may send this; `to` is the type that a reply answers."""
    t = frame.get("t")
    if t == "reply":
        _hold(frame, f"{_name(to or '')}_reply")
    else:
        _hold(frame, _name(str(t)))


def asked(frame: Object) -> None:
    """Raise OffTheDocument unless a client may send this."""
    name = _name(str(frame.get("t")))
    _hold(frame, f"{name}_request" if f"{name}_request" in _messages() else name)


class Conversation:
    """What one client says and hears, over all its connections.

    A test may say what is wrong, to see it refused. But what the server carries out must have been right, and
    what it replies must be what the document says of that very command.
    """

    def __init__(self) -> None:
        self._asked: dict[int, Object] = {}

    def said(self, text: str | bytes) -> None:
        """Note a frame of the client."""
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            return
        if isinstance(frame, dict) and isinstance(frame.get("id"), int):
            self._asked[frame["id"]] = frame

    def heard(self, text: str) -> None:
        """Check a frame of the server; raises OffTheDocument."""
        for frame in wire.check(text):
            command = self._asked.get(frame.get("re", 0))
            if frame["t"] in ("reply", "welcome"):
                if command is None:
                    raise OffTheDocument(f"an answer to what was not asked: {frame}")
                asked(command)
            told(frame, to=command["t"] if command else None)


def _messages() -> Object:
    found: Object = document()["components"]["messages"]
    return found


def _schemas() -> Object:
    found: Object = document()["components"]["schemas"]
    return found


def _hold(frame: Object, message: str) -> None:
    if message not in _messages():
        raise OffTheDocument(f"the document has no message {message}: {frame}")
    error = next(validator(message).iter_errors(frame), None)
    if error is not None:
        raise OffTheDocument(f"{message}: {error.message} at {list(error.instance_path)}: {frame}")


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _name(t: str) -> str:
    return t.replace(".", "_")


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(each) for name, each in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed
