"""The AsyncAPI 3.0 document of the socket, made from the types that read and check the frames."""

from collections.abc import Mapping
from typing import Any

import msgspec
import yaml

from streams.frames import buying, coupons, down, drops, examples, kinds, talk
from streams.frames.base import MAX_FRAME_BYTES, PROTOCOL, VERSION, Body, Told

Object = dict[str, Any]
Commands = Mapping[str, tuple[type[Body], bool, str]]

# What the replies to other rooms' commands hold.
REPLIES: dict[str, type[Told]] = {
    **{t: kind.reply for t, kind in kinds.UP.items() if kind.reply is not None and t != "hello"},
    "chat.send": talk.Said,
    "chat.ask": talk.Said,
    "chat.report": talk.Reported,
    "chat.appeal": talk.Appealed,
    "chat.remove": talk.Line,
    "chat.restore": talk.Line,
    "chat.decide": talk.Line,
    "chat.pin": talk.Line,
    "chat.unpin": down.Nothing,
    "chat.mode": talk.ChatMode,
    "question.answer": talk.QuestionAnswered,
    "user.mute": talk.Restrained,
    "user.ban": talk.Restrained,
    "user.pardon": talk.Pardoned,
    "host.follow": talk.Following,
    "host.unfollow": talk.Following,
    "coupon.claim": coupons.CouponClaim,
    "cart.add": buying.Cart,
    "cart.update": buying.Cart,
    "cart.remove": buying.Cart,
    "purchase.create": buying.Purchase,
    "waitlist.join": drops.Place,
    "waitlist.leave": drops.Place,
    "waitingroom.enter": drops.RoomPlace,
    "waitingroom.leave": down.Nothing,
    "purchase.quote": buying.Quote,
    "purchase.status": buying.Purchase,
}
DESCRIPTION = f"""\
One websocket per viewer and show, subprotocol `{PROTOCOL}`. Frames are UTF-8 text. A frame from the server
holds one or more JSON objects separated by a newline; a frame from a client holds one, of {MAX_FRAME_BYTES}
bytes at most. Clients ignore fields and types that they do not know.

`x-class` says how a frame is delivered: `must`, never dropped, in lane `s` with its place (`e`, `o`) so that
it can be resumed; `state`, the newest value of `k`, ignore an `n` not above the one held; `best-effort`, may
be dropped and `chat.gap` says so; `connection`, concerns this connection only.

The sequence, resuming, limits and close codes: `docs/socket-protocol.md`.
"""


def text(commands: Commands) -> str:
    """Return the document as YAML; by type, `commands` gives shape, whether a key is needed, and summary."""
    return yaml.dump(document(commands), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)


def document(commands: Commands) -> Object:
    """Return the document."""
    asked = {t: (kind.body, False, kind.summary) for t, kind in kinds.UP.items()} | dict(commands)
    shapes = {shape for shape, _, _ in asked.values()} | {kind.body for kind in kinds.DOWN.values()}
    refs, schemas = _schemas(shapes | set(REPLIES.values()))
    messages: Object = {}
    for kind in kinds.DOWN.values():
        if kind.t != "reply":
            messages[_name(kind.t)] = _down(kind, refs[kind.body])
    for t, reply in REPLIES.items():
        messages[_reply(t)] = _envelope(
            "reply", f"Reply to {t}.", {"re": _RE, "d": refs[reply]}, cls="connection"
        ) | {"correlationId": {"$ref": "#/components/correlationIds/reply"}}
    for t, (shape, keyed, summary) in asked.items():
        messages[_asked(t)] = _up(t, refs[shape], keyed=keyed, summary=summary)
    for message in messages.values():
        message["examples"] = [{"payload": examples.sample(message["payload"], schemas)}]
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Yellowcart live socket", "version": "1.0.0", "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": {"show": _channel(messages)},
        "operations": _operations(asked),
        "components": {
            "messages": messages,
            "schemas": schemas,
            "correlationIds": {
                "command": {"location": "$message.payload#/id"},
                "reply": {"location": "$message.payload#/re"},
            },
        },
    }


_RE = {"type": "integer", "minimum": 1, "description": "Number of the command that is answered."}
_NUMBER = {"type": "integer", "minimum": 1, "description": "Counted by the client, unique per connection."}
_KEY = {
    "type": "string",
    "format": "uuid",
    "description": "Stays the same when the command is sent again, on any connection; then it is done once.",
}
_TS = {"type": "integer", "description": "Unix milliseconds of the server's clock."}


