"""Filters: they find what is meant, leave the harmless alone, and when they fail a human looks."""

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.moderation import filters, links, personal, rules, words
from streams.moderation.filters import Finding
from tests.streams.moderation import sentences

platform_words, link, contact = words.PlatformWords(), links.Links(), personal.PersonalData()


@pytest.mark.parametrize("text", sentences.HARMLESS)
def test_a_harmless_line_is_not_held(text: str) -> None:
    assert [each.check(text) for each in (platform_words, link, contact)] == [None, None, None]
    assert personal.masked(text) == (text, False)


@pytest.mark.parametrize("text", sentences.RUDE)
def test_a_listed_word_is_found_in_disguise(text: str) -> None:
    found = platform_words.check(text)

    assert found is not None and found.rule == rules.WORDS and found.matched


@pytest.mark.parametrize("text", sentences.LINKS)
def test_an_address_is_found(text: str) -> None:
    found = link.check(text)

    assert found is not None and found.rule == rules.LINKS


@pytest.mark.parametrize("text", sentences.CONTACTS)
def test_personal_data_is_found(text: str) -> None:
    found = contact.check(text)

    assert found is not None and found.rule == rules.CONTACT


@pytest.mark.parametrize("text", sentences.CARDS)
def test_of_a_card_number_the_last_digits_stay(text: str) -> None:
    hidden, found = personal.masked(text)

    assert found
    assert len(hidden) == len(text)
    assert sum(c.isdigit() for c in hidden) == 4
    assert personal.masked(hidden) == (hidden, False)


@given(st.integers(2, 6), st.integers(13, 18), st.data())
def test_any_number_with_a_right_check_digit_is_hidden_and_with_a_wrong_one_is_not(
    first: int, length: int, data: st.DataObject
) -> None:
    rest = data.draw(st.text("0123456789", min_size=length - 1, max_size=length - 1))
    body = str(first) + rest
    if len(set(body)) < 2:
        return
    right = next(d for d in "0123456789" if personal._is_card(body + d))
    wrong = str((int(right) + 1) % 10)

    assert personal.masked(f"card {body}{right} thanks")[1]
    assert not personal.masked(f"card {body}{wrong} thanks")[1]


@given(st.text(max_size=200))
def test_filters_take_any_text(text: str) -> None:
    for each in (platform_words, link, contact):
        each.check(text)
    assert len(personal.masked(text)[0]) == len(text)


class Broken:
    prompt = False

    def check(self, text: str) -> Finding | None:
        raise ValueError(text)


class Stuck:
    def __init__(self) -> None:
        self.free = threading.Event()

    def check(self, text: str) -> Finding | None:
        self.free.wait(20)
        return None


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    made = Stuck()
    yield made
    made.free.set()


@pytest.mark.parametrize("prompt", [True, False])
def test_a_filter_that_fails_leaves_the_line_to_a_human(prompt: bool) -> None:
    broken = Broken()
    broken.prompt = prompt
    watch = filters.Watch([broken], seconds=1)

    assert watch.check("Hi") == Finding(rules.UNCHECKED)


@pytest.mark.parametrize("part", ["a.", "a b ", "1 2-", "@a", "f.u", "x", "0-", "A1 ", ".com", "f u"])
def test_no_line_takes_a_prompt_filter_long(part: str) -> None:
    text = (part * 200)[:200]
    began = time.thread_time()
    for each in (platform_words, link, contact):
        each.check(text)
    personal.masked(text)

    assert time.thread_time() - began < 0.1


def test_a_filter_that_takes_too_long_leaves_the_line_to_a_human(stuck: Stuck) -> None:
    watch = filters.Watch([stuck], seconds=0.05)

    assert watch.check("Hi") == Finding(rules.UNCHECKED)


def test_hanging_filters_keep_no_more_threads_than_there_are(stuck: Stuck) -> None:
    watch = filters.Watch([stuck], seconds=0.02, threads=2)

    for _ in range(6):
        assert watch.check("Hi") == Finding(rules.UNCHECKED)
    assert sum(thread.name.startswith("filter") for thread in threading.enumerate()) <= 2 + filters.THREADS
    stuck.free.set()
    deadline = time.monotonic() + 10
    while watch.check("Hi") is not None:
        assert time.monotonic() < deadline, "the filter works again and nobody notices"


def test_the_first_finding_counts() -> None:
    watch = filters.Watch([link, platform_words], seconds=5)

    found = watch.check("this bullshit is on cheapbags.com")

    assert found is not None and found.rule == rules.LINKS
