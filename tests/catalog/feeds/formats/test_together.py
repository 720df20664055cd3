"""The rows of a product come together in their order, wherever in a file they are; memory stays small."""

import io
import random
import tracemalloc
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.feeds.drafts import Problem
from catalog.feeds.formats import detect, fields, together
from tests.catalog.make import NOW, feed, row


@dataclass(frozen=True, slots=True)
class Line:
    """A row of some handle."""

    number: int
    handle: str
    said: dict[str, list[str]]


def lines(handles: Iterable[str]) -> list[Line]:
    return [Line(n, handle, {"n": [str(n), "ü\n\0"]}) for n, handle in enumerate(handles, start=1)]


def grouped(rows: list[Line]) -> list[tuple[str, list[Line]]]:
    found = together.grouped(lambda: iter(rows), handle_of=lambda line: line.handle, kind=Line)
    return [(handle, list(held)) for handle, held in found]


@given(st.lists(st.sampled_from("abcd") | st.just(""), max_size=40), st.integers(1, 4))
def test_each_handle_comes_once_with_its_rows_when_its_last_was_read(handles: list[str], run: int) -> None:
    rows = lines(handles)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(together, "MAX_RUN", run)
        found = grouped(rows)
    wanted = {name: [one for one in rows if one.handle == name] for name in handles if name}
    assert {handle: held for handle, held in found if handle} == wanted
    assert len(found) == len(wanted) + handles.count("")
    ends = [held[-1].number for _, held in found]
    assert ends == sorted(set(ends))


def test_the_rows_of_a_handle_can_be_gone_through_again() -> None:
    rows = lines("aba")
    for handle, held in together.grouped(lambda: iter(rows), handle_of=lambda one: one.handle, kind=Line):
        assert list(held) == list(held) == [one for one in rows if one.handle == handle]


def test_handles_of_one_fingerprint_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "hash", lambda _: 1, raising=False)
    rows = lines("aabbcadb")
    assert sorted(grouped(rows)) == [(name, [one for one in rows if one.handle == name]) for name in "abcd"]


def test_a_file_in_no_order_at_all_is_read_in_a_few_megabytes() -> None:
    text, count = "x" * 2_000, 20_000
    rows = [
        row(
            f"p{n % 5_000}", title=f"P {n % 5_000}", body=text, name="N", value=f"{n}", sku=f"S{n}", price="1"
        )
        for n in range(count)
    ]
    random.Random(1).shuffle(rows)
    file = io.BytesIO(feed(*rows))
    assert file.seek(0, 2) > 40_000_000
    del rows
    tracemalloc.start()
    try:
        pieces = detect.opened(file, detect.SHOPIFY).pieces(currency="EUR", now=NOW)
        found = [len(piece.draft.variants) for piece in pieces if piece.draft and not piece.problems]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == [4] * 5_000
    assert peak < 15_000_000


def test_of_very_many_problems_of_a_product_only_how_many_they_are_is_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fields, "MAX_TOLD", 3)
    rows = [row("a", title="A", price="1", grams="?"), *(row("a", price="x", value=str(n)) for n in range(4))]
    file = io.BytesIO(feed(*rows))
    [piece] = detect.opened(file, detect.SHOPIFY).pieces(currency="EUR", now=NOW)
    assert [problem.line for problem in piece.problems] == [2, 3, 4, 0, 0]
    assert [problem.skipped for problem in piece.problems] == [False, True, True, True, True]
    assert isinstance(piece.problems[4], Problem)
    assert piece.problems[3] is piece.problems[4]
