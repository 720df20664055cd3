"""What is promised over time: raised at once, lowered once announced, for whatever came before."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from catalog.commission import promises
from catalog.commission.promises import Piece

NOW = datetime(2030, 5, 1, tzinfo=UTC)
NOTICE = timedelta(days=7)


def day(number: float) -> datetime:
    return NOW + timedelta(days=number)


def at(pieces: list[Piece], moment: datetime) -> int | None:
    """Return what is promised at a moment; there is one answer at most."""
    found = [each.rate for each in pieces if each.since <= moment and (not each.until or moment < each.until)]
    assert len(found) <= 1
    return found[0] if found else None


def changed(pieces: list[Piece], rate: int | None, now: datetime, **more: bool) -> list[Piece]:
    return promises.change(pieces, rate=rate, now=now, announced=now + NOTICE, **more)


def test_more_counts_at_once() -> None:
    pieces = changed([Piece(1000, day(-9), None)], 1500, NOW)

    assert pieces == [Piece(1500, NOW, None)]


def test_less_counts_once_announced() -> None:
    pieces = changed([Piece(1000, day(-9), None)], 500, NOW)

    assert pieces == [Piece(1000, NOW, day(7)), Piece(500, day(7), None)]


def test_the_end_is_announced() -> None:
    assert changed([Piece(1000, day(-9), None)], None, NOW) == [Piece(1000, NOW, day(7))]
    assert changed([Piece(1000, day(-9), day(3))], None, NOW) == [Piece(1000, NOW, day(3))]
    assert changed([], None, NOW) == []


def test_what_takes_the_place_of_a_better_promise_is_announced() -> None:
    assert changed([], 500, NOW) == [Piece(500, NOW, None)]
    assert changed([], 500, NOW, at_once=False) == [Piece(500, day(7), None)]


changes = st.lists(st.tuples(st.integers(0, 10), st.none() | st.integers(0, 5)), max_size=8)


@given(changes)
def test_whatever_is_changed_nobody_gets_less_than_was_promised_for_the_next_days(
    changes: list[tuple[int, int | None]],
) -> None:
    pieces: list[Piece] = []
    now = NOW
    for wait, rate in changes:
        now += timedelta(days=wait)
        before, pieces = pieces, changed(pieces, rate, now)
        for hours in range(0, 20 * 24, 12):
            moment = now + timedelta(hours=hours)
            if moment < now + NOTICE:
                # Neither less than was promised, nor than is promised now.
                assert (at(pieces, moment) or 0) >= max(at(before, moment) or 0, rate or 0)
            else:
                assert at(pieces, moment) == rate
