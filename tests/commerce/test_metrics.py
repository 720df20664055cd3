"""Metrics: what a process shows of itself, where, and that it moves."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from prometheus_client import REGISTRY

from commerce import outbox
from commerce.backlog import Backlog
from commerce.models import Event
from commerce.relay import Relay
from config import processes, servers
from config.children import Child, Program
from config.embedded import free_port
from config.env import ROOT
from tests import scraping

pytestmark = pytest.mark.django_db(transaction=True)


def hear(payload: dict[str, Any], *, key: str) -> None:
    pass


def refuse(payload: dict[str, Any], *, key: str) -> None:
    raise ValueError("not to be told")


def away(payload: dict[str, Any], *, key: str) -> None:
    raise DatabaseError from outbox.OutsideTransaction


def record(name: str, key: str) -> None:
    with transaction.atomic():
        outbox.record(name=name, payload={}, key=key)


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_told_event_and_its_lag_are_counted() -> None:
    before = count("yellowcart_events_total", event="a.told", outcome="delivered")
    lags = count("yellowcart_event_lag_seconds_count")
    record("a.told", "k1")

    Relay({"a.told": [f"{__name__}.hear"]}).deliver_due()

    assert count("yellowcart_events_total", event="a.told", outcome="delivered") == before + 1
    assert count("yellowcart_event_lag_seconds_count") == lags + 1


def test_a_failure_is_counted_and_the_last_one_as_quarantined() -> None:
    record("a.refused", "k1")
    relay = Relay({"a.refused": [f"{__name__}.refuse"]})

    for _ in range(outbox.MAX_ATTEMPTS):
        Event.objects.update(due_at="2000-01-01T00:00Z")
        relay.deliver_due()

    assert count("yellowcart_events_total", event="a.refused", outcome="failed") == outbox.MAX_ATTEMPTS - 1
    assert count("yellowcart_events_total", event="a.refused", outcome="quarantined") == 1
    assert count("yellowcart_events_total", event="a.refused", outcome="delivered") == 0


def test_the_backlog_is_what_waits_and_how_long() -> None:
    assert outbox.backlog() == outbox.Backlog(0, 0.0, 0)
    for key in ("k1", "k2", "k3"):
        record("a.waiting", key)
    Event.objects.filter(key="k1").update(created_at="2020-01-01T00:00Z", quarantined_at="2020-01-01T00:00Z")
    Event.objects.filter(key="k2").update(created_at="2026-01-01T00:00Z")

    found = outbox.backlog()

    assert (found.waiting, found.quarantined) == (2, 1)
    assert found.oldest_seconds == pytest.approx(time.time() - 1_767_225_600, abs=60)


def test_where_the_database_does_not_answer_the_backlog_is_missing_and_no_scrape_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert len(list(Backlog().collect())) == 3

    def down() -> None:
        raise DatabaseError

    monkeypatch.setattr(outbox, "backlog", down)

    assert list(Backlog().collect()) == []


def test_requests_are_counted_by_the_pattern_of_their_address() -> None:
    def seen(method: str, route: str, status: str) -> float:
        return count("yellowcart_http_request_seconds_count", method=method, route=route, status=status)

    route = "api/v1/live/<slug:slug>/snapshot"
    before = seen("GET", route, "4xx"), seen("other", "none", "4xx")

    Client().get("/api/v1/live/nowhere/snapshot")
    Client().get("/api/v1/live/nowhere-else/snapshot")
    Client().generic("BREW", "/made/up/by/a/scanner")

    assert seen("GET", route, "4xx") == before[0] + 2
    assert seen("other", "none", "4xx") == before[1] + 1


@pytest.fixture
def relay_process(process_env: Mapping[str, str]) -> Any:
    started: list[Child] = []

    def start(port: int) -> Child:
        env = {**process_env, "METRICS_PORT": str(port)}
        argv = [sys.executable, "manage.py", "relay"]
        child = servers.start(Program(name="relay", argv=argv, cwd=ROOT, env=env, ready_line="relay.ready"))
        started.append(child)
        return child

    yield start
    for child in started:
        child.stop()


def test_a_relay_shows_its_backlog_and_what_it_delivered(relay_process: Callable[[int], Child]) -> None:
    port = free_port()
    relay_process(port)
    before = scraping.scrape(port)

    record("room.state", "k1")  # its payload is senseless: it fails
    with transaction.atomic():
        outbox.record(name="stock.moved", payload={"variants": [], "offers": []})
    scraping.until(port, lambda now: now.value("yellowcart_events_total", outcome="failed") >= 1)
    after = scraping.until(port, lambda now: now.value("yellowcart_events_total", outcome="delivered") >= 1)

    assert before.value("yellowcart_outbox_waiting_events") == 0
    assert after.value("yellowcart_outbox_waiting_events") == 1
    assert after.value("yellowcart_outbox_oldest_seconds") > 0
    assert after.value("process_resident_memory_bytes") > 10_000_000
    assert scraping.undocumented(after) == set()


def test_by_default_nothing_is_shown_and_never_on_the_shops_port(process_env: Mapping[str, str]) -> None:
    port = free_port()
    env = {**process_env, "WEB_PORT": str(port)}
    child = servers.start(
        Program(
            name="web",
            argv=[sys.executable, "-m", "config.web"],
            cwd=ROOT,
            env=env,
            ready=processes.listens(port),
        )
    )
    try:
        assert httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).status_code == 404
        assert not scraping.listening_ports(child.pid) - {port}
    finally:
        child.stop()


def test_a_taken_port_stops_the_start_and_is_named(process_env: Mapping[str, str]) -> None:
    port = free_port()
    env = {**process_env, "METRICS_PORT": str(port)}
    argv = [sys.executable, "manage.py", "relay"]
    first = servers.start(Program(name="relay", argv=argv, cwd=ROOT, env=env, ready_line="relay.ready"))
    try:
        import os

        second = subprocess.run(
            argv, cwd=ROOT, env=os.environ | env, capture_output=True, text=True, timeout=30, check=False
        )
    finally:
        first.stop()

    assert second.returncode == 1
    assert f"127.0.0.1:{port}" in second.stderr
    assert "METRICS_PORT" in second.stderr
    assert "Traceback" not in second.stderr
