"""The demo when its supervisor or its servers are killed."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.demo_process import StartDemo, gone

pytestmark = pytest.mark.faults


@pytest.mark.timeout(600)
def test_a_killed_demo_leaves_nothing_and_begins_again_where_it_was(
    start_demo: StartDemo, tmp_path: Path
) -> None:
    demo = start_demo(tmp_path)
    demo.wait_for_line("first paid purchase")
    everything = demo.children()
    demo.end(signal.SIGKILL)
    assert gone(everything) == []

    again = start_demo(tmp_path, port=demo.port)
    again.wait_for_line("Yellowcart is running")
    again.wait_for_line("first paid purchase")
    assert "products," not in again.text  # The feeds were read before.
    for name in ("postgres", "redis-server"):
        before = next(each for each in again.children() if each.name().startswith(name))
        before.kill()
        again.wait_for_line(rf"\(process {before.pid}\) was ended by SIGKILL")
    sold = len(again.lines)
    again.wait_for("it sells again", lambda: any(" paid" in line for line in again.lines[sold:]))
    everything = again.children()
    assert again.end(signal.SIGTERM) == 0
    assert gone(everything) == []
