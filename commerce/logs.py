"""Structured logs: one line per happening, with the request's id, never with a credential."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase

from commerce import metrics

log = structlog.get_logger("request")

HIDDEN = "[hidden]"
SECRET_NAME = re.compile(
    r"password|secret|token|authorization|cookie|api_?key|signature|card_number|cvc", re.I
)
SECRET_VALUE = re.compile(
    r"\b(?:sk|rk)_(?:test|live)_\w{8,}"  # Stripe's keys
    r"|\bwhsec_\w{8,}"
    r"|\b\w+_secret_\w+"  # what lets its holder confirm a payment
    r"|\b(?:Bearer|Api-Key) \S+"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # user:password in an address
)
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def hide_credentials(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank what is named or looks like a credential, before a line is rendered."""
    for name, value in event.items():
        event[name] = _hidden(name, value)
    return event


def _hidden(name: str, value: Any) -> Any:
    if SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, str):
        return hide_in_text(value)
    if isinstance(value, dict):
        return {key: _hidden(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden("", inner) for inner in value]
    return value


def hide_in_text(text: str) -> str:
    """The text with keys, tokens, client secrets and passwords in addresses blanked; ids stay readable."""
    return SECRET_VALUE.sub(HIDDEN, text)


def configure(*, log_format: str, level: str) -> dict[str, Any]:
    """Set structlog up and return the matching LOGGING setting; log_format is "readable" or "json"."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(
            fmt="iso" if log_format == "json" else "%H:%M:%S", utc=log_format == "json"
        ),
    ]
    # Tracebacks become text before credentials are looked for.
    last: list[Any] = [
        structlog.processors.format_exc_info,
        hide_credentials,
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # The request log below says the same with the request's id and without the query string.
            "django.server": {"handlers": [], "propagate": False},
            "uvicorn.access": {"handlers": [], "propagate": False},
            "stripe": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
            # A task says itself what it did; that one came and went is not news.
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
        },
    }


class RequestLog:
    """Give each request an id (the caller's X-Request-ID when sane), bind it to its logs, and echo it."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._asynchronous(request)
        started = self._begin(request)
        response: HttpResponseBase = self.get_response(request)
        return self._end(request, response, started)

    async def _asynchronous(self, request: HttpRequest) -> HttpResponseBase:
        started = self._begin(request)
        response: HttpResponseBase = await self.get_response(request)
        return self._end(request, response, started)

    def _begin(self, request: HttpRequest) -> float:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        return time.perf_counter()

    def _end(self, request: HttpRequest, response: HttpResponseBase, started: float) -> HttpResponseBase:
        response["X-Request-ID"] = structlog.contextvars.get_contextvars().get("request_id", "")
        seconds = time.perf_counter() - started
        metrics.answered(request, status=response.status_code, seconds=seconds)
        quiet = request.path in ("/healthz", "/readyz") or request.path.startswith("/static/")
        (log.debug if quiet else log.info)(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            ms=round(seconds * 1000, 1),
        )
        return response
