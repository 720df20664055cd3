"""How objects look, read at run time from the resource classes of the installed SDK: every field, nested
too.
"""

import functools
from collections.abc import Callable
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

import stripe
from stripe._object_classes import get_object_class
from stripe._stripe_object import StripeObject, UntypedStripeObject

from commerce.stripe_simulator.refusals import Refused, Row

# Optional fields that Stripe leaves out altogether unless they apply or are expanded.
_ABSENT = {
    "*": {"deleted"},
    "customer": {"sources", "subscriptions", "tax", "tax_ids", "cash_balance", "invoice_credit_balance"},
    "webhook_endpoint": {"secret"},
}


def _options(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the hint alone."""
    return get_args(hint) if get_origin(hint) is Union else (hint,)


def _inner(hint: Any) -> type[StripeObject] | None:
    """Return the nested class an annotation speaks of, if it is one of the resource's own."""
    for option in _options(hint):
        if (
            isinstance(option, type)
            and issubclass(option, StripeObject)
            and option is not UntypedStripeObject
        ):
            return option
        if get_origin(option) is list and (below := _inner(get_args(option)[0])):
            return below
    return None


@functools.cache
def _class(path: str) -> type[StripeObject]:
    """Return the class at a path such as `payment_intent.last_payment_error`."""
    head, *steps = path.split(".")
    cls = get_object_class("V1", head)
    if "OBJECT_NAME" not in vars(cls):
        raise KeyError(path)
    for step in steps:
        below = _inner(cls.__annotations__[step])
        if below is None:
            raise KeyError(path)
        cls = below
    return cls


@functools.cache
def fields(path: str) -> dict[str, Any]:
    """Return field name -> annotation for the object at this path."""
    absent = _ABSENT["*"] | _ABSENT.get(path, set())
    return {
        name: hint
        for name, hint in _class(path).__annotations__.items()
        if name != "OBJECT_NAME" and name not in absent
    }


@functools.cache
def _template(path: str) -> tuple[Row, tuple[tuple[str, Callable[[], Any]], ...]]:
    """Return the empty object, and how to make those of its values that must not be shared."""
    makers = {name: _maker(hint, f"{path}.{name}") for name, hint in fields(path).items()}
    fresh = tuple((name, make) for name, make in makers.items() if isinstance(make(), dict | list))
    return {name: make() for name, make in makers.items()}, fresh


def _maker(hint: Any, path: str) -> Callable[[], Any]:
    options = _options(hint)
    first = options[0]
    if type(None) in options:
        return lambda: None
    if get_origin(first) is Literal:
        only = get_args(first)[0] if len(get_args(first)) == 1 else None
        return lambda: only
    if get_origin(first) is list:
        return list
    if get_origin(first) is UntypedStripeObject or first is UntypedStripeObject:
        return dict
    if isinstance(first, type) and issubclass(first, StripeObject):
        return lambda: blank(path)
    plain = {bool: False, int: 0}.get(first)
    return lambda: plain


def blank(path: str, /, **values: Any) -> Row:
    """Return an object with every field of the SDK's class, empty where not given.

    Raises: KeyError for a field that the class lacks.
    """
    template, fresh = _template(path)
    if not template.keys() >= values.keys():
        raise KeyError(f"{path} has no field {sorted(values.keys() - template.keys())}")
    made = template.copy()
    for name, make in fresh:
        if name not in values:
            made[name] = make()
    made.update(values)
    return made


@functools.cache
def expandable(path: str) -> frozenset[str]:
    """Return the fields of the object at this path that hold an id and can be expanded."""
    return frozenset(
        name
        for name, hint in fields(path).items()
        if str in _options(hint) and any(isinstance(option, ForwardRef) for option in _options(hint))
    )


def check_expansion(path: str, wanted: str) -> None:
    """Raises: Refused when a dotted path of the object does not end in an id that can be expanded."""
    head, _, rest = wanted.partition(".")
    hint = fields(path).get(head)
    if wanted.endswith("."):
        pass
    elif head in expandable(path):
        names = [option.__forward_arg__ for option in _options(hint) if isinstance(option, ForwardRef)]
        kinds = [str(getattr(stripe, name).OBJECT_NAME) for name in names if hasattr(stripe, name)]
        if not rest or any(_expands(kind, rest) for kind in kinds):
            return
    elif rest and hint is not None and _inner(hint) is not None:
        check_expansion(f"{path}.{head}", rest)
        return
    raise Refused(f"This property cannot be expanded ({wanted}).", param="expand")


def _expands(path: str, wanted: str) -> bool:
    try:
        check_expansion(path, wanted)
    except Refused:
        return False
    return True


def expand(row: Row, path: str, find: Callable[[str], Any]) -> Row:
    """Return a copy with the id at a dotted path replaced by its object, if there is one."""
    head, _, rest = path.partition(".")
    value = row.get(head)
    if isinstance(value, list):
        return row | {head: [expand(item, rest, find) for item in value if rest]}
    if isinstance(value, str):
        value = find(value)
    if rest and isinstance(value, dict):
        value = expand(value, rest, find)
    return row | {head: value}
