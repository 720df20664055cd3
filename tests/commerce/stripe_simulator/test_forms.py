"""Bracket notation, against the SDK's own encoder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe._encode import _api_encode

from commerce.stripe_simulator import forms
from commerce.stripe_simulator.refusals import Refused

names = st.text("abcdefghij_", min_size=1, max_size=6)
texts = st.text(min_size=1, max_size=10)
values = st.recursive(
    texts,
    lambda below: (
        st.lists(below, min_size=1, max_size=3) | st.dictionaries(names, below, min_size=1, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(names, values, max_size=3))
def test_what_the_sdk_encodes_is_read_back(params: dict[str, object]) -> None:
    pairs = [(str(name), str(value)) for name, value in _api_encode(params)]

    assert forms.read(pairs) == params


def test_empty_brackets_append() -> None:
    assert forms.read([("expand[]", "a"), ("expand[]", "b")]) == {"expand": ["a", "b"]}


@pytest.mark.parametrize(
    "pairs",
    [
        [("[a]", "1")],
        [("a[b", "1")],
        [("a", "1"), ("a[b]", "2")],
        [("a[b]", "1"), ("a", "2")],
        [("a" + "[b]" * 9, "1")],
    ],
)
def test_names_that_make_no_sense_are_refused(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(Refused):
        forms.read(pairs)


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=4)), max_size=6))
def test_any_pairs_are_read_or_refused(pairs: list[tuple[str, str]]) -> None:
    try:
        assert isinstance(forms.read(pairs), dict)
    except Refused as refused:
        status = refused.status
    else:
        status = 200

    assert status in (200, 400)
