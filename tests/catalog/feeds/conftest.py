"""The server that feeds are fetched from."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.catalog import make
from tests.commerce.outside.server import Page, Site, serving


@pytest.fixture
def site(settings: Any) -> Iterator[Site]:
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    with serving() as ours:
        ours.pages["/feed"] = Page(make.simple_feed(2), headers={"ETag": '"one"'})
        yield ours
