from datetime import timedelta

import pytest

from streams import states
from streams.models import Stream
from tests.streams.make import NOW


def test_every_status_has_its_row_in_the_table() -> None:
    assert set(states.MOVES) == set(Stream.Status.values)


@pytest.mark.parametrize(
    ("old", "new", "legal"),
    [
        ("scheduled", "live", True),
        ("scheduled", "cancelled", True),
        ("scheduled", "ended", False),
        ("live", "ended", True),
        ("live", "cancelled", False),
        ("ended", "live", False),
        ("cancelled", "scheduled", False),
    ],
)
def test_a_show_moves_as_the_table_says(old: str, new: str, legal: bool) -> None:
    assert states.may_move(old, new) is legal
    assert (old in states.sources_of(new)) is legal


def test_the_stream_clock_counts_milliseconds_and_never_runs_backwards() -> None:
    assert states.clock_ms(NOW, NOW + timedelta(seconds=1, microseconds=500_999)) == 1500
    assert states.clock_ms(NOW, NOW - timedelta(seconds=1)) == 0
