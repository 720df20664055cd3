"""The application is whole before it serves: nothing is left to be imported while people wait."""

import subprocess
import sys

from django.conf import settings

from config.env import ROOT

LOADED = "import config.asgi, sys; print(' '.join(sorted(sys.modules)))"


def test_what_answers_in_a_room_is_loaded_before_the_first_one_asks() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )

    named = [*settings.SOCKET_COMMANDS.values(), *settings.SNAPSHOT_PANELS, *settings.CHAT_FILTERS]
    assert {path.rpartition(".")[0] for path in named} <= set(done.stdout.split())
    # A payment provider's library takes the longest.
    assert "stripe" in done.stdout.split()
