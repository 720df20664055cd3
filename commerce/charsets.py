"""The encoding that a request's words are in."""

import codecs
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

# Of what Python knows, those whose every byte is a letter, or is replaced. A `charset` of `hex` or `idna`
# fails while a form is being read.
READ = frozenset({"utf-8", "ascii", "iso8859-1", "cp1252"})

Handler = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware
def read_as_text(get_response: Callable[[HttpRequest], Any]) -> Handler:
    """Have a request that names an encoding which forms do not come in read as UTF-8."""
    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            _settle(request)
            answer: HttpResponseBase = await get_response(request)
            return answer

        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        _settle(request)
        answer: HttpResponseBase = get_response(request)
        return answer

    return synchronous


def _settle(request: HttpRequest) -> None:
    if request.encoding and codecs.lookup(request.encoding).name not in READ:
        request.encoding = "utf-8"
