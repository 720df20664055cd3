from pathlib import Path

import pytest
from django.conf import LazySettings

from commerce import faults


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    signals: list[int] = []
    monkeypatch.setattr(faults.os, "kill", lambda pid, number: signals.append(number))  # type: ignore[attr-defined]
    return signals


def test_nobody_can_arm_a_fault_in_production(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch, killed: list[int]
) -> None:
    settings.DEBUG = False
    monkeypatch.setenv("FAULT", "settle.before_send")

    faults.reach("settle.before_send")

    assert killed == []


def test_only_the_armed_point_strikes_and_only_once_with_a_file(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch, killed: list[int], tmp_path: Path
) -> None:
    settings.DEBUG = True
    faults.reach("settle.before_send")
    monkeypatch.setenv("FAULT", f"settle.before_send:{tmp_path / 'struck'}")

    faults.reach("settle.after_send")
    assert killed == []
    faults.reach("settle.before_send")
    faults.reach("settle.before_send")

    assert killed == [9]
