"""What is sealed opens for what it was sealed for, with any key of the settings, and for nothing else."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce import sealing


@given(st.text(max_size=300), st.text(max_size=60))
def test_what_was_sealed_opens_for_the_same_alone(text: str, owner: str) -> None:
    sealed = sealing.seal(text, bound_to=owner)

    assert sealing.opened(sealed, bound_to=owner) == text
    with pytest.raises(sealing.CannotOpen):
        sealing.opened(sealed, bound_to=f"{owner} of somebody else")


def test_the_same_is_sealed_differently_each_time() -> None:
    assert len({sealing.seal("open sesame", bound_to="a feed") for _ in range(20)}) == 20


def test_a_new_key_seals_and_an_old_one_opens_until_it_is_gone(settings: Any) -> None:
    settings.WEBHOOK_KEYS = ["old"]
    sealed = sealing.seal("open sesame", bound_to="a feed")

    settings.WEBHOOK_KEYS = ["new", "old"]
    assert sealing.opened(sealed, bound_to="a feed") == "open sesame"
    settings.WEBHOOK_KEYS = ["new"]
    with pytest.raises(sealing.CannotOpen):
        sealing.opened(sealed, bound_to="a feed")


@pytest.mark.parametrize("at", [0, 11, 12, -1])
def test_what_was_changed_by_one_bit_does_not_open(at: int) -> None:
    raw = bytearray(base64.b64decode(sealing.seal("open sesame", bound_to="a feed")))
    raw[at] ^= 1

    with pytest.raises(sealing.CannotOpen):
        sealing.opened(base64.b64encode(raw).decode(), bound_to="a feed")
