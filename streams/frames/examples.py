"""Examples for the document: one value of each shape, made from its schema, so that none can be forgotten."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

INSTANT = 1_893_520_800_000
SAMPLE_ID = "0192f0c4-7c1e-7d53-9b52-1f0f7c2b9a10"

# What a field of that name holds where its schema would allow anything.
BY_NAME: dict[str, Any] = {
    "amount": 1999,
    "avatar": "/pictures/mira.svg",
    "brand": "visa",
    "c": INSTANT,
    "carrier": "Swift",
    "chat_per_10s": 5,
    "client": "room.js/1",
    "client_secret": "pi_3Nk_secret_8Yx",
    "code": "RATE_LIMITED",
    "conn": "c_81f0d2a4b6c8",
    "currency": "EUR",
    "description": "A soft red that lasts the evening.",
    "e": "9f31c2aa",
    "epoch": "9f31c2aa",
    "heartbeat_ms": 25_000,
    "id": 17,
    "image": "/pictures/lipstick.svg",
    "k": "stock:0192f0c4",
    "last4": "4242",
    "left": 42,
    "max_frame": 8192,
    "message": "Too many lines at once.",
    "n": 912,
    "name": "Noa",
    "o": 184,
    "offset": 184,
    "per_buyer": 1,
    "poster_url": "/pictures/show.svg",
    "publishable_key": "pk_test_simulated",
    "quota": 500,
    "re": 17,
    "reason": "card_declined",
    "retry_ms": 2_000,
    "rule": "spam",
    "sheet_url": "/3ds/pi_3Nk",
    "sku": "LIP-RED",
    "slow_s": 3,
    "slug": "evening-glow",
    "spread_ms": 2_000,
    "stream": "evening-glow",
    "text": "Lovely colour!",
    "ticket": "q1w2e3r4t5y6u7i8o9p0",
    "title": "Velvet lipstick",
    "tracking_number": "SW123456789",
    "tracking_url": "https://carrier.example/SW123456789",
    "ts": INSTANT,
    "video_url": "/video/evening-glow.m3u8",
}
# Of an enumeration rather these than the first.
RATHER = ("live", "open", "paid", "viewer", "s")


def sample(schema: Schema, components: Schema, name: str = "") -> Any:
    """Return a value of the schema, of a field called `name`; `components` are the schemas it refers to."""
    if "$ref" in schema:
        return sample(components[schema["$ref"].rsplit("/", 1)[-1]], components, name)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return next((each for each in RATHER if each in schema["enum"]), schema["enum"][0])
    if "anyOf" in schema:
        some = next(each for each in schema["anyOf"] if each.get("type") != "null")
        return sample(some, components, name)
    return _of_type(schema, components, name)


def _of_type(schema: Schema, components: Schema, name: str) -> Any:
    match schema.get("type"):
        case "object":
            found = {field: sample(each, components, field) for field, each in _fields(schema).items()}
            further = schema.get("additionalProperties")
            if isinstance(further, Mapping) and not found:
                return {"Shade": sample(further, components, name)}
            return found
        case "array":
            return [sample(schema["items"], components, name)] if schema.get("items") else []
        case "string":
            return SAMPLE_ID if schema.get("format") == "uuid" else _fitting(name, str, "Red")
        case "integer":
            number: int = _fitting(name, int, INSTANT if name.endswith(("_at", "_ms", "_until")) else 1)
            number = max(number, schema.get("minimum", number))
            return min(number, schema.get("maximum", number))
        case "boolean":
            return True
        case _:
            return {}


def _fields(schema: Schema) -> Schema:
    fields: Schema = schema.get("properties", {})
    return fields


def _fitting(name: str, kind: type[Any], otherwise: Any) -> Any:
    known = BY_NAME.get(name)
    return known if isinstance(known, kind) else otherwise
