"""HTTP requests answered in threads that stay, each with a database connection that stays.

Django's own handler begins a thread and a connection for every request and goes from thread to thread at each
middleware, which takes longer than most answers. Here one thread has a request from the first middleware on.
"""

import asyncio
import contextvars
from concurrent.futures import Future

from django.core.handlers.asgi import ASGIHandler
from django.db import connection
from django.http import HttpRequest, HttpResponseBase

from commerce.pool import Pool


class Handler(ASGIHandler):
    """Django's handler with threads of a pool; as many requests are answered at once as it has threads."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        super().__init__()

    def load_middleware(self, is_async: bool = False) -> None:
        """Have all middleware called plainly, one by the other."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Answer in a thread of the pool."""
        context = contextvars.copy_context()
        done: Future[HttpResponseBase] = Future()

        def work() -> None:
            if not done.set_running_or_notify_cancel():
                return  # Who asked has gone before it was begun.
            # A connection that fell while nobody used it is found out before it is needed.
            connection.health_check_done = False  # type: ignore[attr-defined]  # django-stubs do not know it
            try:
                done.set_result(context.run(self.get_response, request))
            except BaseException as error:
                done.set_exception(error)

        self._pool.give(work)
        return await asyncio.wrap_future(done)
