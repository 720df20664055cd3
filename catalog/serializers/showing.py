"""Examples beside bodies in the API document."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

Shape = TypeVar("Shape", bound=serializers.BaseSerializer[Any])


def shown(
    value: dict[str, Any], *, request_only: bool = False, response_only: bool = False
) -> Callable[[type[Shape]], type[Shape]]:
    """Return a decorator that shows a body with this example in the API document."""
    example = OpenApiExample("example", value=value, request_only=request_only, response_only=response_only)
    decorate: Callable[[type[Shape]], type[Shape]] = extend_schema_serializer(examples=[example])
    return decorate
