"""Frames to and from text. Whatever bytes come in, reading them ends in an `Incoming` or in a Refusal."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from commerce import errors, ids
from streams.frames import kinds
from streams.frames.base import MAX_DEPTH, MAX_FRAME_BYTES, MAX_SAFE, VERSION, Body

B = TypeVar("B", bound=Body)


class BadFrame(errors.Invalid):
    """The frame is not one of the protocol's."""

    message = "The frame is not valid."


class VersionUnsupported(errors.Invalid):
    """The frame is of another major version."""

    code = "VERSION_UNSUPPORTED"
    message = f"This server speaks version {VERSION} of the protocol."


class BadKey(BadFrame):
    """The key is missing where one is needed, or is no UUID; the code is that of HTTP's header."""

    code = "BAD_IDEMPOTENCY_KEY"
    message = "The key has to be a UUID that stays the same when the command is sent again."


Number = Annotated[int, Meta(ge=1, le=MAX_SAFE)]


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    v: int
    t: Annotated[str, Meta(max_length=40)]
    id: Number | None = None
    key: Any = None
    d: msgspec.Raw = msgspec.Raw(b"{}")


class _Numbered(msgspec.Struct):
    id: Number | None = None


class Incoming(msgspec.Struct, frozen=True):
    """A client's frame whose body has not been read yet."""

    t: str
    id: int | None
    key: UUID | None
    raw: bytes


_envelope = msgspec.json.Decoder(_Envelope)
_numbered = msgspec.json.Decoder(_Numbered)
_encoder = msgspec.json.Encoder()
_string = re.compile(r'"(?:[^"\\]|\\.)*"?', re.S)
_where = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?$", re.S)


def read(text: str | None) -> Incoming:
    """Read a client's frame; None is a binary frame. Raises BadFrame, BadKey, VersionUnsupported."""
    if text is None:
        raise BadFrame("Frames are text.")
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise BadFrame("The frame is not UTF-8.") from None
    if len(data) > MAX_FRAME_BYTES:
        raise BadFrame(f"A frame may have {MAX_FRAME_BYTES} bytes at most.")
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise BadFrame(f"The frame is nested more than {MAX_DEPTH} levels deep.")
    envelope = _decoded(_envelope, data)
    if envelope.v != VERSION:
        raise VersionUnsupported
    return Incoming(envelope.t, envelope.id, _key(envelope.key), bytes(envelope.d))


def number(text: str | None) -> int | None:
    """Return the number of a frame that `read` refuses, so that the refusal can name it; None without one."""
    try:
        return _numbered.decode(text or "").id
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def body(incoming: Incoming, shape: type[B]) -> B:
    """Read the body of a frame as `shape`; raises BadFrame naming the field."""
    body: B = _decoded(_decoder(shape), incoming.raw)
    return body


def check(text: str) -> list[dict[str, Any]]:
    """Return the events of a server's frame; raises ValueError unless each is as the protocol says."""
    events = [msgspec.json.decode(line, type=dict[str, Any]) for line in text.split("\n")]
    for event in events:
        _check(event)
    return events


def event(t: str, d: object, *, ts: int | None = None, **envelope: object) -> str:
    """Return a frame without a place in a lane; `envelope` may add l, e, o or re."""
    head = {"v": VERSION, "t": t, **envelope}
    if ts is not None:
        head["ts"] = ts
    return _encoder.encode({**head, "d": d}).decode()


def reply(re: int | None, d: object) -> str:
    """Return the answer to command number `re`."""
    return event("reply", d, **({} if re is None else {"re": re}))


def error(re: int | None, refusal: errors.Refusal) -> str:
    """Return a refusal as a frame, answering command number `re` where that is known."""
    data = dict(refusal.data)
    fields = data.pop("errors", None)
    d: dict[str, object] = {
        "code": refusal.code,
        "message": refusal.text,
        "temporary": refusal.temporary,
    }
    if refusal.retry_ms is not None:
        d["retry_ms"] = refusal.retry_ms
    if isinstance(fields, Mapping):
        d["fields"] = {str(name): str(what) for name, what in fields.items()}
    if data:
        d["data"] = data
    return event("error", d, **({} if re is None else {"re": re}))


def must_halves(t: str, d: object, *, ts: int, lane: Literal["s", "u"] = "s") -> tuple[str, str]:
    """Return a must frame in two halves; between them Redis writes `<epoch>","o":<offset>`."""
    head = _encoder.encode({"v": VERSION, "t": t, "l": lane, "e": ""}).decode()[:-2]
    tail = _encoder.encode({"ts": ts, "d": d}).decode()[1:]
    return head, "," + tail


def state(t: str, k: str, n: int, d: object) -> str:
    """Return a frame that holds the newest value of key `k`, at version `n`."""
    return event(t, d, k=k, n=n)


def dumps(value: object) -> str:
    """Return a value as JSON, UUIDs and structs included."""
    return _encoder.encode(value).decode()


def _key(given: Any) -> UUID | None:
    if given is None:
        return None
    try:
        return ids.read(given if isinstance(given, str) else "")
    except ValueError:
        raise BadKey(errors={"key": "not a UUID"}) from None


@cache
def _decoder(shape: type[B]) -> "msgspec.json.Decoder[B]":
    return msgspec.json.Decoder(shape)


def _decoded(decoder: "msgspec.json.Decoder[Any]", data: bytes) -> Any:
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        found = _where.match(str(error))
        what, path = (found["what"], found["path"]) if found else (str(error), None)
        raise BadFrame(f"The frame is not valid: {what}.", errors={path or "d": what}) from None
    except msgspec.DecodeError as error:
        raise BadFrame(f"The frame is not JSON: {error}.") from None
    except (UnicodeError, RecursionError):
        raise BadFrame("The frame is not JSON.") from None


def _depth(text: str) -> int:
    deepest = level = 0
    for character in _string.sub("", text):
        if character in "[{":
            level += 1
            deepest = max(deepest, level)
        elif character in "]}":
            level -= 1
    return deepest


def _check(event: dict[str, Any]) -> None:
    kind = kinds.DOWN.get(event.get("t", ""))
    if kind is None or event.get("v") != VERSION:
        raise ValueError(f"not a frame of the protocol: {event}")
    needed = {"v", "t", "d"}
    allowed = needed | {"ts"}
    if kind.cls == "state":
        needed |= {"k", "n"}
    elif kind.cls == "must":
        needed |= {"l", "ts"}
        if kind.lane == "s" or "o" in event:  # What is told anew of lane u has no place of its own.
            needed |= {"e", "o"}
    elif kind.t == "snapshot":
        needed |= {"l", "e", "o"}
    elif kind.t in ("welcome", "reply"):
        needed |= {"re"}
    elif kind.t == "error":
        allowed |= {"re"}
    if not needed <= event.keys() or not event.keys() <= needed | allowed:
        raise ValueError(f"the envelope of {kind.t} has {sorted(event)}, needs {sorted(needed)}")
    if kind.t != "reply":
        msgspec.convert(event["d"], kind.body)
