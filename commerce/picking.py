"""Field selection: `fields=id,variants.sku` leaves everything else out of an answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drf_spectacular.drainage import get_override
from rest_framework import serializers
from rest_framework.request import Request

from commerce import errors
from commerce.schema import Schema

PARAMETER = "fields"
MAX_LENGTH = 2_000

Tree = dict[str, Any]


class UnknownField(errors.Invalid):
    """A field was asked for that the answer does not have; `data["field"]` names it."""

    code = "UNKNOWN_FIELD"
    message = "There is no such field."


class BadFields(errors.Invalid):
    """The fields cannot be read."""

    code = "BAD_FIELDS"
    message = "fields takes names with commas between them, such as id,variants.sku; name it once."


@dataclass(frozen=True, slots=True)
class Fields:
    """What of an answer is wanted, by name, None: all of it; and so on within each."""

    tree: Tree | None = None

    def __contains__(self, name: str) -> bool:
        """Tell whether a field, or something in it, is wanted."""
        return self.tree is None or name in self.tree

    def of(self, name: str) -> "Fields":
        """Return what is wanted of a field that is wanted."""
        return Fields(None if self.tree is None else self.tree.get(name))

    def pick(self, body: Any) -> Any:
        """Return what is wanted of a body, or of each in a list."""
        return _pick(body, self.tree)


ALL = Fields()


def asked(request: Request, shape: Any) -> Fields:
    """Return what the query wants of answers of this serializer; raises UnknownField, BadFields."""
    named = request.query_params.getlist(PARAMETER)
    if not named:
        return ALL
    if len(named) > 1 or not named[0] or len(named[0]) > MAX_LENGTH:
        raise BadFields
    tree: Tree = {}
    for path in named[0].split(","):
        _check(path, shape)
        _add(tree, path.split("."))
    return Fields(tree)


def shape_of(view: Any) -> Any:
    """Return the serializer of what a view's GET answers, as the API document has it."""
    described = getattr(view.get, "kwargs", {}).get("schema") or Schema
    schema = described()
    schema.view, schema.method = view, "GET"
    found = schema.get_response_serializers()
    return found.get(200) if isinstance(found, dict) else found


def _check(path: str, shape: Any) -> None:
    if not path:
        raise BadFields
    within = _fields(shape)
    for name in path.split("."):
        if name not in within:
            raise UnknownField(f"There is no field {path[:80]!r} in this answer.", field=path[:80])
        within = _fields(within[name])


def _add(tree: Tree, path: list[str]) -> None:
    for name in path[:-1]:
        within = tree.setdefault(name, {})
        if within is None:
            return
        tree = within
    tree[path[-1]] = None


def _fields(field: Any) -> Mapping[str, Any]:
    """Return the fields of a serializer, or of each in a list of them; of anything else none."""
    if isinstance(field, serializers.SerializerMethodField):
        described = getattr(field.parent, str(field.method_name))
        field = get_override(described, "field", described.__annotations__.get("return"))
    if isinstance(field, type) and issubclass(field, serializers.BaseSerializer):
        field = field()
    while isinstance(field, serializers.ListSerializer | serializers.ListField):
        field = field.child
    return field.fields if isinstance(field, serializers.Serializer) else {}


def _pick(body: Any, tree: Tree | None) -> Any:
    if tree is None:
        return body
    if isinstance(body, list | tuple):
        return [_pick(each, tree) for each in body]
    if not isinstance(body, Mapping):
        return body
    return {name: _pick(value, tree[name]) for name, value in body.items() if name in tree}
