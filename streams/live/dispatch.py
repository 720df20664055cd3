"""Commands: which handler answers what, and how an answer or a refusal becomes a frame."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from time import perf_counter
from typing import Any, get_type_hints
from uuid import UUID

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from django.utils.module_loading import import_string
from prometheus_client import Histogram
from redis.exceptions import RedisError

from commerce import errors
from streams import metrics
from streams.frames import BadFrame, Body, Caller, wire
from streams.live import admission
from streams.passes import Pass

log = structlog.get_logger(__name__)


class UnknownType(BadFrame):
    message = "There is no such command."


class Internal(errors.Refusal):
    """A mistake of ours."""

    status = 500
    code = "INTERNAL"
    message = "Something went wrong on our side. Send it again with the same key."
    temporary = True
    retry_ms = 1000


class Unsure(errors.Unavailable):
    """A part failed in the middle; the same key finds out, or does it."""

    message = "A part of the server does not answer. Send it again with the same key."


@dataclass(frozen=True, slots=True)
class Command:
    """A handler, the shape of the body it takes, whether it insists on a key, and the app it belongs to.

    One that `hands_over` is called on the event loop: it puts the command in a line of its own, at once, and
    says later what came of it, through `answer`.
    """

    call: Callable[..., Any]
    shape: type[Body]
    needs_key: bool
    app: str
    hands_over: bool = False


@cache
def table() -> dict[str, Command]:
    """Return every command there is, from settings.SOCKET_COMMANDS."""
    return {t: command(import_string(path)) for t, path in settings.SOCKET_COMMANDS.items()}


def command(call: Callable[..., dict[str, Any]]) -> Command:
    """Return a handler with what its own annotations say."""
    hints = get_type_hints(call)
    shape = hints[list(inspect.signature(call).parameters)[1]]
    return Command(call, shape, hints["key"] is UUID, call.__module__.partition(".")[0], "answer" in hints)


def hands_over(t: str) -> bool:
    """Say whether a command goes into a line of its own."""
    found = table().get(t)
    return found is not None and found.hands_over


def described() -> dict[str, tuple[type[Body], bool, str]]:
    """Return every command's shape, whether it needs a key, and its sentence, for the protocol's document."""
    return {
        t: (each.shape, each.needs_key, inspect.getdoc(each.shape) or "")
        for t, each in sorted(table().items())
    }


def read(incoming: wire.Incoming) -> tuple[Command, Body]:
    """Return the handler of a frame and its body; raises UnknownType, BadFrame, BadKey."""
    found = table().get(incoming.t)
    if found is None:
        raise UnknownType(type=incoming.t)
    if incoming.id is None:
        raise BadFrame("A command needs a number.", errors={"id": "missing"})
    if found.needs_key and incoming.key is None:
        raise wire.BadKey(errors={"key": "missing"})
    return found, wire.body(incoming, found.shape)


def hand_over(
    found: Command,
    body: Body,
    *,
    caller: Caller,
    key: UUID | None,
    answer: Callable[[str | errors.Refusal], None],
) -> None:
    """Put a command in its line; `answer` is called once, on this event loop, with JSON or a refusal.

    Raises Refusal and nothing else; then there will be no answer. Whether its user may still act is what the
    warden saw last, half a minute ago at most: a query for each would cost more than the command.
    """
    started = perf_counter()

    def answered(outcome: str | Exception) -> None:
        refusal, name = (None, "done") if isinstance(outcome, str) else _refusal(found, outcome)
        _timer(found.call.__name__, name).observe(perf_counter() - started)
        answer(refusal or str(outcome))

    try:
        found.call(caller, body, key=key, answer=answered)
    except Exception as error:
        refusal, name = _refusal(found, error)
        _timer(found.call.__name__, name).observe(perf_counter() - started)
        raise refusal from None


def _refusal(found: Command, error: Exception) -> tuple[errors.Refusal, str]:
    """Return the refusal that goes out for an error of a handler, and what it counts as."""
    if isinstance(error, errors.Refusal):
        return error, "refused"
    if isinstance(error, OperationalError | InterfaceError | RedisError):
        log.warning("command.unsure", handler=found.call.__name__, exc_info=error)
        return Unsure(), "unsure"
    log.error("command.failed", handler=found.call.__name__, exc_info=error)
    return Internal(), "failed"


def run(found: Command, body: Body, *, held: Pass, caller: Caller, key: UUID | None) -> str:
    """Carry out a command in a thread and return its answer as JSON; raises Refusal and nothing else."""
    started, outcome = perf_counter(), "done"
    try:
        admission.require(held)
        return wire.dumps(found.call(caller, body, key=key, now=timezone.now()))
    except Exception as error:
        refusal, outcome = _refusal(found, error)
        raise refusal from None
    finally:
        _timer(found.call.__name__, outcome).observe(perf_counter() - started)


@cache
def _timer(handler: str, outcome: str) -> Histogram:
    return metrics.COMMANDS.labels(handler, outcome)
