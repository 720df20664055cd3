"""Rows of the bench: ratios, targets, and how they are printed and written."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench import table
from tests.bench.table import Row, number, percentile, printed


def test_a_cost_meets_its_target_when_it_is_not_above_so_many_floors() -> None:
    target = table.at_most_floors(1.4)
    assert Row("P1", "ours", 8.0, "us", floor=6.0, target=target).met
    assert Row("P1", "ours", 7.0, "us", floor=5.0, target=target).met
    assert Row("P1", "ours", 8.5, "us", floor=6.0, target=target).met is False


def test_a_rate_meets_its_target_when_it_is_not_below_so_many_floors() -> None:
    target = table.at_least_floors(1.0)
    assert Row("P5", "purchases", 1200, "/s", floor=1000, target=target).met
    assert Row("P5", "purchases", 900, "/s", floor=1000, target=target).met is False


def test_an_absolute_target_asks_for_the_value_whatever_the_floor() -> None:
    assert Row("P4", "memory", 25.0, "KB", target=table.at_most(25)).met
    assert Row("P4", "memory", 25.1, "KB", floor=1000, target=table.at_most(25)).met is False
    assert Row("P2", "lines", 2e6, "/s", floor=9e6, target=table.at_least(1_500_000)).met
    assert Row("P2", "lines", 1e6, "/s", floor=1, target=table.at_least(1_500_000)).met is False


def test_without_a_target_or_its_floor_a_row_is_neither_met_nor_missed() -> None:
    assert Row("P1", "stock", 300.0, "us", floor=6.0).met is None
    unheld = Row("P1", "ours", 8.0, "us", target=table.at_most_floors(1.4))
    assert unheld.ratio is None
    assert unheld.met is None


def test_the_table_is_aligned_and_says_what_was_met() -> None:
    lines = printed(
        [
            Row("P1", "ours", 8.25, "us", floor=6.0, target=table.at_most_floors(1.4)),
            Row("P2", "lines", 1_600_000, "/s", target=table.at_least(1_500_000)),
            Row("P3", "must event", 61.5, "ms", target=table.at_most(50)),
            Row("P1", "floor", 6.0, "us"),
        ]
    ).splitlines()
    assert lines[1].split() == ["P1", "ours", "8.25", "us", "6", "1.38x", "<=", "1.40x", "met"]
    assert lines[2].split() == ["P2", "lines", "1,600,000", "/s", "-", "-", ">=", "1,500,000", "met"]
    assert lines[3].endswith("<= 50         not met")
    assert lines[4].split() == ["P1", "floor", "6", "us", "-", "-", "-"]
    values = ("value", "8.25", "1,600", "61.5", "6 us")
    assert len({line.index(value) for line, value in zip(lines, values, strict=True)}) == 1


def test_the_written_list_has_one_shape(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "bench.json"
    table.write(
        [Row("P1", "ours", 9.0, "us", 6.0, table.at_most_floors(1.4)), Row("P4", "m", 20.0, "KB")], path
    )
    first, second = json.loads(path.read_text())
    assert first == {
        "id": "P1",
        "what": "ours",
        "value": 9.0,
        "unit": "us",
        "floor": 6.0,
        "ratio": 1.5,
        "target": "<= 1.40x",
        "met": False,
    }
    assert second.keys() == first.keys()
    assert [second[name] for name in ("floor", "ratio", "target", "met")] == [None] * 4


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0512, "0.0512"),
        (5.5555, "5.56"),
        (31.84, "31.8"),
        (404.4, "404"),
        (1_280_000.6, "1,280,001"),
    ],
)
def test_figures_have_three_digits_or_all_before_the_point(value: float, text: str) -> None:
    assert number(value) == text


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_a_value_that_so_many_are_not_above(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(each <= found for each in values) >= share * len(values) - 1e-9
    assert sum(each < found for each in values) < math.ceil(share * len(values))


def test_a_percentile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)
