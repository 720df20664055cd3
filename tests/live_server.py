"""Real live processes for tests: `live_room` serves this test's database, `live_process` starts one more.

    async def test_...(live_room: LiveRoom) -> None:
        stream = await aside(make.show)                      # rows are made in a thread of their own
        async with live_room.viewer(stream) as viewer: ...   # anonymous; or user=..., by="ticket"
        await aside(live_room.relay)                         # delivers what verbs have recorded

Every frame that a viewer hears or says is held against the protocol's document (tests/protocol.py).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psutil
import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.utils import timezone
from django.utils.text import slugify

from commerce.models import User
from commerce.relay import Relay
from config import servers
from config.children import Child, Program
from config.embedded import free_port
from config.env import ROOT
from config.processes import ONE_MACHINE, listens
from streams import client, passes, shows, tickets
from streams.models import Stream
from tests import scraping
from tests.protocol import Conversation, asked
from tests.scraping import Scraped

P = ParamSpec("P")
R = TypeVar("R")


def in_thread(run: Callable[[], R]) -> R:
    """Run blocking test code in a thread of its own, for tests whose thread runs a browser's event loop."""
    done: Future[R] = Future()
    threading.Thread(target=_carry_out, args=(done, run), daemon=True).start()
    return done.result(30)


async def aside(run: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Run blocking test code in a thread that keeps no database connection."""
    done: Future[R] = Future()
    work = partial(run, *args, **kwargs)
    threading.Thread(target=_carry_out, args=(done, work), daemon=True).start()
    return await asyncio.wrap_future(done)


def _carry_out(done: Future[R], work: Callable[[], R]) -> None:
    try:
        done.set_result(work())
    except BaseException as error:
        done.set_exception(error)
    finally:
        connection.close()


async def eventually(true: Callable[[], Any], *, deadline: float = 10.0) -> Any:
    """Return the first true value of a condition, looked at again and again; TimeoutError otherwise."""
    async with asyncio.timeout(deadline):
        while not (value := true()):  # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0.01)
        return value


def cookie_of(user: User) -> str:
    """Return the Cookie header of a fresh session of this user."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def ticket_of(user: User, stream: Stream) -> str:
    """Return a fresh ticket of this user for the show."""
    stream = Stream.objects.select_related("host").get(pk=stream.pk)
    return tickets.issue(held=passes.of(user=user, stream_id=stream.id, session=None, now=timezone.now()))


class WatchedRoom(client.Room):
    """A client that fails when it hears, or is obeyed in, what the document does not say."""

    def __init__(self, url: str, **more: Any) -> None:
        self.conversation = Conversation()
        super().__init__(url, check=self.conversation.heard, **more)

    async def send(self, t: str, d: dict[str, Any] | None = None) -> None:
        """Send a frame that has no reply, which must be right."""
        asked({"v": 1, "t": t, "d": d or {}})
        await super().send(t, d)

    async def send_raw(self, data: str | bytes) -> None:
        """Send anything as one frame."""
        self.conversation.said(data)
        await super().send_raw(data)


class LiveRoom:
    """One live process, and ways to look in."""

    def __init__(self, env: dict[str, str], *, before: str = "") -> None:
        """`before` is Python that the process runs first, to take a guard away."""
        self.env, self.before = env, before
        self.port = self.metrics_port = 0
        self.child: Child | None = None

    def start(self, *, port: int | None = None) -> None:
        """Start the process, on a port of its own or the one given, unless it runs."""
        if self.child is not None and self.child.alive():
            return
        self.port, self.metrics_port = port or free_port(), free_port()
        script = f"from config import asgi, live\n{self.before}\nlive.main()"
        run = ("-c", script) if self.before else ("-m", "config.live")
        argv = [sys.executable, *run, "--host", "127.0.0.1", "--port", str(self.port)]
        env = {**self.env, "METRICS_PORT": str(self.metrics_port)}
        ready = listens(self.port)
        self.child = servers.start(
            Program(name="live", argv=argv, cwd=ROOT, env=env, ready=ready, quiet=True)
        )

    def again(self) -> None:
        """Start anew what has ended, where it was, as a supervisor does."""
        assert self.child is not None
        self.child.finish(time.monotonic() + 5)
        self.start(port=self.port)

    def stop(self) -> None:
        """Ask it to end, and wait for it."""
        if self.child is not None:
            self.child.stop()

    def kill(self) -> None:
        """End it without a chance to say goodbye."""
        os.kill(self.pid, signal.SIGKILL)

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.child is not None
        return self.child.pid

    @property
    def memory(self) -> int:
        """Its resident memory in bytes."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def scrape(self) -> Scraped:
        """What it shows to Prometheus now."""
        return scraping.scrape(self.metrics_port)

    @property
    def log(self) -> str:
        """What it has written so far."""
        assert self.child is not None
        return "\n".join(self.child.lines)

    def url(self, slug: str) -> str:
        """Return the socket address of a show."""
        return f"ws://127.0.0.1:{self.port}/ws/v1/live/{slug}"

    def room(self, stream: Stream, **more: Any) -> WatchedRoom:
        """Return a client for the show that is not connected yet; `more` as in client.Room."""
        return WatchedRoom(self.url(stream.slug), **more)

    def visitor(
        self, stream: Stream, user: User | None = None, *, by: str = "cookie", **more: Any
    ) -> WatchedRoom:
        """Like `room`, in the name of a user by session cookie or by ticket. Call it aside."""
        if user is None:
            return self.room(stream, **more)
        if by == "ticket":
            return self.room(stream, ticket=ticket_of(user, stream), **more)
        return self.room(stream, cookie=cookie_of(user), origin=settings.BASE_URL, **more)

    @staticmethod
    def relay() -> int:
        """Deliver everything that waits in the outbox, as the relay process does; returns how many events."""
        relay, delivered = Relay(settings.SUBSCRIPTIONS), 0
        while count := relay.deliver_due():
            delivered += count
        return delivered


def environment() -> dict[str, str]:
    """Return what a process needs to work on this test's database and Redis."""
    database = urlsplit(settings.DATABASE_URL)._replace(path=f"/{connection.settings_dict['NAME']}")
    return {
        "DATABASE_URL": urlunsplit(database),
        "REDIS_URL": settings.REDIS_URL,
        "LOG_LEVEL": "INFO",
        **ONE_MACHINE,
    }


@pytest.fixture(scope="session")
def _live_process(django_db_setup: None) -> Iterator[LiveRoom]:
    live = LiveRoom(environment())
    yield live
    live.stop()


@pytest.fixture
def live_room(
    transactional_db: None, _live_process: LiveRoom, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LiveRoom]:
    """A live process on this test's database and Redis; started once and shared, so leave it running."""
    # The process knows for a moment which show an address belongs to; each test's shows have their own.
    monkeypatch.setattr(shows, "_slug_from", lambda title: f"{slugify(title)}-{uuid4().hex[:8]}")
    _live_process.start()
    assert _live_process.child is not None
    _live_process.child.lines.clear()
    yield _live_process
    print(_live_process.log)  # Shown when the test fails.


@pytest.fixture
def own_process(transactional_db: None) -> Iterator[Callable[..., LiveRoom]]:
    """Return a function that starts a live process with its own environment, ended with the test."""
    started: list[LiveRoom] = []

    def start(*, before: str = "", **env: str) -> LiveRoom:
        live = LiveRoom(environment() | env, before=before)
        started.append(live)
        live.start()
        return live

    yield start
    for live in started:
        live.stop()
        if live.child is not None:  # Else it did not start, which the test says better.
            print(live.log)


@pytest.fixture
def live_process(transactional_db: None) -> Iterator[LiveRoom]:
    """A live process of this test's own, to be killed or stopped."""
    live = LiveRoom(environment())
    live.start()
    yield live
    live.stop()
    print(live.log)
