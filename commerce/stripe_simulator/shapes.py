"""What a request may carry, read at run time from the installed SDK's `stripe.params.*Params` TypedDicts.

Nothing is written down here twice: a parameter that the SDK's types do not have is refused as
`parameter_unknown`, nested ones too, and a missing one as `parameter_missing`.
"""

import builtins
import functools
import re
import sys
import types
import typing
from dataclasses import dataclass
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

import stripe
import stripe.params
import typing_extensions
from stripe._request_options import RequestOptions

from commerce.stripe_simulator.refusals import Refused, unknown_parameter

_CLIENT_ONLY = frozenset(RequestOptions.__annotations__)
_WRAPPERS = (typing.NotRequired, typing.Required, typing_extensions.NotRequired, typing_extensions.Required)
_INTEGER = re.compile(r"\A-?[0-9]{1,15}\Z")
_LONGEST_TEXT = 5000
_LONGEST_EVIDENCE = 20_000


@dataclass(frozen=True)
class Whole:
    """An integer."""


@dataclass(frozen=True)
class Number:
    """A decimal number, kept as text."""


@dataclass(frozen=True)
class Flag:
    """`true` or `false`."""


@dataclass(frozen=True)
class Text:
    """A string; `clears` when an empty one unsets the field."""

    clears: bool = False


@dataclass(frozen=True)
class Choice:
    """One of the named values. The SDK's types leave most of these open to later values; the API itself
    does not.
    """

    values: tuple[str, ...]


@dataclass(frozen=True)
class Listed:
    """A list of one kind."""

    of: "Kind"


@dataclass(frozen=True)
class Labels:
    """Free key-value pairs, as in metadata."""


@dataclass(frozen=True)
class Map:
    """An object with known fields, named by its TypedDict."""

    cls: Any


@dataclass(frozen=True)
class AnyOf:
    """Several kinds, tried in turn."""

    kinds: tuple["Kind", ...]


Kind = Whole | Number | Flag | Text | Choice | Listed | Labels | Map | AnyOf
_PLAIN: dict[Any, Kind] = {int: Whole(), bool: Flag(), str: Text(), float: Number()}


class _Names(dict[str, Any]):
    """Where the names inside a quoted annotation are found."""

    def __init__(self, module: str) -> None:
        super().__init__()
        self.module = module

    def __missing__(self, name: str) -> Any:
        for space in (sys.modules[self.module], stripe.params, stripe, typing, builtins):
            if hasattr(space, name):
                return getattr(space, name)
        raise KeyError(name)


def _kind(hint: Any, module: str) -> Kind | None:
    """Return the kind for one annotation; None for the SDK's own wrapper objects, which never cross the
    wire.
    """
    if isinstance(hint, ForwardRef):
        hint = hint.__forward_arg__
    if isinstance(hint, str):
        hint = eval(hint, {"__builtins__": {}}, _Names(module))  # noqa: S307  (the SDK's own source)
    origin = get_origin(hint)
    if origin in _WRAPPERS:
        return _kind(get_args(hint)[0], module)
    if origin in (Union, types.UnionType):
        return _union(get_args(hint), module)
    if origin is Literal:
        values = tuple(map(str, get_args(hint)))
        return Text(clears=True) if values == ("",) else Choice(values)
    if origin in (list, typing.Sequence):
        return Listed(_kind(get_args(hint)[0], module) or Labels())
    if origin is dict:
        return Labels()
    if typing_extensions.is_typeddict(hint):
        return Map(hint)
    return _PLAIN.get(hint)


def _union(parts: tuple[Any, ...], module: str) -> Kind | None:
    kinds = [kind for part in parts if (kind := _kind(part, module)) is not None]
    empty = Text(clears=True)
    if empty in kinds and Text() in kinds:
        kinds.remove(Text())
    if any(isinstance(kind, Choice) for kind in kinds) and Text() in kinds:
        kinds.remove(Text())
    # The widest kind goes last, so that `true` is read as a flag before it is read as text.
    kinds.sort(key=lambda kind: isinstance(kind, Text))
    if not kinds:
        return None
    return kinds[0] if len(kinds) == 1 else AnyOf(tuple(kinds))


