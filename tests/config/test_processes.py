import socket
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from config import processes
from config.children import CannotStart
from config.env import ROOT
from config.supervisor import Stack
from streams.live import drain
from streams.live.hub import CUT_SECONDS


def test_every_process_runs_something_that_exists() -> None:
    for name, command in processes.COMMANDS.items():
        words = command.split()
        if words[0] == "-m":
            assert find_spec(words[1]), name
        else:
            assert (ROOT / words[0]).exists(), name
            assert words[1] in get_commands(), name


def test_the_table_names_every_process_and_joins_them(tmp_path: Path) -> None:
    table = processes.table(var=tmp_path, web_port=8100, live_port=8101, simulator_port=8102)
    assert list(table) == [
        "postgres",
        "redis",
        "simulator",
        "web",
        "live",
        "relay",
        "settler",
        "worker",
        "sweeper",
        "beat",
    ]
    web = table["web"].env
    assert web["LIVE_SOCKET_URL"] == "ws://localhost:8101"
    assert web["STRIPE_WEBHOOK_SECRETS"] in table["simulator"].argv
    assert web["STRIPE_CONNECT_WEBHOOK_SECRETS"] in table["simulator"].argv
    assert web["STRIPE_CONNECT_WEBHOOK_SECRETS"] != web["STRIPE_WEBHOOK_SECRETS"]
    assert web["STRIPE_API_BASE"].endswith(":8102")
    assert all(name == program.name for name, program in table.items())


def test_whoever_stops_a_live_process_waits_until_its_viewers_have_left(tmp_path: Path) -> None:
    table = processes.table(var=tmp_path, web_port=1, live_port=2, simulator_port=3)
    for viewers in (0, 1, 1000, 5000, 100_000):
        spread = drain.spread_ms(viewers, most_seconds=settings.LIVE_DRAIN_SECONDS) / 1000
        going = spread + drain.GRACE_SECONDS + drain.FINISH_SECONDS + CUT_SECONDS
        assert going < table["live"].stop_within


def test_a_folder_with_spaces_stays_one_argument(tmp_path: Path) -> None:
    table = processes.table(var=tmp_path / "my shop", web_port=1, live_port=2, simulator_port=3)
    assert str(tmp_path / "my shop" / "simulator.json") in table["simulator"].argv


@pytest.mark.parametrize(
    ("name", "variable"), [("web", "PORT"), ("live", "LIVE_PORT"), ("simulator", "SIMULATOR_PORT")]
)
def test_a_port_that_another_program_has_is_refused_before_the_start(
    tmp_path: Path, name: str, variable: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        table = processes.table(var=tmp_path, web_port=port, live_port=port, simulator_port=port)
        with (
            pytest.raises(CannotStart, match=rf"Port {port} cannot be used.*{variable}=\.\.\."),
            Stack(table) as stack,
        ):
            stack.start(name)
