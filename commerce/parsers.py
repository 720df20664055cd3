"""How JSON bodies are read. Not in commerce.http, because DRF loads its default parser before its views."""

import json
from collections.abc import Mapping
from typing import IO, Any

import orjson
from rest_framework import parsers

from commerce import errors

MAX_JSON_BYTES = 1 << 20
MAX_JSON_DEPTH = 32


class NotJSON(errors.Invalid):
    """The body is not JSON."""

    code = "NOT_JSON"
    message = "The body is not valid JSON."


class TooDeep(errors.Invalid):
    """The JSON body is nested too deeply."""

    code = "TOO_DEEP"
    message = f"The JSON body is nested more than {MAX_JSON_DEPTH} levels deep."


class DuplicateKey(errors.Invalid):
    """An object of the JSON body has a name twice, and nobody can say which of the two was meant."""

    code = "DUPLICATE_KEY"
    message = "An object of the body has a name twice."


class StrictJSONParser(parsers.JSONParser):
    """Reads JSON bodies up to MAX_JSON_BYTES and MAX_JSON_DEPTH; anything else is a clear refusal."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the decoded body; raises TooLarge, NotJSON, TooDeep or DuplicateKey."""
        body = stream.read(MAX_JSON_BYTES + 1)
        if len(body) > MAX_JSON_BYTES:
            raise errors.TooLarge(limit=MAX_JSON_BYTES)
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise NotJSON(f"The body is not valid JSON: {error}.") from error
        _check_depth(data)
        # Once more, by a parser that shows every pair: the fast one keeps the last of two.
        json.loads(body, object_pairs_hook=_once)
        return data


def _once(pairs: list[tuple[str, Any]]) -> None:
    names = {name for name, _ in pairs}
    if len(names) < len(pairs):
        told = [name for name, _ in pairs]
        raise DuplicateKey(name=next(name for name in told if told.count(name) > 1)[:100])


def _check_depth(data: Any) -> None:
    level, layer = 0, [data]
    while layer:
        level += 1
        if level > MAX_JSON_DEPTH:
            raise TooDeep
        layer = [
            child
            for node in layer
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
