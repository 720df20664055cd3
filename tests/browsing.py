"""Browsers for tests: `browser` is the system's Chromium, started once for all tests of a run that want one.

Each test has windows of its own (`browser.new_context()`, `browser.new_page()`), which are closed after it.
"""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable, Generator
from os import environ
from typing import TypeVar

import pytest
from django.db import connection
from playwright.sync_api import Browser, sync_playwright

T = TypeVar("T")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    # A page that no server of ours has sent may not open sockets to this machine, unless told otherwise.
    "--disable-features=LocalNetworkAccessChecks",
]


def aside(run: Callable[[], T]) -> T:
    """Run database code in a thread of its own; the browser's event loop owns this one."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            outcome.append(run())
        except BaseException as error:
            failure.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    if failure:
        raise failure[0]
    return outcome[0]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the system's Chromium; without one the test is skipped aloud, or fails when CI=true.

    The one that is built without windows comes first: a page costs it half as much.
    """
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    missing = "There is no Chromium on this machine; install chromium to run the browser tests."
    if environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


class _Started:
    """A started Chromium and the event loop of its driver.

    The driver lets its loop look as if it were running in this thread all the time, which would keep every
    other test from running one. Between the tests that have the browser it is therefore hidden.
    """

    def __init__(self, path: str) -> None:
        self.playwright = sync_playwright().start()
        self.loop = asyncio.get_running_loop()
        self.browser = self.playwright.chromium.launch(executable_path=path, args=FLAGS)

    def take(self) -> Browser:
        asyncio._set_running_loop(self.loop)
        return self.browser

    def put_away(self) -> None:
        for context in self.browser.contexts:
            context.close()
        asyncio._set_running_loop(None)

    def end(self) -> None:
        asyncio._set_running_loop(self.loop)
        self.playwright.stop()
        asyncio._set_running_loop(None)


@pytest.fixture(scope="session")
def _browsers() -> Generator[list[_Started]]:
    started: list[_Started] = []
    yield started
    for each in started:
        each.end()


@pytest.fixture
def browser(chromium: str, _browsers: list[_Started]) -> Generator[Browser]:
    """The system's Chromium, without a window; one that a test before has broken is replaced.

    Ask for it after everything that uses the database, whose rows are taken away when it is put away.
    """
    if not _browsers or not _browsers[-1].browser.is_connected():
        _browsers.append(_Started(chromium))
    started = _browsers[-1]
    yield started.take()
    started.put_away()
