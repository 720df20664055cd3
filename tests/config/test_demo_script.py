"""The demo's script: what it knows of the show, what it says, and what people see of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from config.children import CannotStart
from config.demo import cast, lines, stage
from config.demo.console import Console
from config.demo.floor import Floor
from config.demo.notebook import Notebook


def frame(t: str, d: dict[str, Any]) -> str:
    return json.dumps({"v": 1, "t": t, "d": d})


def test_the_floor_follows_offers_through_selling_out_and_coming_back() -> None:
    floor = Floor()
    offer = {"id": "o1", "left": 5, "status": "open"}
    floor.hear(frame("offer.started", offer))
    floor.hear(
        "\n".join([frame("offer.progress", {"id": "o1", "left": 1}), frame("viewers.count", {"n": 3})])
    )
    assert floor.offers["o1"]["left"] == 1
    floor.hear(frame("offer.ended", {"id": "o1", "reason": "sold_out"}))
    assert (floor.offers, floor.ended) == ({}, {"o1": "sold_out"})
    floor.hear(frame("offer.started", {"id": "o1", "left": 1, "status": "open"}))
    assert floor.offers.keys() == {"o1"}


async def test_who_waits_for_news_can_be_called_off_at_the_moment_it_comes() -> None:
    floor = Floor()
    waiting = asyncio.create_task(floor.until(lambda: False, within=60))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    floor.hear(frame("viewers.count", {"n": 1}))
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_waiting_ends_when_it_is_so_or_when_time_is_up() -> None:
    floor = Floor()
    assert not await floor.until(lambda: bool(floor.offers), within=0.05)
    waiting = asyncio.create_task(floor.until(lambda: bool(floor.offers), within=60))
    await asyncio.sleep(0)
    floor.hear(frame("offer.started", {"id": "o1", "left": 1, "status": "open"}))
    assert await asyncio.wait_for(waiting, 5)


def test_no_line_comes_again_while_it_is_remembered() -> None:
    pool = lines.Pool(memory=3)
    said = [pool.draw(("a", "b", "c")) for _ in range(4)]
    assert sorted(each or "" for each in said[:3]) == ["a", "b", "c"]
    assert said[3] is None


def test_there_are_lines_about_everything_the_host_shows() -> None:
    for act in cast.ACTS:
        assert lines.about(act.title) is not lines.GENERAL, act.title


def test_the_screen_shows_what_matters_and_the_file_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VERBOSE", raising=False)
    console = Console(["web", "audience"], tmp_path / "demo.log")
    told = [
        ("web", "18:00:00 [info     ] request"),
        ("web", "18:00:01 [error    ] it broke"),
        ("web", "Traceback (most recent call last):"),
        ("web", "18:00:02 [info     ] request again"),
        ("audience", "  Noor: Lipstick paid"),
        ("audience", "Lipstick at 9.90 EUR: 8 paid"),
        ("supervisor", "web was ended by SIGKILL"),
    ]
    for name, line in told:
        console.hear(name, line)
    console.close()

    shown = [line.split("| ", 1)[1] for line in capsys.readouterr().out.splitlines()]
    assert shown == [told[1][1], told[2][1], told[5][1], told[6][1]]
    kept = (tmp_path / "demo.log").read_text()
    assert all(line in kept for _, line in told)


def test_a_webhook_may_be_received_on_the_machine_of_the_demo(tmp_path: Path) -> None:
    table = stage.programs(tmp_path, book=Notebook(), web_port=8000, live_port=8001)
    assert table["web"].env["WEBHOOK_ALLOW_LOOPBACK"] == "true"
    assert table["worker"].env["WEBHOOK_ALLOW_LOOPBACK"] == "true"


def test_metrics_are_shown_on_ports_in_a_row_where_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICS_PORT", "9100")
    ports = {"web_port": 8000, "live_port": 8001, "metrics_port": stage._metrics_port()}
    table = stage.programs(tmp_path, book=Notebook(), **ports)
    shown = {name: program.env.get("METRICS_PORT") for name, program in table.items()}
    assert {name: port for name, port in shown.items() if port} == {
        "web": "9100",
        "live": "9101",
        "relay": "9102",
        "settler": "9103",
        "worker": "9104",
    }
    monkeypatch.setenv("METRICS_PORT", "0")
    assert stage._metrics_port() == 0
    monkeypatch.setenv("METRICS_PORT", "65534")
    with pytest.raises(CannotStart):
        stage._metrics_port()


def test_a_floor_knows_which_coupons_run() -> None:
    floor = Floor()
    floor.hear(frame("coupon.opened", {"id": "c1"}))
    assert floor.coupons.keys() == {"c1"}
    floor.hear(frame("coupon.ended", {"id": "c1"}))
    assert not floor.coupons
