"""Households: one door or one card under many names, and never somebody else's."""

import re
from typing import Any

import pytest

from commerce import households

HOME = {"line1": "Müllerstraße 5a", "line2": "", "postal_code": "13353", "city": "Berlin", "country": "DE"}


def door(**changed: str) -> list[str]:
    return households.keys(address={**HOME, **changed}, fingerprint="")


@pytest.mark.parametrize(
    "written",
    [
        {"line1": "MUELLERSTRASSE 5 A"},
        {"line1": "Müllerstr. 5a"},
        {"line1": "Müller-Straße  5a", "city": " berlin "},
        {"line1": "Ｍüllerstraße ５a"},  # full width
        {"line1": "Mu\u0308llerstraße 5a"},  # a composed letter in two parts
        {"line1": "Müllerstraße", "line2": "5a"},
        {"name": "Somebody Else"},
        {"country": "de"},
    ],
)
def test_one_door_however_it_is_written(written: dict[str, str]) -> None:
    assert door(**written) == door()


@pytest.mark.parametrize(
    "other",
    [
        {"line1": "Müllerstraße 5b"},
        {"line1": "Müllerstraße 5"},
        {"line1": "Müllerstraße 5a", "line2": "Apt 2"},
        {"postal_code": "13354"},
        {"city": "Bernau"},
        {"country": "AT"},
    ],
)
def test_another_door_is_another_household(other: dict[str, str]) -> None:
    assert door(**other) != door()


def test_numbers_side_by_side_do_not_run_together() -> None:
    assert door(line1="High St 1", line2="12") != door(line1="High St 11", line2="2")
    assert door(line1="High Street 1") == door(line1="high st. 1")


def test_letters_of_other_scripts_stay_different() -> None:
    assert door(line1="かき 1") != door(line1="がき 1")


def test_a_card_is_a_household_of_its_own_kind() -> None:
    address, card = households.keys(address=HOME, fingerprint="fp_1")

    assert [address] == door()
    assert households.keys(address={}, fingerprint="fp_1") == [card]
    assert households.keys(address={}, fingerprint="") == []
    assert households.keys(address={"line1": " - "}, fingerprint="") == []
    assert households.keys(address={}, fingerprint="fp_2") != [card]
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in (address, card))


def test_without_the_secret_nobody_makes_the_same_key(settings: Any) -> None:
    before = households.keys(address=HOME, fingerprint="fp_1")
    settings.SECRET_KEY = "another-secret-key-that-is-long-enough-for-a-test"

    assert not set(before) & set(households.keys(address=HOME, fingerprint="fp_1"))
