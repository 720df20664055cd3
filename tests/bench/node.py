"""Node's `ws` as a rung of the ladder, where node is present and the package can be had."""

import shutil
import subprocess
from pathlib import Path

from tests.bench import machine
from tests.bench.processes import HERE, Talker
from tests.bench.runs import CannotRun

WS = "8.18.3"


def installed(folder: Path) -> str:
    """Return the program node, with `ws` in the folder; raises CannotRun, saying what is missing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise CannotRun("node or npm is missing here")
    if not (folder / "node_modules" / "ws" / "package.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        argv = [npm, "install", "--prefix", str(folder), "--no-save", "--no-audit", "--no-fund", f"ws@{WS}"]
        try:
            done = subprocess.run(
                [*argv, "--ignore-scripts"], capture_output=True, text=True, timeout=60, check=False
            )
        except subprocess.TimeoutExpired:
            raise CannotRun(f"npm did not fetch ws@{WS} in time") from None
        if done.returncode:
            last = (done.stderr.strip() or "no reason given").splitlines()[-1]
            raise CannotRun(f"npm could not fetch ws@{WS}: {last}")
    return node


def room(node: str, folder: Path) -> tuple[Talker, int]:
    """Start the room on the server's core; returns it, to be ended by its user, and its port."""
    talker = Talker("node", [node, str(HERE / "node_ws.cjs"), str(folder)], core=machine.SERVER_CORE)
    return talker, int(talker.line(10))
