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
    """A handler, the shape of the body it takes, whether it insists on a key, and the app it belongs to."""

    call: Callable[..., dict[str, Any]]
    shape: type[Body]
    needs_key: bool
    app: str


@cache
def table() -> dict[str, Command]:
    """Return every command there is, from settings.SOCKET_COMMANDS."""
    return {t: command(import_string(path)) for t, path in settings.SOCKET_COMMANDS.items()}


def command(call: Callable[..., dict[str, Any]]) -> Command:
    """Return a handler with what its own annotations say."""
    hints = get_type_hints(call)
    shape = hints[list(inspect.signature(call).parameters)[1]]
    return Command(call, shape, hints["key"] is UUID, call.__module__.partition(".")[0])


def described() -> dict[str, tuple[type[Body], bool, str]]:
    """Return every command's shape, whether it needs a key, and its sentence, for the protocol's document."""
    return {
        t: (each.shape, each.needs_key, inspect.getdoc(each.shape) or "")
        for t, each in sorted(table().items())
    }


def read(incoming: wire.Incoming) -> tuple[Command, Body]:
    """Return the handler of a frame and its body; raises UnknownType, BadFrame."""
    found = table().get(incoming.t)
    if found is None:
        raise UnknownType(type=incoming.t)
    if incoming.id is None:
        raise BadFrame("A command needs a number.", errors={"id": "missing"})
    if found.needs_key and incoming.key is None:
        raise BadFrame("This command needs a key.", errors={"key": "missing"})
    return found, wire.body(incoming, found.shape)


def run(found: Command, body: Body, *, held: Pass, caller: Caller, key: UUID | None) -> str:
    """Carry out a command in a thread and return its answer as JSON; raises Refusal and nothing else."""
    started, outcome = perf_counter(), "failed"
    try:
        admission.require(held)
        answer = wire.dumps(found.call(caller, body, key=key, now=timezone.now()))
        outcome = "done"
        return answer
    except errors.Refusal:
        outcome = "refused"
        raise
    except (OperationalError, InterfaceError, RedisError):
        outcome = "unsure"
        log.warning("command.unsure", handler=found.call.__name__, exc_info=True)
        raise Unsure from None
    except Exception:
        log.exception("command.failed", handler=found.call.__name__)
        raise Internal from None
    finally:
        metrics.COMMANDS.labels(found.call.__name__, outcome).observe(perf_counter() - started)
