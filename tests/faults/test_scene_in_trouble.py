"""The scene in trouble: declines, 3D Secure, lost answers, webhooks that come twice and in no order."""

import os
import subprocess
import sys

import pytest

from config.env import ROOT


@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_both_books_agree_to_the_cent_whatever_the_provider_does(seed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.scene"],
        cwd=ROOT,
        env={**os.environ, "BUYERS": "120", "STOCK": "40", "TROUBLE": "1", "SEED": seed},
        capture_output=True,
        text=True,
        timeout=580,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "answers of the provider were lost" in said, said
    assert "are asked by their banks" in said
    assert "checks, all ok." in said
