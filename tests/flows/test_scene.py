"""The scene of `make scene`, with few buyers, and what it says when it cannot be right."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from config.env import ROOT
from tests.scene import __main__ as scene
from tests.scene.report import Report, percentile
from tests.scene.size import read_size


@pytest.mark.timeout(320)
def test_a_crowd_buys_the_last_pieces_through_the_real_front_doors() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.scene"],
        cwd=ROOT,
        env={**os.environ, "BUYERS": "8", "STOCK": "3"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "checks, all ok." in done.stdout, said
    assert "exactly 3 were accepted" in done.stdout
    assert "sold on to Newcomer; paid" in done.stdout
    assert not list(Path(tempfile.gettempdir()).glob(f"{scene.PREFIX}*"))


@pytest.mark.parametrize(
    ("buyers", "stock", "says"),
    [
        ("5", "5", "somebody has to miss out"),
        ("many", "5", "BUYERS=many"),
        ("9", "0", "STOCK=0"),
        ("9", "-1", "STOCK=-1"),
    ],
)
def test_numbers_that_make_no_scene_are_refused(
    buyers: str,
    stock: str,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("BUYERS", buyers)
    monkeypatch.setenv("STOCK", stock)
    assert scene.main() == 2
    assert says in capsys.readouterr().err


def test_trouble_is_a_tenth_declined_and_a_twentieth_asked() -> None:
    calm = read_size({"BUYERS": "300", "STOCK": "100"})
    troubled = read_size({"BUYERS": "300", "STOCK": "100", "TROUBLE": "1", "SEED": "3"})

    assert (calm.decliners, calm.askers, calm.sure) == (2, 0, 297)
    assert (troubled.decliners, troubled.askers, troubled.sure, troubled.seed) == (10, 5, 284, 3)


def test_a_wrong_figure_is_counted_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    report.equal(5, 5, "five are five")
    report.equal(6, 5, "five were sold")
    assert (report.checks, report.bad) == (2, 1)
    shown = capsys.readouterr().out
    assert "ok  five are five" in shown
    assert "BAD five were sold: 6, not 5" in shown


def test_percentiles_are_of_values_that_were_measured() -> None:
    values = [float(n) for n in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([3.0], 0.99)) == (50.0, 99.0, 3.0)
    assert percentile([], 0.5) == 0.0
