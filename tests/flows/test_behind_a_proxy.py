"""A web process behind a proxy: the address that counts is what the proxy has seen, not what callers say, and
connections are kept for longer than the proxy keeps them.
"""

from __future__ import annotations

import http.client
import sys
import time
from collections.abc import Iterator, Mapping

import httpx
import pytest

from commerce.forwarded import seen
from config import processes, servers
from config.children import Program
from config.embedded import free_port
from config.env import ROOT
from tests import apikeys
from tests.catalog import make

NETWORK, INSIDE, OUTSIDE = "203.0.113.0/24", "203.0.113.9", "198.51.100.1"


@pytest.fixture
def port(db: None, process_env: Mapping[str, str]) -> Iterator[int]:
    """The port of a web process behind a proxy."""
    free = free_port()
    env = {**process_env, "WEB_PORT": str(free), "TRUST_PROXY": "true"}
    argv = [sys.executable, "-m", "config.web"]
    child = servers.start(Program(name="web", argv=argv, cwd=ROOT, env=env, ready=processes.listens(free)))
    yield free
    child.stop()


@pytest.mark.django_db(transaction=True)
def test_a_caller_does_not_choose_its_address(port: int) -> None:
    _, text = apikeys.key(make.merchant(), networks=[NETWORK])

    def told(*forwarded: str) -> int:
        headers = [("Authorization", f"Api-Key {text}"), *(("X-Forwarded-For", one) for one in forwarded)]
        address = f"http://127.0.0.1:{port}/api/v1/catalog/products"
        return httpx.get(address, headers=headers, trust_env=False).status_code

    assert told(INSIDE) == 200
    assert told(f"{OUTSIDE}, {INSIDE}") == 200
    assert told(OUTSIDE) == 403
    # What comes first was written by the caller: our proxy puts what it has seen behind it.
    assert told(f"{INSIDE}, {OUTSIDE}") == 403
    assert told(INSIDE, OUTSIDE) == 403


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_proxy_keeps_is_kept(port: int) -> None:
    kept = http.client.HTTPConnection("127.0.0.1", port)
    kept.auto_open = 0  # None is opened in place of one that was closed.
    kept.connect()
    for _ in range(2):
        kept.request("GET", "/healthz")
        assert kept.getresponse().read()
        time.sleep(5.5)  # uvicorn's own limit is 5 s.


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ([], ""),
        (["198.51.100.1"], "198.51.100.1"),
        (["198.51.100.1:4711"], "198.51.100.1"),
        (["x, 2001:db8::1"], "2001:db8::1"),
        (["[2001:db8::1]:4711"], "2001:db8::1"),
        (["198.51.100.1", "198.51.100.2 "], "198.51.100.2"),
        (["198.51.100.1, "], ""),
        (["198.51.100.1, unknown"], ""),
        (["\xff"], ""),
    ],
)
def test_the_last_entry_is_read_however_it_is_written(said: list[str], address: str) -> None:
    headers = [(b"x-forwarded-for", one.encode("latin-1")) for one in said]
    assert seen([(b"host", b"shop.example.com"), *headers]) == address
