"""The demo when its supervisor or its servers are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from config.env import ROOT
from tests.demo_process import StartDemo, gone

# A piece of each process's command.
PROCESSES = (
    "redis-server",
    "listen_addresses=",
    "commerce.stripe_simulator",
    "config.web",
    "config.live",
    "manage.py relay",
    "config worker -n settler@",
    "config worker -n worker@",
    "config worker -n sweeper@",
    "config beat",
    "config.demo crew",
    "config.demo audience",
)

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
    assert "new products" not in again.text  # The feeds were read before.
    for command in PROCESSES:
        before = again.child(command)
        assert before is not None, command
        before.kill()
        again.wait_for_line(rf"\(process {before.pid}\) was ended by SIGKILL")
        again.wait_for(
            f"another {command}",
            lambda command=command, before=before: again.child(command) not in (None, before),  # type: ignore[misc]
        )
    sold = len(again.lines)
    again.wait_for("it sells again", lambda: any(" paid" in line for line in again.lines[sold:]))
    audit = subprocess.run(
        [sys.executable, "manage.py", "audit"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": "", "REDIS_URL": "", "VAR_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert audit.returncode == 0, audit.stdout + audit.stderr
    everything = again.children()
    assert again.end(signal.SIGTERM) == 0
    assert gone(everything) == []