def _schemas(shapes: set[type[Any]]) -> tuple[dict[type[Any], Object], Object]:
    ordered = sorted(shapes, key=lambda shape: shape.__name__)
    found, components = msgspec.json.schema_components(ordered, ref_template="#/components/schemas/{name}")
    told = {shape.__name__ for shape in _all(Told)}
    for name, schema in components.items():
        if name in told:
            schema.pop("additionalProperties", None)  # Clients ignore what they do not know.
    return dict(zip(ordered, found, strict=True)), dict(sorted(components.items()))


def _all(base: type[Any]) -> set[type[Any]]:
    return {base} | {shape for below in base.__subclasses__() for shape in _all(below)}


def _envelope(t: str, summary: str, fields: Object, *, cls: str | None) -> Object:
    properties = {"v": {"const": VERSION}, "t": {"const": t}, **fields}
    payload: Object = {"type": "object", "properties": properties, "required": list(properties)}
    message: Object = {"name": t, "summary": summary}
    if cls is not None:
        message["x-class"] = cls
    else:
        payload["additionalProperties"] = False
    return {**message, "payload": payload}


def _down(kind: kinds.Down, body: Object) -> Object:
    fields: Object = {}
    place = kind.cls == "must" or kind.t == "snapshot"
    if place:
        fields["l"] = {"const": kind.lane or "s"}
    if place:
        fields |= {"e": {"type": "string", "description": "Epoch."}, "o": {"type": "integer", "minimum": 0}}
    if kind.cls == "state":
        fields |= {"k": {"type": "string"}, "n": {"type": "integer", "minimum": 0}}
    if kind.cls in ("must", "best-effort") and kind.t != "chat.gap":
        fields["ts"] = _TS
    if kind.t in ("welcome", "error"):
        fields["re"] = _RE
    message = _envelope(kind.t, kind.summary, {**fields, "d": body}, cls=kind.cls)
    required = message["payload"]["required"]
    if kind.t == "error":
        required.remove("re")
    elif kind.lane == "u":
        # What is told anew of this lane has no place of its own.
        message["payload"]["required"] = [name for name in required if name not in ("e", "o")]
    if kind.t in ("welcome", "error"):
        message["correlationId"] = {"$ref": "#/components/correlationIds/reply"}
    return message


def _up(t: str, body: Object, *, keyed: bool, summary: str) -> Object:
    numbered = t not in kinds.UP or kinds.UP[t].numbered
    fields = {
        **({"id": _NUMBER} if numbered else {}),
        **({"key": _KEY} if t not in kinds.UP else {}),
        "d": body,
    }
    message = _envelope(t, summary, fields, cls=None)
    optional = [] if keyed or t in kinds.UP else ["key"]
    if t == "pong":
        optional.append("d")
    message["payload"]["required"] = [name for name in message["payload"]["required"] if name not in optional]
    if numbered:
        message["correlationId"] = {"$ref": "#/components/correlationIds/command"}
    return message


def _channel(messages: Object) -> Object:
    headers = {
        "type": "object",
        "properties": {"Origin": {"type": "string"}, "Sec-WebSocket-Protocol": {"const": PROTOCOL}},
        "required": ["Sec-WebSocket-Protocol"],
    }
    return {
        "address": "/ws/v1/live/{slug}",
        "parameters": {"slug": {"description": "The show's address."}},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"ws": {"method": "GET", "headers": headers, "bindingVersion": "0.1.0"}},
    }


def _operations(asked: Mapping[str, Any]) -> Object:
    here = {"$ref": "#/channels/show"}
    operations: Object = {}
    for t in asked:
        operation: Object = {"action": "receive", "channel": here, "messages": [_message(_asked(t))]}
        answers = ["welcome"] if t == "hello" else [_reply(t)] if t in REPLIES else []
        if answers:
            messages = [_message(name) for name in (*answers, "error")]
            operation["reply"] = {"channel": here, "messages": messages}
        operations[f"on_{_name(t)}"] = operation
    told = [kind.t for kind in kinds.DOWN.values() if kind.t not in ("welcome", "reply", "error")]
    operations["tell"] = {"action": "send", "channel": here, "messages": [_message(_name(t)) for t in told]}
    return operations


def _message(name: str) -> Object:
    return {"$ref": f"#/channels/show/messages/{name}"}


def _name(t: str) -> str:
    return t.replace(".", "_")


def _asked(t: str) -> str:
    return f"{_name(t)}_request" if t in kinds.DOWN else _name(t)


def _reply(t: str) -> str:
    return f"{_name(t)}_reply"


class _Plain(yaml.SafeDumper):
    """Writes every value out, without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _block(dumper: _Plain, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Plain.add_representer(str, _block)
