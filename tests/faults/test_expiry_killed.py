"""A sweep killed in the middle of a batch, or after one: nothing is lost and nothing is given back twice."""

import os
import signal
import subprocess
import sys

import pytest

from config.env import ROOT
from orders import expiry
from tests.orders import make
from tests.orders.make import after

pytestmark = pytest.mark.django_db(transaction=True)

SWEEP = """
import django; django.setup()
from datetime import datetime
from orders import expiry
expiry.BATCH = 2
expiry.sweep(now=datetime.fromisoformat("{now}"))
"""


@pytest.mark.parametrize(
    ("point", "ended"),
    [("expiry.written", 0), pytest.param("expiry.committed", 2, marks=pytest.mark.faults)],
)
def test_what_a_killed_sweep_left_is_done_by_the_next_one(
    process_env: dict[str, str], point: str, ended: int
) -> None:
    lipstick = make.variant(stocked=5)
    for _ in range(5):
        make.basket((lipstick, 1)).go()
    code = SWEEP.format(now=after(601).isoformat())
    env = {
        **os.environ,
        **process_env,
        "DEBUG": "true",
        "FAULT": point,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }

    killed = subprocess.run([sys.executable, "-c", code], env=env, cwd=ROOT, timeout=60, check=False)

    assert killed.returncode == -signal.SIGKILL
    assert make.left(lipstick) == ended
    assert expiry.sweep(now=after(601)) == 5 - ended
    assert make.left(lipstick) == 5
    assert make.broken() == []