@functools.cache
def fields(cls: Any) -> dict[str, tuple[bool, Kind]]:
    """Return name -> (required, kind) of a parameter TypedDict."""
    found: dict[str, tuple[bool, Kind]] = {}
    for name, hint in cls.__annotations__.items():
        if name not in _CLIENT_ONLY and (kind := _kind(hint, cls.__module__)) is not None:
            found[name] = (name in cls.__required_keys__, kind)
    return found


def check(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the request's parameters with their types. Raises: Refused as the API words it."""
    return _map(Map(getattr(stripe.params, name)), given, "")


def _map(kind: Map, given: Any, path: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise Refused("Invalid object", param=path)
    known = fields(kind.cls)
    for name in given:
        if name not in known:
            if name == "payment_method_types":
                # https://docs.stripe.com/changelog/endive/2026-09-30
                raise Refused(
                    "payment_method_types is no longer supported; use allowed_payment_method_types.",
                    code="payment_method_types_no_longer_supported",
                    param=name,
                )
            raise unknown_parameter(_join(path, name))
    for name, (required, _) in known.items():
        if required and name not in given:
            where = _join(path, name)
            raise Refused(f"Missing required param: {where}.", code="parameter_missing", param=where)
    return {name: _read(known[name][1], value, _join(path, name)) for name, value in given.items()}


def _join(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def _read(kind: Kind, given: Any, path: str) -> Any:
    match kind:
        case Map():
            return _map(kind, given, path)
        case Labels():
            return _labels(given, path)
        case Listed(of):
            if not isinstance(given, list):
                raise Refused("Invalid array", param=path)
            return [_read(of, item, f"{path}[{n}]") for n, item in enumerate(given)]
        case AnyOf(kinds):
            return _first(kinds, given, path)
    if not isinstance(given, str):
        raise Refused(f"Invalid string: {path}", param=path)
    match kind:
        case Whole():
            if not _INTEGER.match(given):
                raise Refused(f"Invalid integer: {given[:50]}", code="parameter_invalid_integer", param=path)
            return int(given)
        case Number():
            return given
        case Flag():
            if given not in ("true", "false"):
                raise Refused(f"Invalid boolean: {given[:50]}", param=path)
            return given == "true"
        case Choice(values):
            if given not in values:
                some = ", ".join(values[:12]) + (", ..." if len(values) > 12 else "")
                raise Refused(f"Invalid {path}: must be one of {some}", param=path)
            return given
        case Text(clears):
            if not given and not clears:
                raise Refused(
                    f"You passed an empty string for '{path}', which would unset it; it cannot be unset.",
                    code="parameter_invalid_empty",
                    param=path,
                )
            if len(given) > (_LONGEST_EVIDENCE if path.startswith("evidence[") else _LONGEST_TEXT):
                raise Refused(
                    f"Invalid string: {path} is too long", code="parameter_invalid_string", param=path
                )
            return given


def _first(kinds: tuple[Kind, ...], given: Any, path: str) -> Any:
    refused: Refused | None = None
    for kind in kinds:
        try:
            return _read(kind, given, path)
        except Refused as one:
            # The refusal that looked deepest into the value says most.
            if refused is None or len(str(one.error.get("param"))) > len(str(refused.error.get("param"))):
                refused = one
    assert refused is not None
    raise refused


def _labels(given: Any, path: str) -> Any:
    """Limits: https://docs.stripe.com/api/metadata."""
    if isinstance(given, list):
        given = {str(n): value for n, value in enumerate(given)}
    if given == "":
        return given
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise Refused("Invalid hash", param=path)
    for name, value in given.items():
        if len(name) > 40:
            raise Refused(f"Metadata key too long: {name[:60]}", param=f"{path}[{name[:60]}]")
        if len(value) > 500:
            raise Refused(f"Metadata value too long: {name}", param=f"{path}[{name}]")
    if len(given) > 50:
        raise Refused("Metadata can have up to 50 keys", param=path)
    return given
