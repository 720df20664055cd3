"""The clockwork: everybody comes up no earlier than asked and at most a step later, once."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.live.wheel import SLOTS, STEP_SECONDS, Wheel

BEGIN = 1000.0


@dataclass(eq=False)
class Entry:
    slot: int = -1


@pytest.fixture
def wheel() -> Wheel[Entry]:
    return Wheel(BEGIN)


@given(st.lists(st.floats(0, SLOTS * STEP_SECONDS - 1), max_size=50), st.floats(0.01, 5))
def test_everybody_comes_up_once_and_in_time(delays: list[float], every: float) -> None:
    wheel: Wheel[Entry] = Wheel(BEGIN)
    entries = {Entry(): BEGIN + delay for delay in delays}
    for entry, at in entries.items():
        wheel.put(entry, at)
    now, came = BEGIN, dict[Entry, float]()
    while now < BEGIN + SLOTS * STEP_SECONDS + every:
        now += every
        for entry in wheel.turn(now):
            assert entry not in came
            came[entry] = now

    assert came.keys() == entries.keys()
    for entry, at in entries.items():
        assert at <= came[entry] <= at + STEP_SECONDS + every + 1e-6
    assert len(wheel) == 0


def test_who_is_put_again_comes_up_only_then(wheel: Wheel[Entry]) -> None:
    entry = Entry()
    wheel.put(entry, BEGIN + 1)
    wheel.put(entry, BEGIN + 10)

    assert wheel.turn(BEGIN + 9) == []
    assert wheel.turn(BEGIN + 11) == [entry]


def test_sooner_moves_only_to_the_front(wheel: Wheel[Entry]) -> None:
    entry = Entry()
    wheel.turn(BEGIN + SLOTS * STEP_SECONDS * 0.9)
    now = BEGIN + SLOTS * STEP_SECONDS * 0.9
    wheel.sooner(entry, now + 25)
    wheel.sooner(entry, now + 30)
    assert len(wheel) == 1
    wheel.sooner(entry, now + 5)

    assert wheel.turn(now + 4) == []
    assert wheel.turn(now + 6) == [entry]


def test_who_is_dropped_never_comes_up(wheel: Wheel[Entry]) -> None:
    entry = Entry()
    wheel.put(entry, BEGIN + 1)
    wheel.drop(entry)
    wheel.drop(entry)

    assert wheel.turn(BEGIN + 100) == []
    assert len(wheel) == 0


def test_what_is_more_than_a_turn_away_is_looked_at_early(wheel: Wheel[Entry]) -> None:
    entry = Entry()
    wheel.put(entry, BEGIN + 3600)

    assert wheel.turn(BEGIN + SLOTS * STEP_SECONDS) == [entry]


def test_after_a_long_pause_everybody_who_is_due_comes_up(wheel: Wheel[Entry]) -> None:
    entries = [Entry() for _ in range(100)]
    for n, entry in enumerate(entries):
        wheel.put(entry, BEGIN + n / 2)

    assert set(wheel.turn(BEGIN + 10_000)) == set(entries)
    later = Entry()
    wheel.put(later, BEGIN + 10_002)
    assert wheel.turn(BEGIN + 10_001) == []
    assert wheel.turn(BEGIN + 10_003) == [later]
