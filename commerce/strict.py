"""Request bodies that take what they say and nothing else: no unknown field, no number written as a text.

The socket's frames are as strict, so that both doors refuse the same.
"""

from collections.abc import Mapping
from math import copysign
from typing import Any
from uuid import UUID

import msgspec
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields it does not know, with the code UNKNOWN_FIELD."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the validated fields; raises ValidationError, naming every unknown field."""
        if isinstance(data, Mapping):
            unknown = [str(name) for name in data if name not in self.fields]
            if unknown:
                detail = ErrorDetail("There is no such field.", code="UNKNOWN_FIELD")
                raise serializers.ValidationError({name[:100]: [detail] for name in unknown})
        return super().to_internal_value(data)


class Text(serializers.CharField):
    """A JSON string."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Link(serializers.RegexField):
    """A JSON string with the address of a web page, which others are led to; we never go there."""

    default_error_messages = {"invalid": "An address that begins with https:// or http://."}
    PATTERN = r"^https?://[^\s\x00/?#@:\\<>\[\]]+(:[0-9]{1,5})?([/?#][^\s\x00]*)?$"

    def __init__(self, **options: Any) -> None:
        super().__init__(self.PATTERN, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Id(serializers.UUIDField):
    """A JSON string with a UUID, as the socket reads it: no number, no braces, no `urn:uuid:`."""

    def to_internal_value(self, data: Any) -> UUID:
        try:
            return msgspec.convert(data, UUID)
        except msgspec.ValidationError:
            self.fail("invalid", value=data)


class Whole(serializers.IntegerField):
    """A JSON number without decimals."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class AnyWhole(Whole):
    """A JSON number without decimals, however large: a verb says which it takes."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, float) and abs(data) >= 2**63:
            # So the parser reads what has more than 64 bits.
            data = int(copysign(2**63, data))
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """JSON true or false."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data
