"""The demo as somebody meets it who has just typed `make demo`."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from config.demo import cast
from streams import client
from tests.demo_process import Demo, StartDemo, gone
from tests.scene.browser import Browser


def look_around(base: str, password: str) -> str:
    """Open the pages, sign in as the visitor, and return a ticket for the live show."""
    for path in ("/", f"/live/{cast.LIVE.slug}", "/studio/login/", "/admin/login/", "/api/docs"):
        assert httpx.get(base + path, trust_env=False).status_code == 200, path
    picture = httpx.get(f"{base}/demo/pictures/host-1.svg", trust_env=False)
    assert picture.headers["Content-Type"] == "image/svg+xml"
    assert httpx.get(f"{base}/demo/pictures/..%2fcast.py", trust_env=False).status_code == 404
    visitor = Browser(base)
    visitor.ask("POST", "account/sign-in", {"email": cast.VISITOR.email, "password": password})
    ticket = visitor.ticket(cast.LIVE.slug)
    visitor.close()
    return ticket


async def say_hello(demo: Demo, host: str, ticket: str) -> None:
    """Say something in the live show, as a page opened at that host does."""
    url = f"ws://{host}:{demo.live_port}/ws/v1/live/{cast.LIVE.slug}"
    async with client.Room(url, origin=f"http://{host}:{demo.port}", ticket=ticket) as room:
        assert room.snapshot is not None
        assert room.snapshot["me"]["name"] == cast.VISITOR.name
        await room.command("chat.send", {"text": "hello"}, key=uuid4())


@pytest.mark.timeout(400)
def test_the_demo_sells_mends_itself_and_leaves_nothing(start_demo: StartDemo, tmp_path: Path) -> None:
    demo = start_demo(tmp_path)
    demo.wait_for_line("Yellowcart is running")
    demo.wait_for_line(r"first paid purchase [\d.]+ s after the start")
    password = json.loads((tmp_path / "demo.json").read_text())["password"]

    for host in ("localhost", "127.0.0.1"):
        ticket = look_around(f"http://{host}:{demo.port}", password)
        asyncio.run(say_hello(demo, host, ticket))

    same_folder = start_demo(tmp_path)
    assert same_folder.process.wait(60) == 1
    assert f"run by process {demo.process.pid}" in same_folder.text
    same_port = start_demo(tmp_path / "other", port=demo.port)
    assert same_port.process.wait(60) == 1
    assert f"Port {demo.port} cannot be used" in same_port.text
    assert "PORT=" in same_port.text

    worker = demo.child("config worker -n worker@")
    assert worker is not None
    worker.kill()
    demo.wait_for_line(rf"worker \(process {worker.pid}\) was ended by SIGKILL")
    demo.wait_for(
        "another worker", lambda: (found := demo.child("config worker -n worker@")) and found != worker
    )

    everything = demo.children()
    assert len(everything) > 9
    assert demo.end(signal.SIGINT) == 0
    assert gone(everything) == []
