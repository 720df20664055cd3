"""How JSON bodies are read. Not in commerce.http, because DRF loads its default parser before its views."""

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


class StrictJSONParser(parsers.JSONParser):
    """Reads JSON bodies up to MAX_JSON_BYTES and MAX_JSON_DEPTH; anything else is a clear refusal."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the decoded body; raises TooLarge, NotJSON or TooDeep."""
        body = stream.read(MAX_JSON_BYTES + 1)
        if len(body) > MAX_JSON_BYTES:
            raise errors.TooLarge(limit=MAX_JSON_BYTES)
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise NotJSON(f"The body is not valid JSON: {error}.") from error
        _check_depth(data)
        return data


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
